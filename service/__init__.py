"""Filiation: who collected a phone number, which organisations held it, and which clients received it."""
