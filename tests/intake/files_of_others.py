"""Small files that other programs wrote, as bytes."""

import base64
from typing import Final

from service.intake.parquet.thrift import I32, Reader, write_struct

INT96_PARQUET: Final = base64.b64decode(
    "UEFSMRUAFSgVKCwVAhUAFQYVBhwAAAACAAAAAgEKAAAAMDYzOTk4MDAwMRUAFSQVJCwVAhUAFQYVBhwAAAACAAAAAgEAOAwikCcAALqKJQAVBBk8"
    "NQAYBnNjaGVtYRUEABUMJQIYBXBob25lJQBMHAAAABUGJQIYDGNvbnNlbnRlZF9hdAAWAhkcGSwmABwVDBklBgAZGAVwaG9uZRUAFgIWThZOJghJ"
    "HBUAFQAVAgA8FhQZBhkmAAIAAAAmABwVBhklBgAZGAxjb25zZW50ZWRfYXQVABYCFkoWSiZWSRwVABUAFQIAPCkGGSYAAgAAABaYARYCJggWmAEA"
    "KCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRksHAAAHAAAANcAAABQQVIx"
)
"""The number 0639980001 with `consented_at` 2024-02-05T12:05 as INT96, as Spark writes it.

Written by pyarrow 26.0.1 with `use_deprecated_int96_timestamps=True` and `store_schema=False`.
"""


def with_converted_type(file: bytes, column: bytes, converted: int) -> bytes:
    """A Parquet file whose column of times has a converted type alone, as parquet-mr wrote them before 1.11."""
    size = int.from_bytes(file[-8:-4], "little")
    footer = Reader(file[-8 - size : -8]).struct()
    for element in footer[2][1][1]:
        if element[4][1] == column:
            element.pop(10, None)
            element[6] = (I32, converted)
    written = write_struct(footer)
    return file[: -8 - size] + written + len(written).to_bytes(4, "little") + b"PAR1"
