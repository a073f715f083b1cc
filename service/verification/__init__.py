"""Verification: a person proves with a one-time code that a number is theirs, and gets a session for it."""
