"""Parts and evidence are read in processes that hold no secret, can open no file or socket, and have little memory."""
