"""Consent times: from a column of text to Unix seconds, or the refusal of the column."""
