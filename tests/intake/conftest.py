"""Fixtures of all intake tests."""

from collections.abc import Iterator

import pytest

from service.intake import reader
from service.intake.delimited import lines as csv_lines
from service.intake.ndjson import lines as ndjson_lines


@pytest.fixture(scope="session", autouse=True)
def small_samples() -> Iterator[None]:
    """Settle dialect and encoding by a few hundred bytes, so that small parts already have many chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_lines, "SAMPLE_BYTES", 300)
        patch.setattr(ndjson_lines, "SAMPLE_BYTES", 300)
        patch.setattr(reader, "ENCODING_SAMPLE_BYTES", 100)
        yield
