"""Decompresses bytes as they arrive, and decodes them to UTF-8 text with newlines. Incremental, in bounded memory."""

import codecs
import zlib
from collections.abc import Iterator
from enum import StrEnum

import numpy as np
import zstandard

from service.intake.errors import UnreadablePart
from service.intake.media import Compression

PIECE_BYTES = 1 << 20
"""The largest piece of decompressed bytes (zstd: eight times as large, see `_unzstd`)."""
ENCODING_SAMPLE_BYTES = 256 * 1024

_MAGIC = {b"\x1f\x8b": Compression.GZIP, b"\x28\xb5\x2f\xfd": Compression.ZSTD}
_MAGIC_BYTES = 4
# A zstd block of 4 bytes may expand to 128 KiB, so this much input never yields more than 8 MiB.
_ZSTD_STEP = 256
# The size that every decoder must support (RFC 8878, 3.1.1.1.2). A larger one would let a sender choose our memory use.
_ZSTD_WINDOW = 8 << 20


# The text of a list of numbers is some twenty times as long as it is compressed. With constant columns it is more.
_EXPANSION_FREE = 16 << 20
_EXPANSION_RATIO = 200
_MOST_EXPANDED = 64 << 30
# Writers end a stream with an empty frame, or put one before each full one. Nobody needs a thousand more than that.
_EMPTY_FRAMES = 1000


class Expansion:
    """How much a part may become when it is read, by how many bytes of it have arrived."""

    def __init__(self) -> None:
        self.received = 0
        self.expanded = 0

    def expand(self, size: int) -> None:
        """Count bytes that were made of those received. Raises UnreadablePart if they are too many."""
        self.expanded += size
        if self.expanded > _EXPANSION_FREE + _EXPANSION_RATIO * self.received:
            raise UnreadablePart(
                "expands_too_much",
                f"A few bytes of the part stand for very many: for more than {_EXPANSION_FREE >> 20} MiB, and for more "
                f"than {_EXPANSION_RATIO} times as many as they are. Check that it is a list of numbers, or send it "
                "uncompressed.",
            )
        if self.expanded > _MOST_EXPANDED:
            raise UnreadablePart(
                "expands_too_much",
                f"The part has more than {_MOST_EXPANDED >> 30} GiB when it is decompressed. Send it in several parts.",
            )


class Decompressor:
    """Decompresses a stream. If no compression is declared, it is recognised by its magic bytes."""

    def __init__(self, compression: Compression) -> None:
        self.expansion = Expansion()
        self._declared = compression
        self._method: Compression | None = None
        self._head = b""
        self._gzip = zlib.decompressobj(wbits=31)
        self._zstd = _zstd_frame()
        self._frame_is_open = False
        # How many frames held nothing, less those that held something.
        self._idle_frames = 0
        self._frame_bytes = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decompressed bytes, in bounded pieces.

        Raises UnreadablePart for a corrupt stream, and for a stream that expands to far more than a list of numbers.
        """
        self.expansion.received += len(data)
        if self._method is None:
            self._head += data
            if len(self._head) < _MAGIC_BYTES:
                return
            data, self._head = self._head, b""
            self._method = self._recognise(data)
        yield from self._undo(data)

    def finish(self) -> Iterator[bytes]:
        """The last bytes. Raises UnreadablePart if the stream was cut short."""
        if self._method is None:
            self._method = self._recognise(self._head)
            yield from self._undo(self._head)
        if self._frame_is_open:
            raise UnreadablePart(
                "truncated",
                f"The {self._method} stream ends too early because the upload was cut short. Send it again.",
            )

    def _recognise(self, head: bytes) -> Compression:
        if self._declared is not Compression.NONE:
            return self._declared
        return next((method for magic, method in _MAGIC.items() if head.startswith(magic)), Compression.NONE)

    def _undo(self, data: bytes) -> Iterator[bytes]:
        if self._method is Compression.GZIP:
            yield from self._ungzip(data)
        elif self._method is Compression.ZSTD:
            yield from self._unzstd(data)
        else:
            yield from (data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES))

    def _ungzip(self, data: bytes) -> Iterator[bytes]:
        while data:
            if not self._frame_is_open:
                # Members follow each other (RFC 1952), and may be padded with zeros, as by tar.
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._gzip, self._frame_is_open = zlib.decompressobj(wbits=31), True
            try:
                piece = self._gzip.decompress(data, PIECE_BYTES)
            except zlib.error as problem:
                raise _corrupt(Compression.GZIP) from problem
            self._count(piece, frame_ends=self._gzip.eof)
            yield piece
            data = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail

    def _unzstd(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_STEP):
            step = data[start : start + _ZSTD_STEP]
            while step:
                if not self._frame_is_open:
                    self._zstd, self._frame_is_open = _zstd_frame(), True
                try:
                    piece = self._zstd.decompress(step)
                except zstandard.ZstdError as problem:
                    raise _corrupt(Compression.ZSTD) from problem
                self._count(piece, frame_ends=self._zstd.eof)
                yield piece
                step = self._zstd.unused_data if self._zstd.eof else b""

    def _count(self, piece: bytes, *, frame_ends: bool) -> None:
        self._frame_is_open = not frame_ends
        self._frame_bytes += len(piece)
        self.expansion.expand(len(piece))
        if frame_ends:
            self._idle_frames += -1 if self._frame_bytes else 1
            self._frame_bytes = 0
            if self._idle_frames > _EMPTY_FRAMES:
                raise UnreadablePart(
                    "empty_frames",
                    f"The {self._method} stream has thousands of frames without content. Compress the file again, in "
                    "the usual way.",
                )


def _zstd_frame() -> "zstandard.ZstdDecompressionObj":
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()


def _corrupt(method: Compression) -> UnreadablePart:
    advice = "Check that the file is complete and that Content-Encoding states its compression."
    if method is Compression.ZSTD:
        advice += " Compress with zstd up to level 19 and without --long, which needs a window above 8 MiB."
    return UnreadablePart("corrupt_compression", f"The {method} stream is corrupt. {advice}")


class Encoding(StrEnum):
    """The encoding of a text, by its name in Python's codecs."""

    UTF_8 = "utf-8"
    WINDOWS_1252 = "windows-1252"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"


