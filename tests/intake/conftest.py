"""Fixtures of all intake tests."""

from collections.abc import Iterator

import pytest

from service.intake import csv_lines, ndjson_lines, reader


@pytest.fixture(scope="session", autouse=True)
def small_samples() -> Iterator[None]:
    """Settle dialect and encoding by a few hundred bytes, so that small parts already have many chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_lines, "SAMPLE_BYTES", 300)
        patch.setattr(ndjson_lines, "SAMPLE_BYTES", 300)
        patch.setattr(reader, "ENCODING_SAMPLE_BYTES", 100)
        yield
