"""Workbooks as brokers and parties have them, uploaded as they are."""

import gzip
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import xlsxwriter

from tests.builders import open_dataset
from tests.callers import Registry
from tests.dataset.files import collected_dataset, refused, rejects, stored, taken
from tests.intake.workbook_writers import XLSX, Rows, by_openpyxl, by_xlsxwriter, workbook_of

pytestmark = pytest.mark.one_registry

HEADER = ["Nom", "Téléphone", "Date de consentement"]
LIST: Rows = [HEADER, ["Zoé", "06 39 98 00 01", None], ["Léo", "0639980002", None]]
BOTH = {"+33639980001": None, "+33639980002": None}


def test_workbook_is_read_with_the_digits_and_days_that_it_shows(registry: Registry, dsn: str) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet("Contacts")
        phone = workbook.add_format({"num_format": '0#" "##" "##" "##" "##'})
        day = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["Zoé"])
        sheet.write_number(1, 1, 639980001, phone)
        sheet.write_datetime(1, 2, datetime(2023, 3, 26, 14, 5), day)
        sheet.write_row(2, 0, ["Léo", 33639980002, "27/03/2023 10:00"])
        sheet.write_row(4, 0, ["Ana", "=NA()"])
        sheet.write_row(5, 0, ["Luc", "06 39 98"])
    broker = registry.broker()
    dataset = collected_dataset(broker)
    part = taken(broker, dataset, file.getvalue(), media_type=XLSX)
    assert (part["line_count"], part["accepted_count"]) == (4, 2)
    assert stored(dsn, dataset) == {
        "+33639980001": datetime(2023, 3, 26, 12, 5, tzinfo=UTC),
        "+33639980002": datetime(2023, 3, 27, 8, 0, tzinfo=UTC),
    }
    assert [(place, line) for place, line, _ in rejects(broker, dataset)] == [(1, 5), (1, 6)]
    assert broker.seal(dataset["id"])["number_count"] == 2


def test_workbook_whose_formats_write_digits_is_read_with_them(registry: Registry, dsn: str) -> None:
    """A country code or a zero that is only in the number format. The reasons of the lines are those of CSV."""
    broker = registry.broker()
    cells = [('"+33 "0', 639980001), (r"\+33 0", 639980002), ("+33 0", 639980003), ("[$+33-40C]0", 639980004)]
    cells += [
        ('"0"000000000', 470123456),
        ("[>=10000000000]00000000000;0000000000", 470123457),
        ('"+33 "0%', 639980008),
    ]
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write(0, 0, "Téléphone")
        for row, (code, value) in enumerate(cells, start=1):
            sheet.write_number(row, 0, value, workbook.add_format({"num_format": code}))
    dataset = open_dataset(broker, default_region="BE")
    taken(broker, dataset, file.getvalue(), media_type=XLSX)
    french = {f"+3363998000{last}" for last in range(1, 5)}
    assert stored(dsn, dataset) == dict.fromkeys(french | {"+32470123456", "+32470123457"})
    assert rejects(broker, dataset) == [(1, 8, "not_a_number")]


def test_workbook_whose_formats_write_digits_before_text_is_read_with_them(registry: Registry, dsn: str) -> None:
    """Text cells in a column with such a format, and with its header, as shared texts and in the cells."""
    broker = registry.broker()
    codes = ['"+32 "@', r"\+32@", '0;0;0;"+32 "@', '"+33 "0;"+32 "@']
    for constant_memory in (False, True):
        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {"constant_memory": constant_memory}) as workbook:
            sheet = workbook.add_worksheet()
            formats = [workbook.add_format({"num_format": code}) for code in codes]
            sheet.write_string(0, 0, "Téléphone", formats[0])
            for row, form in enumerate(formats, start=1):
                sheet.write_string(row, 0, f"47012345{row}", form)
            sheet.write_string(5, 0, "470123455", workbook.add_format({"num_format": '0;0;0;"+32"'}))
            sheet.write_formula(6, 0, '="47"&"0123456"', formats[0], "470123456")
            sheet.write_string(7, 0, "0639980001", workbook.add_format({"num_format": "@"}))
        dataset = open_dataset(broker)
        taken(broker, dataset, file.getvalue(), media_type=XLSX)
        belgian = {f"+3247012345{last}" for last in (1, 2, 3, 4, 6)}
        assert stored(dsn, dataset) == dict.fromkeys(belgian | {"+33639980001"})
        assert rejects(broker, dataset) == [(1, 6, "not_a_number")]


