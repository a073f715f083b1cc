"""Readers for tests: what one is asked, and how it answers."""

import tempfile
import threading
from typing import Any

from service.intake.columns.choice import ColumnChoice
from service.intake.errors import UnreadablePart
from service.intake.media import Compression, Format
from service.sandbox.batch import Batch
from service.sandbox.form import PartForm
from service.sandbox.launcher import Launcher, ReaderLost
from service.sandbox.process import ReaderProcess

MEMORY_BYTES = 256 << 20


def form(**given: Any) -> PartForm:
    usual: dict[str, Any] = {
        "format": Format.CSV,
        "compression": Compression.NONE,
        "columns": ColumnChoice(),
        "dialect": None,
        "region": "FR",
        "time_zone": "Europe/Paris",
        "date_format": None,
        "sheet": None,
        "has_header": None,
        "most_lines": None,
        "consent_period": None,
        "rejects_kept": 100,
        "folder": tempfile.gettempdir(),
    }
    return PartForm(**usual | given)


def read(launcher: Launcher, data: bytes, **given: Any) -> list[Batch]:
    """The batches of a part. Raises what the reader raises."""
    reader = ReaderProcess(launcher, form(**given), MEMORY_BYTES)

    def send() -> None:
        for start in range(0, len(data), 1 << 20):
            if not reader.send(data[start : start + (1 << 20)]):
                return
        reader.finish()

    sending = threading.Thread(target=send)
    try:
        reader.start()
        sending.start()
        batches = []
        while (batch := reader.receive()) is not None:
            batches.append(batch)
        return batches
    finally:
        reader.close()
        if sending.ident:
            sending.join()


def outcome(launcher: Launcher, data: bytes, **given: Any) -> str:
    """The slug of the refusal, "lost", or "read"."""
    try:
        read(launcher, data, **given)
    except UnreadablePart as refusal:
        return refusal.slug
    except ReaderLost:
        return "lost"
    return "read"
