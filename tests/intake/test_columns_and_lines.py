"""What is done to a file never changes a number or its consent time: both are the same, or neither is read.

Columns of later parts are permuted, stray delimiters are put in, cells are dropped, and files are cut at any byte.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.intake.errors import UnreadablePart
from service.sandbox.acceptance import Acceptance
from tests.examples import examples
from tests.intake.builders import reader_of

HEADER = ["nom", "telephone", "fixe", "date_consentement", "date_modification"]


class Line(NamedTuple):
    """A line of a list: the place of a mobile in its range, a landline beside it, and two times."""

    name: str
    mobile: int
    consented: str
    modified: str

    def cells(self) -> list[str]:
        """The cells under the header."""
        return [self.name, f"06399{self.mobile:05}", f"01990{self.mobile:05}", self.consented, self.modified]


NAMES = st.sampled_from(["Zoé", "Durand", "", "mobile", "O'Neil", "Du Pont", "06"])
TIMES = st.sampled_from(["2023-03-26 14:05", "26/03/2023", "2024-01-15", "", "2021-12-31T23:59:59Z", "13.02.2022"])
LINES = st.lists(
    st.builds(Line, NAMES, st.integers(80_000, 80_999), TIMES, TIMES),
    min_size=4,
    max_size=14,
    unique_by=lambda line: line.mobile,
)


class Part(NamedTuple):
    """What a part stores: pairs of number and time (0 if unknown), and whether lines at its edges may be halves."""

    pairs: set[tuple[int, int]]
    begins_cut: bool
    ends_open: bool
    ends_cut: bool


def read(contents: list[bytes]) -> Iterator[Part | None]:
    """What each part stores; None for one that is refused."""
    dialect = None
    for content in contents:
        reader, acceptance = reader_of(dialect=dialect), Acceptance("FR", None, 100)
        pairs: set[tuple[int, int]] = set()
        try:
            for lines in [*reader.feed(content), *reader.finish()]:
                for batch in acceptance.read(lines):
                    times = [0] * len(batch.numbers) if batch.consented_at is None else batch.consented_at.tolist()
                    pairs |= set(zip(batch.numbers.tolist(), times, strict=True))
        except UnreadablePart:
            yield None
            continue
        dialect = dialect or reader.dialect
        yield Part(pairs, acceptance.begins_cut, reader.ends_open, acceptance.ends_cut)


def text_of(rows: list[list[str]], delimiter: str) -> bytes:
    return "".join(delimiter.join(row) + "\n" for row in rows).encode()


def pairs_of(lines: list[Line]) -> set[tuple[int, int]]:
    """The pairs of all lines, read alone under the header."""
    (part,) = read([text_of([HEADER, *(line.cells() for line in lines)], ";")])
    assert part is not None
    return part.pairs


@settings(max_examples=examples(60, 600))
@given(LINES, st.permutations(range(len(HEADER))), st.integers(1, 13), st.sampled_from(";,\t|"), st.booleans())
def test_read_later_part_with_permuted_columns_gives_the_same_pairs(
    lines: list[Line], order: list[int], first: int, delimiter: str, upper: bool
) -> None:
    first = min(first, len(lines) - 1)
    header = [HEADER[at].upper() if upper else HEADER[at] for at in order]
    later = [[line.cells()[at] for at in order] for line in lines[first:]]
    begin = [HEADER, *(line.cells() for line in lines[:first])]
    one, two = read([text_of(begin, delimiter), text_of([header, *later], delimiter)])
    assert one is not None
    assert two is not None
    assert one.pairs | two.pairs == pairs_of(lines)


@settings(max_examples=examples(60, 600))
@given(LINES, st.permutations(range(len(HEADER))), st.integers(1, 13), st.sampled_from(";,\t|"), st.booleans())
def test_read_part_of_joined_files_gives_the_same_pairs_or_notices_the_second_header(
    lines: list[Line], order: list[int], first: int, delimiter: str, other_words: bool
) -> None:
    names = ["prenom", "gsm", "maison", "date_inscription", "date_export"] if other_words else HEADER
    joined = [HEADER, *(line.cells() for line in lines[:first])]
    joined += [[row[at] for at in order] for row in (names, *(line.cells() for line in lines[first:]))]
    (part,) = read([text_of(joined, delimiter)])
    if order == sorted(order):
        assert part is not None
    is_elsewhere = any(
        HEADER[at] in ("telephone", "date_consentement") and at != place for place, at in enumerate(order)
    )
    assert part.pairs == pairs_of(lines) if part is not None else is_elsewhere


@settings(max_examples=examples(60, 600))
@given(LINES, st.data(), st.booleans())
def test_read_line_with_a_stray_delimiter_or_a_dropped_cell_gives_no_other_pair(
    lines: list[Line], data: st.DataObject, has_header: bool
) -> None:
    rows = [line.cells() for line in lines]
    # One mistake in a line. Two can cancel each other, and nobody could see that.
    for at in data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=3)):
        row = rows[at]
        if data.draw(st.booleans()):
            row.insert(data.draw(st.integers(0, len(row))), data.draw(st.sampled_from(["", "x", "0199000001", "12"])))
        else:
            del row[data.draw(st.integers(0, len(row) - 1))]
    contents = [text_of([HEADER, *(line.cells() for line in lines[:2])], ";"), text_of(rows, ";")]
    if has_header:
        contents = [text_of([HEADER, *rows], ";")]
    expected = pairs_of(lines)
    for part in read(contents):
        assert part is None or part.pairs <= expected


@settings(max_examples=examples(80, 800))
@given(LINES, st.lists(st.floats(0, 1), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\r"]))
@example([Line("Zoé", 80_000 + at, "2023-03-26 14:05", "") for at in range(4)], [0.5], "\n")
def test_read_file_cut_at_any_byte_gives_the_same_pairs_or_notices_the_cut(
    lines: list[Line], cuts: list[float], newline: str
) -> None:
    text = text_of([HEADER, *(line.cells() for line in lines)], ";").replace(b"\n", newline.encode())
    edges = sorted({0, len(text), *(round(cut * len(text)) for cut in cuts)})
    contents = [text[start:end] for start, end in pairwise(edges)]
    found = [part for part in read(contents) if part is not None]
    if len(found) < len(contents):
        return
    noticed = any(before.ends_open and (before.ends_cut or after.begins_cut) for before, after in pairwise(found))
    assert noticed or set().union(*(part.pairs for part in found)) <= pairs_of(lines)
