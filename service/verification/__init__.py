"""A person proves by a one-time code that a number is theirs, and gets a session that speaks for it."""