_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: Encoding.UTF_8,
    codecs.BOM_UTF16_LE: Encoding.UTF_16_LE,
    codecs.BOM_UTF16_BE: Encoding.UTF_16_BE,
}


def marked_encoding(head: bytes) -> Encoding | None:
    """The encoding given by a byte order mark."""
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), None)


def guess_encoding(head: bytes) -> Encoding:
    """The encoding of a part that begins with `head`: as marked, else UTF-8 if `head` is valid, else Windows-1252."""
    marked = marked_encoding(head)
    if marked is not None:
        return marked
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return Encoding.WINDOWS_1252
    return Encoding.UTF_8


def encoding_of(head: bytes, settled: Encoding | None) -> Encoding:
    """The encoding of a part that begins with `head`, in a dataset whose first part has the `settled` one, if any.

    The parts of a list may come from several programs. Letters in UTF-8 are hardly ever valid by chance.
    """
    marked = marked_encoding(head)
    if marked is not None or settled is None:
        return marked or guess_encoding(head)
    if settled is Encoding.WINDOWS_1252 and not head.isascii():
        return guess_encoding(head)
    if settled in (Encoding.UTF_16_LE, Encoding.UTF_16_BE) and b"\0" not in head:
        # In UTF-16 half of each digit is a zero byte.
        return guess_encoding(head)
    return settled


class TextDecoder:
    """Decodes bytes to UTF-8 without a byte order mark, in which every line ends with a single line feed.

    UTF-8 passes unchecked, so that it takes no time. `valid_utf8` checks it once lines are complete.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding.value)(errors="replace")
        self._held = b""
        self._at_start = True

    def feed(self, data: bytes, *, final: bool = False) -> bytes:
        """The text of the next bytes. A carriage return at their end is held back, because a line feed may follow."""
        text = self._held + self._as_utf8(data, final=final)
        if self._at_start and (text or final):
            if len(text) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(text) and not final:
                self._held = text
                return b""
            text, self._at_start = text.removeprefix(codecs.BOM_UTF8), False
        self._held = b"\r" if text.endswith(b"\r") and not final else b""
        return _with_newlines(text[: len(text) - len(self._held)])

    def _as_utf8(self, data: bytes, *, final: bool) -> bytes:
        if self._encoding is Encoding.UTF_8 or (self._encoding is Encoding.WINDOWS_1252 and data.isascii()):
            return data
        return self._decoder.decode(data, final).encode()


def _with_newlines(text: bytes) -> bytes:
    """The text with a line feed for each carriage return, with or without a line feed after it."""
    if b"\r" not in text:
        return text
    signs = np.frombuffer(text, dtype=np.uint8)
    returns = signs == ord("\r")
    if np.count_nonzero(returns[:-1] & (signs[1:] == ord("\n"))) == np.count_nonzero(returns):
        # All returns can be deleted, which takes a third of the time of replacing two signs by one.
        return text.translate(None, b"\r")
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def valid_utf8(lines: bytes) -> bytes:
    """Complete lines as valid UTF-8. Each invalid byte is read as Windows-1252.

    A long file may look like UTF-8 until its first accent, and a single bad byte must not garble the accents around it.
    """
    if lines.isascii():
        return lines
    try:
        lines.decode()
    except UnicodeDecodeError:
        return lines.decode("utf-8", _AS_WINDOWS_1252).encode()
    return lines


def _as_windows_1252(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    return problem.object[problem.start : problem.end].decode("windows-1252", "replace"), problem.end


_AS_WINDOWS_1252 = "filiation-windows-1252"
codecs.register_error(_AS_WINDOWS_1252, _as_windows_1252)
