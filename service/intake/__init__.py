"""Reads an uploaded part: from bytes to columns of lines, by decompression, decoding, tables and consent times."""
