"""Numbers and the datasets that hold them: pseudonyms, sorted blocks of them, and the bulk path to the database."""
