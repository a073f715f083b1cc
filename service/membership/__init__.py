"""Which dataset holds which number: sorted blocks of pseudonyms, lookups, compaction, erasure and integrity checks."""
