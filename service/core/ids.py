"""Identifiers: UUID version 7 (RFC 9562), made in Python, so that a row's id is known before it is written.

Nothing in an id but its millisecond is a fact. The other 74 bits are random, with no counter (RFC 9562, 5.7): ids that
count up within a millisecond show how many objects were made between two of them, and so how many others hold a number.
"""

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from service.core.clock import now

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_RANDOM_BITS: Final = 74
_LOW_BITS: Final = 62
_VERSION: Final = 7
_VARIANT: Final = 0b10


def uuid7(moment: datetime | None = None) -> uuid.UUID:
    """A new id. Those of different milliseconds sort by time, those of one millisecond in no order.

    `moment` is that of the act, for objects of which several parties see one each. Made later, their milliseconds would
    show how many others were made before.
    """
    milliseconds = ((moment or now()) - _EPOCH) // _MILLISECOND
    high, low = divmod(secrets.randbits(_RANDOM_BITS), 1 << _LOW_BITS)
    return uuid.UUID(int=milliseconds << 80 | _VERSION << 76 | high << 64 | _VARIANT << 62 | low)
