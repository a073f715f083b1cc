"""Small files that other programs wrote, as bytes."""

import base64
from typing import Final

INT96_PARQUET: Final = base64.b64decode(
    "UEFSMRUAFSgVKCwVAhUAFQYVBhwAAAACAAAAAgEKAAAAMDYzOTk4MDAwMRUAFSQVJCwVAhUAFQYVBhwAAAACAAAAAgEAOAwikCcAALqKJQAVBBk8"
    "NQAYBnNjaGVtYRUEABUMJQIYBXBob25lJQBMHAAAABUGJQIYDGNvbnNlbnRlZF9hdAAWAhkcGSwmABwVDBklBgAZGAVwaG9uZRUAFgIWThZOJghJ"
    "HBUAFQAVAgA8FhQZBhkmAAIAAAAmABwVBhklBgAZGAxjb25zZW50ZWRfYXQVABYCFkoWSiZWSRwVABUAFQIAPCkGGSYAAgAAABaYARYCJggWmAEA"
    "KCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRksHAAAHAAAANcAAABQQVIx"
)
"""The number 0639980001 with `consented_at` 2024-02-05T12:05 as INT96, as Spark writes it.

Written by pyarrow 26.0.1 with `use_deprecated_int96_timestamps=True` and `store_schema=False`.
"""