def test_workbook_with_cells_that_are_days_reads_them_whatever_is_stated(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    day = datetime(2023, 3, 26, 14, 5)
    for stated, text in (("%d/%m/%Y", "27/03/2023"), ("excel_1900", "45012"), ("month_first", "03/27/2023")):
        dataset = collected_dataset(collector, date_format=stated)
        rows: Rows = [HEADER, ["Zoé", "0639980001", day], ["Léo", "0639980002", text], ["Ana", "0639980003", "2023"]]
        part = taken(collector, dataset, by_xlsxwriter(rows), media_type=XLSX)
        assert stored(dsn, dataset) == {
            "+33639980001": datetime(2023, 3, 26, 12, 5, tzinfo=UTC),
            "+33639980002": datetime(2023, 3, 26, 22, tzinfo=UTC),
        }, stated
        assert (part["consent_count"], rejects(collector, dataset)) == (2, [(1, 4, "consent_unreadable")])


def april(write_text: str, exchanged: bool, days: Iterable[int] = range(1, 29)) -> Rows:
    """A list of April 2022 as a program saves it that takes for dates what is a day in its own order."""
    times = [datetime(2022, 4, day) for day in days]
    cells = [
        (at.replace(month=at.day, day=at.month) if exchanged else at) if at.day <= 12 else f"{at:{write_text}}"
        for at in times
    ]
    return [HEADER, *([f"P{at}", f"06399800{at:02}", cell] for at, cell in enumerate(cells))]


def test_workbook_in_which_a_program_exchanged_day_and_month_is_refused(registry: Registry) -> None:
    """Exchanged dates have a type. What the program could not read as dates is text, also where it is not read here."""
    collector = registry.collector()
    by_order = {
        "%d/%m/%Y": (None, "day_first", "excel_1900"),
        "%m/%d/%Y": (None, "month_first"),
        "%Y-%d-%m": (None,),
        "%d/%m/%y": (None, "day_first", "%d/%m/%y", "%d/%m/%Y"),
        "le\u202f%d.%m.%y.": (None,),
        "%d/%m/%Y 14:05:00 CET": (None,),
    }
    wrong = []
    for write_text, statements in by_order.items():
        content = by_xlsxwriter(april(write_text, exchanged=True))
        for stated in statements:
            slug, detail = refused(
                collector, collected_dataset(collector, date_format=stated), content, media_type=XLSX
            )
            if (slug, "11 lines" in detail, "16 lines" in detail) != ("dates_partly_exchanged", True, True):
                wrong.append((write_text, stated, slug, detail))
    assert wrong == []
    few = by_xlsxwriter(april("%d/%m/%Y", exchanged=True, days=(11, 13)))
    assert refused(collector, collected_dataset(collector), few, media_type=XLSX)[0] == "dates_partly_exchanged"


def test_workbook_of_dates_and_other_texts_that_show_no_exchange_is_taken(registry: Registry) -> None:
    """Dates of all days beside the same texts, texts that the program would have taken for dates, and no days."""
    collector = registry.collector()
    exchanged = april("%d/%m/%Y", exchanged=True)
    others = [["A", f"06399801{day}", datetime(2022, 4, day)] for day in range(13, 20)]
    few = april("%d/%m/%y", exchanged=True, days=(9, 10, 11))
    texts = ["13/04/22", "05/04/22 14:05", "13/14/22", "le 15.10.98.00.01", "45/04/22", "0639980001", "hier"]
    unread = [["A", f"06399801{at:02}", text] for at, text in enumerate(texts)]
    for rows, accepted in (([*exchanged, *others], 35), ([*few, *unread], 3), ([*few, *unread[2:]], 3)):
        part = taken(collector, collected_dataset(collector), by_xlsxwriter(rows), media_type=XLSX)
        assert part["accepted_count"] == accepted


MERGED: list[list[Any]] = [
    ["Nom", "Téléphone", "Date de consentement", "Pays"],
    ["Zoé", "0470123456", datetime(2023, 3, 26, 14, 5), "BE"],
    ["Léo", "0470123457"],
    ["Ana", "0470123458"],
    ["Agence de Lyon"],
    ["Luc", "0639980001"],
]


def test_workbook_of_merged_cells_reads_their_value_in_each_row(registry: Registry, dsn: str) -> None:
    """Countries, times and numbers. The title of a section has no number, and a header may be merged too."""
    collector = registry.collector()
    dataset = collected_dataset(collector)
    merged = ["D1:E1", "D2:D4", "C2:C3", "A5:D5"]
    part = taken(collector, dataset, by_openpyxl(MERGED, merged), media_type=XLSX)
    at = datetime(2023, 3, 26, 12, 5, tzinfo=UTC)
    belgian = {"+32470123456": at, "+32470123457": at, "+32470123458": None}
    assert stored(dsn, dataset) == belgian | {"+33639980001": None}
    assert (part["accepted_count"], rejects(collector, dataset)) == (4, [(1, 5, "empty")])
    dataset = collected_dataset(collector)
    shared = by_openpyxl([["Nom", "Téléphone"], ["Luc", "0639980001"], ["Eva", None]], ["B2:B3"])
    assert taken(collector, dataset, shared, media_type=XLSX)["accepted_count"] == 2
    assert collector.seal(dataset["id"])["number_count"] == 1


def test_workbook_of_merged_cells_that_hide_what_is_read_is_refused(registry: Registry, dsn: str) -> None:
    """A cell of another column, or a value that is not shown. What is not read does not matter."""
    collector = registry.collector()
    hidden = [*MERGED[:2], ["Léo", "0470123457", None, "FR"], *MERGED[3:]]
    wrong = []
    for rows, merged, row in (
        (MERGED, ["B3:C4"], 3),
        (hidden, ["D2:D4"], 3),
        (MERGED, ["A1:A2", "C6:D6"], 6),
        (MERGED, ["B2:B4"], 3),
        (MERGED, ["B2:D4"], 2),
    ):
        slug, detail = refused(collector, collected_dataset(collector), by_openpyxl(rows, merged), media_type=XLSX)
        if (slug, detail.startswith(f"Row {row} ")) != ("merged_cells", True):
            wrong.append((merged, slug, detail))
    assert wrong == []
    dataset = collected_dataset(collector)
    taken(collector, dataset, by_openpyxl([*MERGED[:3], MERGED[5]], ["A2:A4", "C1:D1", "D3:F3"]), media_type=XLSX)
    assert len(stored(dsn, dataset)) == 3


def test_workbook_with_formulas_without_a_result_is_refused_if_they_are_read(registry: Registry) -> None:
    collector = registry.collector()
    for cells in (["Zoé", "0639980001", "=TODAY()"], ["Zoé", '="06"&"39980001"', None]):
        content = by_openpyxl([HEADER, ["Léo", "0639980002", None], cells])
        slug, detail = refused(collector, collected_dataset(collector), content, media_type=XLSX)
        assert (slug, detail.startswith("Row 3 has a formula")) == ("formula_not_calculated", True)
    dataset = collected_dataset(collector)
    content = by_openpyxl([["date_optin", "timestamp", "Téléphone"], ["=NOW()", "2023-03-26", "0639980001"]])
    assert refused(collector, dataset, content, media_type=XLSX)[0] == "formula_not_calculated"
    content = by_openpyxl([HEADER, ['=UPPER("Zoé")', "0639980001", None]])
    assert taken(collector, dataset, content, media_type=XLSX)["accepted_count"] == 1


def test_workbook_of_several_programs_and_compressed_gives_the_same(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for content in (by_openpyxl(LIST), by_xlsxwriter(LIST), by_xlsxwriter(LIST, constant_memory=True)):
        for body in (content, gzip.compress(content)):
            dataset = open_dataset(broker)
            assert taken(broker, dataset, body, media_type=XLSX)["accepted_count"] == 2
            assert stored(dsn, dataset) == BOTH


def test_the_only_visible_sheet_with_rows_is_read_or_the_one_that_is_chosen(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    old: Rows = [["Téléphone"], ["0639980009"]]
    hidden = workbook_of({"Notes": [], "Liste": LIST, "Ancien": old}, hidden="Ancien")
    dataset = open_dataset(broker)
    taken(broker, dataset, hidden, media_type=XLSX)
    assert stored(dsn, dataset) == BOTH
    for sheet in ("Ancien", "3"):
        dataset = open_dataset(broker)
        taken(broker, dataset, hidden, media_type=XLSX, columns={"sheet": sheet})
        assert stored(dsn, dataset) == {"+33639980009": None}
    dataset = open_dataset(broker)
    taken(broker, dataset, hidden, media_type=XLSX, columns={"sheet": "ANCIEN\u00a0"})
    several = workbook_of({"Mai": LIST, "Juin": old, "0639980001": old})
    slug, detail = refused(broker, open_dataset(broker), several, media_type=XLSX)
    assert slug == "sheet_unclear"
    assert detail.endswith("Sheets seen: Mai, Juin.")
    for sheet in ("Août", "4", "0"):
        slug, _ = refused(broker, open_dataset(broker), several, media_type=XLSX, columns={"sheet": sheet})
        assert slug == "sheet_not_found"
    slug, detail = refused(broker, open_dataset(broker), several, media_type=XLSX, columns={"sheet": "06 39 98 00 01"})
    assert (slug, "0639" in detail) == ("invalid_request", False)


def test_a_chart_counts_as_a_tab_and_cannot_be_read(registry: Registry, dsn: str) -> None:
    broker, file = registry.broker(), io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        first = workbook.add_worksheet("A")
        chart = workbook.add_chart({"type": "line"})
        chart.add_series({"values": "=A!$A$2:$A$2"})
        workbook.add_chartsheet("G").set_chart(chart)
        for last, sheet in enumerate((first, workbook.add_worksheet("B"), workbook.add_worksheet("C")), start=1):
            sheet.write_column(0, 0, ["Téléphone", f"063998000{last}"])
    dataset = open_dataset(broker)
    taken(broker, dataset, file.getvalue(), media_type=XLSX, columns={"sheet": "3"})
    assert stored(dsn, dataset) == {"+33639980002": None}
    for sheet in ("2", "G"):
        slug, detail = refused(broker, open_dataset(broker), file.getvalue(), media_type=XLSX, columns={"sheet": sheet})
        assert (slug, detail.endswith("Sheets seen: A, B, C.")) == ("sheet_not_found", True)


def test_escaped_characters_of_cells_are_read_as_what_they_are(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    dataset = collected_dataset(collector)
    rows: Rows = [HEADER, ["Zoé_x000D_", "0639980001_x000D_", "26/03/2023_x000D_"], ["L", "_x002B_33639980002", None]]
    # xlsxwriter would escape the escapes.
    taken(collector, dataset, by_openpyxl(rows), media_type=XLSX)
    assert stored(dsn, dataset) == BOTH | {"+33639980001": datetime(2023, 3, 25, 23, tzinfo=UTC)}


def test_later_workbooks_are_read_by_the_names_of_their_headers(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, by_openpyxl([["Nom", "Téléphone"], ["Zoé", "0639980001"]]), media_type=XLSX)
    taken(broker, dataset, by_openpyxl([["Téléphone", "Nom"], ["0639980002", "Léo"]]), part=2, media_type=XLSX)
    assert stored(dsn, dataset) == BOTH
    assert refused(broker, dataset, "Nom;Téléphone\nZoé;0639980003\n", part=3)[0] == "format_differs"


def test_a_day_in_the_column_of_numbers_is_no_number(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker, default_region="IT")
    rows: Rows = [["Phone", "Name"], [date(2023, 3, 26), "A"], [datetime(2023, 3, 26, 14, 5), "B"], ["0639980001", "C"]]
    taken(broker, dataset, by_openpyxl(rows), media_type=XLSX)
    assert [*stored(dsn, dataset)] == ["+390639980001"]
    assert [(line, reason) for _, line, reason in rejects(broker, dataset)] == [
        (2, "not_a_number"),
        (3, "not_a_number"),
    ]
    assert taken(broker, open_dataset(broker), by_openpyxl([["Phone"]]), media_type=XLSX)["line_count"] == 0


def test_a_second_header_with_its_columns_elsewhere_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    rows: Rows = [["Nom", "Mobile", "Fixe"], ["Zoé", "0639980001", None], [], ["Nom", "Fixe", "Mobile"]]
    joined = by_openpyxl([*rows, ["Léo", "0139980002", "0639980002"]])
    slug, detail = refused(broker, dataset, joined, media_type=XLSX)
    assert (slug, detail.startswith("Line 4 is a header")) == ("second_header", True)
    assert stored(dsn, dataset) == {}


def test_rows_and_cells_that_break_lines_do_not_shift_others(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    rows: Rows = [
        ['Nom\n(complet)\t"x"', "Téléphone", ""],
        ['"Zoé\r\nMartin', "0639980001", None],
        [None, "0639980002"],
        ["Luc", "0639980003", None, "de trop"],
    ]
    part = taken(broker, dataset, by_openpyxl(rows), media_type=XLSX)
    assert stored(dsn, dataset) == BOTH
    assert (part["line_count"], [line for _, line, _ in rejects(broker, dataset)]) == (3, [4])


def test_what_is_no_readable_workbook_is_refused_with_the_reason(registry: Registry) -> None:
    broker = registry.broker()
    content = by_openpyxl(LIST)
    for body, slug, word in (
        (b"PK\x03\x04 no archive", "not_a_workbook", "damaged"),
        (content[:-40], "not_a_workbook", "damaged"),
        (b"Nom;Tel\nA;0639980001\n", "wrong_format", "text/csv"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "wrong_format", "password"),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "wrong_format", ".ods"),
        (b"PAR1" + bytes(600), "wrong_format", "Parquet"),
        (bytes(600), "not_a_workbook", "damaged"),
        (by_openpyxl([]), "empty_part", "No visible sheet"),
    ):
        found, detail = refused(broker, open_dataset(broker), body, media_type=XLSX)
        assert (found, word in detail) == (slug, True)
    slug, detail = refused(broker, open_dataset(broker), content)
    assert (slug, XLSX in detail) == ("wrong_format", True)
    slug, detail = refused(broker, open_dataset(broker), b"\xd0\xcf\x11\xe0" + bytes(600))
    assert (slug, "password" in detail) == ("wrong_format", True)


def test_hidden_rows_are_read_and_counted(registry: Registry, dsn: str) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet("Contacts")
        for at, row in enumerate((*LIST, ["Ana", "0639980003"])):
            sheet.write_row(at, 0, row)
        sheet.autofilter("A1:C4")
        for at in (2, 3, 7):  # The last has no cell.
            sheet.set_row(at, None, None, {"hidden": True})
    broker = registry.broker()
    dataset = open_dataset(broker)
    assert taken(broker, dataset, file.getvalue(), media_type=XLSX)["hidden_rows"] == 2
    assert len(stored(dsn, dataset)) == 3
    assert broker.get(f"/v1/datasets/{dataset['id']}/parts")[0]["hidden_rows"] == 2
    taken(broker, dataset, by_openpyxl(LIST), media_type=XLSX)
    assert broker.get(f"/v1/datasets/{dataset['id']}/parts")[0]["hidden_rows"] == 0


def test_rows_without_their_last_cells_are_read(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for rows, columns in (
        ([["0639980001"], ["0639980002", "Léo", "Lyon"]], {"column": "1"}),
        ([["Téléphone", "Nom", "Ville"], ["0639980001"], ["0639980002", "Léo"]], {}),
    ):
        dataset = open_dataset(broker)
        taken(broker, dataset, by_openpyxl(rows), media_type=XLSX, columns=columns)
        assert stored(dsn, dataset) == BOTH
        taken(broker, dataset, by_openpyxl([["0639980003"]]), part=2, media_type=XLSX)
        assert rejects(broker, dataset) == []
