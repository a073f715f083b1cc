"""Reads uploaded files: the evidence of notices, and parts, from bytes to columns of lines."""
