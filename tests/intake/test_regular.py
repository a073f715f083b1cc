"""Columns read by arrays are the same as those read record by record, and text that is not regular gives none."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.intake.cells import Cells
from service.intake.delimited import lines as csv_lines
from service.intake.delimited.records import each_record
from service.intake.delimited.regular import regular_columns
from service.intake.errors import UnreadablePart
from tests.examples import examples
from tests.intake.builders import Row, cut, read_part

SIGNS = ['"', '""', ";", ";", "\n", "\n", "\r\n", "\r", "x", "é", "0", ",", "\uff10", "\0"]
CELLS = st.sampled_from(
    [
        "0639980000",
        "+33639980000",
        '"+33639980000"',
        "06 39 98 00 00",
        '"0639980000"',
        "2024-02-05",
        "é\uff10x",
        "",
        '""',
    ]
)
REGULAR = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(CELLS, min_size=width, max_size=width).map(lambda cells: ";".join(cells) + "\n"),
        min_size=1,
        max_size=9,
    ).map("".join)
)


DIGITS = "0123456789"


def with_digits(line: str, digits: list[int]) -> str:
    """As many lines like `line` as there are digits, each with other digits."""
    return "".join(line.translate(str.maketrans(DIGITS, DIGITS[digit:] + DIGITS[:digit])) for digit in digits)


EVEN = st.builds(
    with_digits, REGULAR.map(lambda text: text.partition("\n")[0] + "\n"), st.lists(st.integers(0, 9), min_size=2)
)
JUNK = st.just("") | st.lists(st.sampled_from(SIGNS), max_size=12).map("".join)


@settings(max_examples=examples(150, 500))
@given(REGULAR | EVEN, JUNK, st.just("") | REGULAR | EVEN)
@example("a\n\nbcd\n", "", "")
@example('"a;b"\n"c;d"\n', "", "")
@example('a";"b\nc;d\n', "", "")
@example('abc;def"\n"abc;def\n', "", "")
@example('abcdef;"\n"abcde;f\n', "", "")
@example("abcd;efgh\nabcdefgh;\n", "", "")
@example("abcd;efg\nabc;d;ef\n", "", "")
def test_regular_columns_agree_with_each_record(lines: str, junk: str, more: str) -> None:
    text = lines + junk.replace("\r", "") + ("\n" if junk else "") + more
    records = [record.fields for record in each_record(text.encode(), ";", final=True)]
    for width in (1, 2, 3):
        columns = regular_columns(text.encode(), ";", range(width), width, width)
        if columns is not None:
            assert {len(record) for record in records} == {len(records[0])}
            for at, column in enumerate(columns):
                texts = [record[at] for record in records]
                assert column.texts() == texts
                assert groups(column) == groups(Cells.of(texts))


def groups(column: Cells) -> dict[bytes, tuple[list[int], list[int]]]:
    """The rows and numbers of each shape."""
    rows = np.arange(len(column))
    return {group.shape: (rows[group.rows].tolist(), group.number().tolist()) for group in column.by_shape()}


def test_regular_columns_of_common_text_are_found() -> None:
    for text in ("+33639980000;2024-02-05\n" * 3, "a;bcdef\n1234;567\n", '"ab";cdef\nabc;"d"\n'):
        assert regular_columns(text.encode(), ";", [1, 0], 2, 2) is not None, text


def test_regular_columns_of_other_text_are_none() -> None:
    texts = ("", "abcdefgh\n\n", "abc;def\nabcd\nab;c;defgh\n", "abcd;efgh;\nabcdefgh\n", '5" pipe;abc\n6" pipe;def\n')
    for text in texts:
        assert regular_columns(text.encode(), ";", [0], 1, 1) is None, text


def test_regular_columns_of_a_line_longer_than_a_mebibyte_are_none() -> None:
    assert regular_columns(b"x" * ((1 << 20) + 1) + b"\n", ";", [0], 1, 1) is None


def test_regular_columns_beyond_the_lines_are_none() -> None:
    assert regular_columns(b"abcd;efgh\n", ";", [2], 3, 3) is None


HEADERS = st.sampled_from(["", "tel;consented_at\n", "nom;tel;consented_at;consent_record_id\n", "tel\n"])
TWO = ["+33639980000;2024-02-05T12:00:00Z", "+33639980001;2024-03-31T02:30:00Z", "0639980002;05/02/2024"]
TWO += [
    "06 39 98 00 03;2024-02-05 12:00:00",
    "6,4E+08;demain",
    "\uff10639980009;2024-02-05",
    '"0639980007";"2024-02-05"',
]
FOUR = ["x;0639980004;2024-02-05;y", "Zoé;0639980005;;", ';"+33639980008";"";"a"']
ONE = ["0639980006", "+33639980001", '"0639980007"', "x" * 40]
LINES = st.sampled_from([TWO, FOUR, ONE, TWO + FOUR + ONE]).flatmap(
    lambda kinds: st.lists(st.sampled_from(kinds), min_size=1, max_size=20)
)


@settings(max_examples=examples(100, 300))
@given(
    header=HEADERS,
    lines=LINES,
    junk=JUNK,
    more=st.just([]) | LINES,
    newline=st.sampled_from(["\n", "\r\n"]),
    end=st.booleans(),
    feed=st.integers(1, 400),
    chunk_bytes=st.integers(1, 600),
)
def test_read_part_with_and_without_regular_columns_gives_the_same_lines(
    header: str, lines: list[str], junk: str, more: list[str], newline: str, end: bool, feed: int, chunk_bytes: int
) -> None:
    text = header + "\n".join(lines + [junk] * bool(junk) + more)
    data = (text.replace("\n", newline) + newline * end).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_lines, "regular_columns", lambda *_arguments: None)
        expected = read(data)
    assert read(data) == expected
    assert read(cut(data, feed), chunk_bytes) == expected


def read(feeds: bytes | list[bytes], chunk_bytes: int = 4 << 20) -> list[Row] | str:
    try:
        return read_part(feeds, chunk_bytes=chunk_bytes)[1]
    except UnreadablePart as refusal:
        return refusal.slug
