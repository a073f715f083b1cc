"""A quoted cell that runs over lines of the list gives no number the time of another; notes and addresses are read."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.intake.errors import UnreadablePart
from service.number.rejection import CODES, RejectReason
from service.sandbox.acceptance import Acceptance
from tests.examples import examples
from tests.intake.builders import reader_of

HEADER = ["nom", "telephone", "ville", "date_consentement", "note"]
OTHERS = (0, 2, 4)
# What people write in two cells of a column, and which a reader of CSV takes for the quotes around one.
MARKS = st.sampled_from(['"', '"', '"urgent', 'TV 55"', '"; x', '"x"', "", "Paris", "Lyon"])


def row(place: int, cells: dict[int, str]) -> list[str]:
    line = ["Zoé", f"06399{80_000 + place}", "Paris", f"{place % 28 + 1:02}/04/2022", ""]
    return [cells.get(at, cell) for at, cell in enumerate(line)]


def read(text: str) -> tuple[set[tuple[int, int]], list[int]]:
    """The pairs of number and time, and the reasons of rejected lines."""
    reader, acceptance = reader_of(), Acceptance("FR", None, 100)
    batches = [batch for lines in [*reader.feed(text.encode()), *reader.finish()] for batch in acceptance.read(lines)]
    pairs = {
        pair
        for batch in batches
        if batch.consented_at is not None
        for pair in zip(batch.numbers.tolist(), batch.consented_at.tolist(), strict=True)
    }
    return pairs, [code for batch in batches for code in batch.refusals.reason.tolist()]


def text_of(rows: list[list[str]], delimiter: str = ";") -> str:
    return "".join(delimiter.join(cells) + "\n" for cells in [HEADER, *rows])


MARKED = st.lists(st.dictionaries(st.sampled_from(OTHERS), MARKS, max_size=2), min_size=2, max_size=12)


@settings(max_examples=examples(150, 3000))
@given(MARKED)
@example([{2: '"'}, {2: '"'}])
@example([{4: '"urgent'}, {}, {4: 'TV 55"'}])
@example([{0: '"'}, {}, {}, {0: '"'}])
def test_read_lone_quotes_never_pairs_a_number_with_the_time_of_another(marks: list[dict[int, str]]) -> None:
    rows = [row(place, cells) for place, cells in enumerate(marks)]
    plain, _ = read(text_of([row(place, {}) for place in range(len(marks))]))
    try:
        pairs, reasons = read(text_of(rows))
    except UnreadablePart:
        # Of a short list, too little may be left to tell its columns.
        return
    assert pairs <= plain
    assert len(pairs) == len(rows) or reasons


def test_read_ditto_marks_and_forgotten_quotes_are_rejected_as_lines_in_a_cell() -> None:
    wrong = []
    for marks in (
        [{}, {2: '"'}, {2: '"'}, {}],
        [{}, {4: '"'}, {4: '"'}, {}],
        [{}, {0: '"'}, {0: '"'}, {}],
        [{}, {4: '"urgent'}, {}, {4: 'TV 55"'}, {}],
        # Neither of the lines has a number that could be read.
        [{}, {2: '"', 1: "inconnu"}, {1: "inconnu", 2: '"'}, {}],
        # A quote that is not closed sends the lines to the reader that goes record by record.
        [{}, {2: '"'}, {2: '"'}, {2: '"a"b'}, {}],
    ):
        _, reasons = read(text_of([row(place, cells) for place, cells in enumerate(marks)]))
        if reasons != [CODES[RejectReason.QUOTED_LINES]]:
            wrong.append((marks, reasons))
    assert wrong == []


CELLS = st.text(st.sampled_from('ab 1;,"\n'), max_size=12)


@settings(max_examples=examples(150, 3000))
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(";,"))
@example([("", "12, rue Haute\n75001, Paris, France, FR", "rappeler; le soir\n; ou 12; h; 30")], ",")
@example([("Durand,\nJean", "", "1; 2; 3; 4\n5; 6; 7; 8\n9; 10; 11; 12")], ";")
def test_read_notes_and_addresses_over_several_lines_are_cells(
    cells: list[tuple[str, str, str]], delimiter: str
) -> None:
    """Whatever stands in them, as long as it is not the beginning or end of a line that is cut at its delimiters."""
    trimmed = [[cell.strip(";,") for cell in texts] for texts in cells]
    quoted = [
        row(place, {at: '"' + cell.replace('"', '""') + '"' for at, cell in zip(OTHERS, texts, strict=True)})
        for place, texts in enumerate(trimmed)
    ]
    plain, _ = read(text_of([row(place, {}) for place in range(len(cells))]))
    assert read(text_of(quoted, delimiter)) == (plain, [])
