"""Filiation: who collected a phone number, through whose hands it passed, and which clients received it."""
