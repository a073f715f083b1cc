"""JSON objects, one a line."""
