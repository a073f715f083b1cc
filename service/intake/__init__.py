"""From the bytes of an uploaded part to columns of lines: decompression, text, tables, consent times."""
