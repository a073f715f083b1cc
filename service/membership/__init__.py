"""Numbers and the datasets that hold them: spellings, pseudonyms, sorted blocks, and the bulk path."""
