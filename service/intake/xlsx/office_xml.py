"""Reads the XML parts of an Office package (ECMA-376-2) as events, in bounded memory."""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Final, NamedTuple
from xml.parsers import expat

from service.intake.decoding import Expansion

_PIECE_BYTES: Final = 256 * 1024
# What describes a workbook. The lists of a workbook, its sheets and shared texts, are not read as a whole.
_MOST_DESCRIPTION_BYTES: Final = 16 << 20


_BROKEN: Final = (
    KeyError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    zlib.error,
    expat.ExpatError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
)


class NotAPackage(Exception):
    """The bytes are no Office package that can be read. Its text says why, without anything of its content."""


class Handlers(NamedTuple):
    """What is called for the beginning of an element (its local name, its attributes), its end, and text."""

    start: Callable[[str, dict[str, str]], None]
    end: Callable[[str], None]
    text: Callable[[str], None]


class Element(NamedTuple):
    """An element: its local name, that of its parent, and its attributes."""

    name: str
    parent: str
    attributes: Mapping[str, str]


class Package:
    """An open Office package: a ZIP archive whose parts are XML."""

    def __init__(self, file: BinaryIO, expansion: Expansion) -> None:
        self._expansion = expansion
        with _reading():
            self._archive = zipfile.ZipFile(file)
        self._names = {info.filename.lstrip("/").lower(): info for info in self._archive.infolist()}

    def has(self, name: str) -> bool:
        """Whether there is a part of this name. Capitals are not told apart."""
        return name.lower() in self._names

    def elements(self, name: str) -> Iterator[Element]:
        """The elements of a part that describes the workbook; none if there is no such part. Raises NotAPackage."""
        if not self.has(name):
            return
        found, path = list[Element](), [""]

        def start(element: str, attributes: dict[str, str]) -> None:
            found.append(Element(element, path[-1], attributes))
            path.append(element)

        def end(_: str) -> None:
            path.pop()

        for _ in self.parse(name, Handlers(start, end, lambda _: None), _MOST_DESCRIPTION_BYTES):
            yield from found
            found.clear()

    def parse(self, name: str, handlers: Handlers, most_bytes: int | None = None) -> Iterator[None]:
        """Call `handlers` for a part, with a pause after each piece of it. Raises NotAPackage."""
        parser, read = _parser(handlers), 0
        with _reading():
            for piece in self.pieces(name):
                read += len(piece)
                if most_bytes is not None and read > most_bytes:
                    raise NotAPackage("its description is very large")
                parser.Parse(piece, False)
                yield
            parser.Parse(b"", True)
            yield

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a part. Raises NotAPackage."""
        info = self._names.get(name.lower())
        if info is None:
            raise NotAPackage("a part of it is missing")
        with _reading(), self._archive.open(info) as part:
            while piece := part.read(_PIECE_BYTES):
                self._expansion.expand(len(piece))
                yield piece


@contextmanager
def _reading() -> Iterator[None]:
    """Turns what the libraries raise for a broken archive into NotAPackage."""
    try:
        yield
    except _BROKEN:
        raise NotAPackage("it is damaged, or not complete") from None
    except RuntimeError as problem:
        # So `zipfile` says that a password is needed.
        if "encrypted" not in str(problem):
            raise
        raise NotAPackage("it is protected by a password") from None


def _parser(handlers: Handlers) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.CharacterDataHandler = handlers.text
    parser.StartDoctypeDeclHandler = _refuse_doctype

    def start(name: str, attributes: dict[str, str]) -> None:
        _, colon, local = name.rpartition(":")
        if not colon:
            # The writer uses no prefix, so the elements that have one are of other vocabularies.
            parser.StartElementHandler, parser.EndElementHandler = handlers.start, handlers.end
        handlers.start(local, attributes)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: handlers.end(name.rpartition(":")[2])
    return parser


def _refuse_doctype(*_: object) -> None:
    # A part of a package has none (ECMA-376-2, 8.1.4). It could define entities that stand for gigabytes.
    raise NotAPackage("its XML has a document type")
