"""Telephone numbers: spellings, numbering plans, and the key ring that turns them into pseudonyms."""
