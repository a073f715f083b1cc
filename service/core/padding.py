"""Padding: who watches encrypted traffic sees the size of a response, and so whether a number is held, and how widely.

What a person is sent is filled up to a power of two from 64 KiB. The filling is random, so that it does not vanish if a
proxy compresses the response, although `NO_TRANSFORM` forbids that. Each function keeps what the file says.
"""

import base64
import secrets
from typing import Final

LEAST_BYTES: Final = 65_536
# The fonts of a letter alone take most of 64 KiB: a few holders would double what nobody gets.
LEAST_PDF_BYTES: Final = 4 * LEAST_BYTES
# No cache keeps what is sent to a person, and no proxy may make it shorter again (RFC 9111, 5.2.2.6).
NO_TRANSFORM: Final = "no-store, no-transform"

_LINE: Final = 100
_OPEN, _CLOSE = b"<!-- ", b" -->"
_STARTXREF: Final = b"startxref"
_SPACES: Final = b" \n" * 128


def padded_size(size: int, least: int = LEAST_BYTES) -> int:
    """The power of two, from `least`, that holds `size` bytes."""
    return max(least, 1 << (size - 1).bit_length())


def pad_html(document: bytes) -> bytes:
    """An HTML document with a comment of random letters at its end."""
    missing = padded_size(len(document) + len(_OPEN + _CLOSE)) - len(document) - len(_OPEN + _CLOSE)
    return document + _OPEN + _letters(missing) + _CLOSE


def pad_json(document: bytes) -> bytes:
    """A JSON document with white space at its end (RFC 8259, 2): spaces and line feeds in a random order."""
    missing = padded_size(len(document)) - len(document)
    return document + secrets.token_bytes(missing).translate(_SPACES)


def pad_pdf(document: bytes) -> bytes:
    """A PDF with comments of random letters before its `startxref`, so that no offset in the file changes.

    It has 256 KiB or more.

    Raises:
        ValueError: it is not a PDF.
    """
    at = document.rindex(_STARTXREF)
    missing = padded_size(len(document) + 2, LEAST_PDF_BYTES) - len(document)
    lines = b"".join(b"%" + _letters(_LINE - 2) + b"\n" for _ in range((missing - 2) // _LINE))
    rest = missing - len(lines)
    return document[:at] + lines + b"%" + _letters(rest - 2) + b"\n" + document[at:]


def _letters(count: int) -> bytes:
    """So many random letters and digits of base64, of which none ends a comment."""
    return base64.b64encode(secrets.token_bytes(count))[:count]
