"""Telephone numbers: normalisation, numbering plans, and the key ring that turns numbers into pseudonyms."""
