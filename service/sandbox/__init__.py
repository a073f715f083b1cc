"""Parts are read in processes that have nothing to lose: no secrets, database, network or files, and little memory."""
