"""Checks what a piece of evidence is by reading it, within limits: a whole picture or document, with nothing active.

The evidence is shown to others years later. So a file that is half a picture, or that runs a program when it is opened,
is refused. Pure, and linear in the size of the file; call it in a thread.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

import puremagic

EVIDENCE_TYPES = ("image/png", "image/jpeg", "image/webp", "application/pdf")
MOST_PIXELS: Final = 50_000_000
"""More than a screenshot of a whole page at four times the density of a screen."""
MOST_PAGES: Final = 200
# What compressed data may grow to. Of a picture with the most pixels, 16 bits for each of four colours take more.
_MOST_BYTES: Final = 256 << 20
_PORTION: Final = 1 << 20

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PDF_END: Final = b"%%EOF"
# How far before the end PDF readers look for the end marker (ISO 32000-1, annex H.3).
_PDF_TAIL: Final = 1024


class UnfitEvidence(ValueError):
    """A file that is not accepted. Each subclass says why."""


class NotWhole(UnfitEvidence):
    """A file that is not of its type, or not all of it."""


class TooManyPixels(UnfitEvidence):
    """A picture that would take too much memory, or a document of too many pages."""


class ActiveContent(UnfitEvidence):
    """A document that acts when it is opened, holds other files, or hides what it holds."""


def check_evidence(content: bytes, media_type: str) -> None:
    """Check a file of `media_type`, which is one of `EVIDENCE_TYPES`.

    Raises:
        UnfitEvidence: it is not accepted.
    """
    try:
        if puremagic.from_string(content, mime=True) != media_type:
            raise NotWhole
        _CHECKS[media_type](content)
    except UnfitEvidence:
        raise
    except (puremagic.PureError, struct.error, zlib.error, IndexError, ValueError) as problem:
        raise NotWhole from problem


def _check_pixels(width: int, height: int) -> None:
    if not (width and height):
        raise NotWhole
    if width * height > MOST_PIXELS:
        raise TooManyPixels


def _check_png(content: bytes) -> None:
    """Each chunk with its check sum, and the pixels as long as they should be (W3C, PNG, third edition)."""
    if content[:8] != _PNG_SIGNATURE:
        raise NotWhole
    chunks = list(_png_chunks(content))
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
        raise NotWhole
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    _check_pixels(width, height)
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    # The seven pictures of an interlaced one together have a few bytes more, so only a lower bound holds for them.
    expected = height * (1 + -(-width * bits // 8))
    length = _inflated_length([data for name, data in chunks if name == b"IDAT"])
    if length != expected and not (interlaced and length > expected // 2):
        raise NotWhole


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    at, view = 8, memoryview(content)
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        data = view[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(view[at + 4 : at + 8 + length]) != checksum:
            raise NotWhole
        yield content[at + 4 : at + 8], data
        at += 12 + length


def _inflated_length(portions: list[memoryview]) -> int:
    """How long what was compressed is, without keeping it."""
    inflater, length = zlib.decompressobj(), 0
    for portion in portions:
        waiting: bytes | memoryview = portion
        while waiting:
            length += len(inflater.decompress(waiting, _PORTION))
            waiting = inflater.unconsumed_tail
            if length > _MOST_BYTES:
                raise TooManyPixels
    if not inflater.eof:
        raise NotWhole
    return length


# Start of frame: all kinds but tables (C4), the extension (C8) and arithmetic conditioning (CC). ITU-T T.81, table B.1.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _check_jpeg(content: bytes) -> None:
    """The segments up to the first scan, with a frame among them, and the end of the image."""
    if content[:2] != b"\xff\xd8" or content[-2:] != b"\xff\xd9":
        raise NotWhole
    at, framed = 2, False
    while content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            _check_pixels(width, height)
            framed = True
        if marker == 0xDA:
            if framed and at + 2 + length <= len(content) - 2:
                return
            break
        at += 2 + max(length, 2)
    raise NotWhole


def _check_webp(content: bytes) -> None:
    """The chunks of the container, with a picture among them whose first bytes are those of its format (RFC 9649)."""
    if int.from_bytes(content[4:8], "little") + 8 != len(content):
        raise NotWhole
    at, found = 12, False
    while at < len(content):
        name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        data = content[at + 8 : at + 8 + length]
        if len(data) < length:
            raise NotWhole
        if name == b"VP8X":
            _check_pixels(*(1 + int.from_bytes(data[start : start + 3], "little") for start in (4, 7)))
        elif name == b"VP8L" and data[:1] == b"\x2f":
            bits = int.from_bytes(data[1:5], "little")
            _check_pixels((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
            found = True
        elif name == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
            _check_pixels(*(size & 0x3FFF for size in struct.unpack_from("<HH", data, 6)))
            found = True
        elif name == b"ANMF":
            found = True
        at += 8 + length + length % 2
    if not found:
        raise NotWhole


# What a document needs in order to run a script or a program, to send something, to hold other files, or to hide what
# it holds. A script has this name whatever starts it (ISO 32000-1, 12.6.4).
_ACTIVE: Final = re.compile(
    rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|GoToE|XFA|Movie|Rendition|Encrypt)"
    rb"(?![A-Za-z])|/OpenAction(?!\s*\[)"
)
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_USUAL_FILTER: Final = re.compile(rb"/Filter\s*(?:/FlateDecode|\[\s*/FlateDecode\s*\])")
_PAGE: Final = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n")
# A stream's dictionary begins at most this far before it, with the number of its object.
_DICTIONARY_BYTES: Final = 2048


def _check_pdf(content: bytes) -> None:
    """The names in all objects, also in those that are compressed together.

    An opening action that is a place in the document is harmless, and word processors write it.
    """
    if not content.startswith(b"%PDF-") or _PDF_END not in content[-_PDF_TAIL:]:
        raise NotWhole
    pages = 0
    for objects in (content, *_object_streams(content)):
        plain = _without_escapes(objects)
        if _ACTIVE.search(plain):
            raise ActiveContent
        pages += len(_PAGE.findall(plain))
    if pages > MOST_PAGES:
        raise TooManyPixels


def _without_escapes(objects: bytes) -> bytes:
    """Objects whose names are written without escapes (ISO 32000-1, 7.3.5)."""
    return _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), objects)


def _object_streams(content: bytes) -> Iterator[bytes]:
    """The objects of each object stream (ISO 32000-1, 7.5.7), together within the limit.

    A stream that is compressed in any other way than the usual one could hide what it holds.
    """
    left = _MOST_BYTES
    for start in _STREAM.finditer(content):
        before = content[max(start.start() - _DICTIONARY_BYTES, 0) : start.start()]
        begin = before.rfind(b" obj")
        if begin < 0:
            raise ActiveContent
        dictionary = _without_escapes(before[begin:])
        if b"/ObjStm" not in dictionary:
            continue
        if not _USUAL_FILTER.search(dictionary) or b"/DecodeParms" in dictionary:
            raise ActiveContent
        inflated = zlib.decompressobj().decompress(content[start.end() :], left)
        left -= len(inflated)
        if left <= 0:
            raise TooManyPixels
        yield inflated


_CHECKS: Final = {
    "image/png": _check_png,
    "image/jpeg": _check_jpeg,
    "image/webp": _check_webp,
    "application/pdf": _check_pdf,
}
