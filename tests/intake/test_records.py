"""The two ways of finding records agree, and the second never reads across a broken quote."""

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.intake.delimited.records import MOST_LINES_OF_A_RECORD, each_record, whole_records
from service.intake.errors import UnreadablePart
from tests.examples import examples

TEXTS = st.lists(st.sampled_from(['"', '"', '""', ";", ";", "\n", "\n", "x", "é"]), max_size=40).map("".join)


@settings(max_examples=examples(600, 3000))
@given(TEXTS)
@example('"a"b;"\n";c\n')
@example('a";"b\n";\n')
@example('"a\n')
def test_whole_records_of_well_formed_text_agree_with_each_record(text: str) -> None:
    lines = (text + "\n").encode()
    whole = whole_records(lines, ";")
    if whole is None:
        return
    records = list(each_record(lines[: whole.size], ";", final=True))
    assert [record.line for record in records] == whole.starts.tolist()
    assert [not record.fields for record in records] == whole.blank.tolist()
    assert lines[: whole.size].count(b"\n") == whole.lines
    filled = [record.fields for record in records if record.fields]
    if filled:
        assert [row[0] for row in filled] == _first_column_by_polars(
            lines[: whole.size], whole.blank.tolist(), bool(whole.quotes.size)
        )


def _first_column_by_polars(lines: bytes, blank: list[bool], quoted: bool) -> list[str]:
    frame = pl.read_csv(
        lines,
        has_header=False,
        separator=";",
        quote_char='"' if quoted else None,
        schema={"column_0": pl.String},
        truncate_ragged_lines=True,
        extra_columns="ignore",
    )
    return [cell or "" for cell, is_blank in zip(frame["column_0"], blank, strict=True) if not is_blank]


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_characters="\r", codec="utf-8"), max_size=6), min_size=2, max_size=3)
    )
)
def test_whole_records_of_well_formed_text_are_all(rows: list[list[str]]) -> None:
    cells = [[cell.replace('"', '""') for cell in row] for row in rows]
    text = "".join(";".join(f'"{cell}"' for cell in row) + "\n" for row in cells).encode()
    whole = whole_records(text, ";")
    assert whole is not None
    assert (whole.size, len(whole.starts)) == (len(text), len(rows))


def test_whole_records_of_badly_quoted_text_are_none() -> None:
    for text in ('"a"b;c\n', 'a"b";"c"\n', '"a" ;b\n', ' "a";"b"\n'):
        assert whole_records(text.encode(), ";") is None, text


def test_whole_records_with_quotes_that_open_no_field_treat_them_as_text() -> None:
    whole = whole_records(b'5" pipe;a\n6" pipe;b\n', ";")
    assert whole is not None
    assert not whole.quotes.size
    assert whole.lines == 2


def test_quoted_record_of_more_than_a_hundred_lines_is_split() -> None:
    for newlines, records in ((MOST_LINES_OF_A_RECORD - 1, 1), (MOST_LINES_OF_A_RECORD, 101)):
        text = b'"a' + b"\nb" * newlines + b'";c\n'
        assert (whole_records(text, ";") is None) == (records > 1)
        assert len(list(each_record(text, ";", final=True))) == records


def test_unfinished_quoted_record_is_awaited_until_it_is_too_long() -> None:
    text = b'x;y\n"a' + b"\nb" * (MOST_LINES_OF_A_RECORD - 1) + b"\n"
    whole = whole_records(text, ";")
    assert whole is not None
    assert whole.lines == 1
    assert [record.line for record in each_record(text, ";", final=False)] == [0]
    assert whole_records(text + b"b\n", ";") is None
    assert len(list(each_record(text + b"b\n", ";", final=False))) == MOST_LINES_OF_A_RECORD + 2


def test_line_longer_than_a_mebibyte_is_refused_by_both() -> None:
    text = b"x" * ((1 << 20) + 1) + b"\n"
    with pytest.raises(UnreadablePart):
        whole_records(text, ";")
    with pytest.raises(UnreadablePart):
        list(each_record(text, ";", final=True))
