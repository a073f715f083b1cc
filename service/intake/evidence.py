"""Checks what a piece of evidence is by reading it, within limits: a whole picture or document, with nothing active.

The evidence is shown to others years later. So a file that is half a picture, or that runs a program when it is opened,
is refused. Pure. It takes time and memory in proportion to the file and `MOST_BYTES`: what is compressed is read in
windows, because an inflater copies whatever it is given and does not use. Call it in a reader process.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np

EVIDENCE_TYPES = ("image/png", "image/jpeg", "image/webp", "application/pdf")
MOST_PIXELS: Final = 50_000_000
"""More than a screenshot of a whole page at four times the density of a screen."""
MOST_PAGES: Final = 200
# What compressed data may grow to. Of a picture with the most pixels, 16 bits for each of four colours take more.
_MOST_BYTES: Final = 256 << 20
# The objects of a document take far less. Those of one stream are held in memory, and searched.
_MOST_BYTES_OF_OBJECTS: Final = 64 << 20
_MOST_BYTES_OF_OBJECT_STREAM: Final = 16 << 20
_PORTION: Final = 1 << 20
# An inflater gets a small window of its input first, because most streams are short, and then larger ones.
_FIRST_WINDOW: Final = 256
_LARGEST_WINDOW: Final = 64 << 10

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
        _CHECKS[media_type](content)
    except UnfitEvidence:
        raise
    except (struct.error, zlib.error, IndexError, ValueError) as problem:
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
    chunks = _png_chunks(content)
    name, header = next(chunks, (b"", b""))
    if name != b"IHDR":
        raise NotWhole
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    _check_pixels(width, height)
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    # The seven pictures of an interlaced one together have a few bytes more, so only a lower bound holds for them.
    expected = height * (1 + -(-width * bits // 8))
    pixels = _Pixels()
    for name, data in chunks:
        if name == b"IDAT":
            pixels.read(data)
    if name != b"IEND" or not pixels.are_whole:
        raise NotWhole
    if pixels.length != expected and not (interlaced and pixels.length > expected // 2):
        raise NotWhole


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview | bytes]]:
    at, view = 8, memoryview(content)
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        data = view[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, at + 8 + length)
        if zlib.crc32(view[at + 4 : at + 8 + length]) != checksum:
            raise NotWhole
        yield content[at + 4 : at + 8], data
        at += 12 + length


class _Pixels:
    """How long the compressed pixels of a picture are, without keeping them."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj()
        self.length = 0

    @property
    def are_whole(self) -> bool:
        return self._inflater.eof

    def read(self, compressed: memoryview | bytes) -> None:
        for start in range(0, len(compressed), _LARGEST_WINDOW):
            waiting: bytes | memoryview = compressed[start : start + _LARGEST_WINDOW]
            while waiting:
                # An inflater keeps what follows the end, and copies all of it each time.
                if self._inflater.eof:
                    raise NotWhole
                self.length += len(self._inflater.decompress(waiting, _PORTION))
                waiting = self._inflater.unconsumed_tail
                if self.length > _MOST_BYTES:
                    raise TooManyPixels
            if self._inflater.unused_data:
                raise NotWhole


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
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or int.from_bytes(content[4:8], "little") + 8 != len(content):
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
# The value of each byte as a hexadecimal digit; 16 for all others.
_HEX: Final = np.full(256, 16, np.uint8)
for _value, _digit in enumerate(b"0123456789abcdef"):
    _HEX[[_digit, ord(chr(_digit).upper())]] = _value
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
    if b"#" not in objects:
        return objects
    portions, start = [], 0
    while start < len(objects):
        end = min(start + _PORTION, len(objects))
        # An escape is not cut in two.
        if end < len(objects) and (sign := objects.rfind(b"#", end - 2, end)) >= 0:
            end = sign
        portions.append(_without_escapes_at_once(objects[start:end]))
        start = end
    return b"".join(portions)


def _without_escapes_at_once(objects: bytes) -> bytes:
    codes = np.frombuffer(objects, np.uint8)
    signs = np.flatnonzero(codes[:-2] == ord("#"))
    high, low = _HEX[codes[signs + 1]], _HEX[codes[signs + 2]]
    escapes = (high < 16) & (low < 16)
    signs = signs[escapes]
    plain, kept = codes.copy(), np.ones(len(codes), np.bool_)
    plain[signs] = high[escapes] << 4 | low[escapes]
    kept[signs + 1] = kept[signs + 2] = False
    return plain[kept].tobytes()


def _object_streams(content: bytes) -> Iterator[bytes]:
    """The objects of each object stream (ISO 32000-1, 7.5.7), together within the limit.

    A stream that is compressed in any other way than the usual one could hide what it holds. Streams that share bytes
    would be read as often as there are streams.
    """
    left, unread, earliest = _MOST_BYTES_OF_OBJECTS, len(content), 0
    for start in _STREAM.finditer(content):
        # Never before the stream in front, so that each byte belongs to one dictionary.
        before = content[max(start.start() - _DICTIONARY_BYTES, earliest) : start.start()]
        earliest = start.end()
        begin = before.rfind(b" obj")
        if begin < 0:
            raise ActiveContent
        dictionary = _without_escapes(before[begin:])
        if b"/ObjStm" not in dictionary:
            continue
        if not _USUAL_FILTER.search(dictionary) or b"/DecodeParms" in dictionary:
            raise ActiveContent
        objects, taken = _inflate_at(content, start.end(), min(left, _MOST_BYTES_OF_OBJECT_STREAM))
        left -= len(objects)
        unread -= taken
        if unread < 0:
            raise ActiveContent
        yield objects


def _inflate_at(content: bytes, start: int, most: int) -> tuple[bytes, int]:
    """What is compressed from a place on, and how many bytes that takes. Raises TooManyPixels beyond `most` bytes."""
    view, inflater, at, window = memoryview(content), zlib.decompressobj(), start, _FIRST_WINDOW
    inflated, length = list[bytes](), 0
    while at < len(content) and not inflater.eof:
        given = view[at : at + window]
        inflated.append(inflater.decompress(given, most - length + 1))
        length += len(inflated[-1])
        if length > most:
            raise TooManyPixels
        at += len(given) - len(inflater.unused_data)
        window = min(2 * window, _LARGEST_WINDOW)
    return b"".join(inflated), at - start


_CHECKS: Final = {
    "image/png": _check_png,
    "image/jpeg": _check_jpeg,
    "image/webp": _check_webp,
    "application/pdf": _check_pdf,
}
