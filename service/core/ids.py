"""Identifiers: UUID version 7 (RFC 9562), made in Python, so that a row's id is known before it is written."""

import uuid

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> uuid.UUID:
    """A new time-ordered id. The ids of one process sort by the time at which they were made."""
    return _uuid7()
