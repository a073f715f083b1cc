"""Workbooks as programs write them, and as a hostile hand could."""

import io
import zipfile
from datetime import datetime
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from service.intake.decoding import Expansion
from service.intake.errors import UnreadablePart
from service.intake.xlsx.merged_cells import find_merged_cells
from service.intake.xlsx.office_xml import NotAPackage
from service.intake.xlsx.sheet_rows import Row
from service.intake.xlsx.workbook import Workbook
from tests.intake.workbook_writers import Rows, by_openpyxl, by_xlsxwriter


def opened(content: bytes) -> Workbook:
    """The workbook of these bytes."""
    expansion = Expansion()
    expansion.received = len(content)
    return Workbook(io.BytesIO(content), expansion)


def first_rows(content: bytes) -> list[Row]:
    """The rows of the first sheet."""
    workbook = opened(content)
    return list(workbook.rows(workbook.sheets[0]))


_CELLS = st.one_of(
    st.none(),
    st.integers(0, 10**14).map(str),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc", "Cn")), max_size=20),
)


@settings(max_examples=40)
@given(rows=st.lists(st.lists(_CELLS, min_size=1, max_size=5), min_size=1, max_size=8))
def test_texts_come_back_at_their_places(rows: Rows) -> None:
    wanted = [[cell or "" for cell in row] for row in rows]
    plain: dict[str, Any] = {"strings_to_urls": False, "strings_to_formulas": False, "strings_to_numbers": False}
    for content in (by_xlsxwriter(rows, **plain), by_xlsxwriter(rows, constant_memory=True, **plain)):
        read = {row.number: row.cells for row in first_rows(content)}
        assert set(read) <= set(range(1, len(rows) + 1))
        for number, row in enumerate(wanted, 1):
            cells = read.get(number, [])
            assert cells + [""] * (len(row) - len(cells)) == row


def test_numbers_days_truths_errors_and_formulas() -> None:
    at = datetime(2023, 3, 26, 14, 5, 30)
    rows: Rows = [["Nom", "Téléphone", "Date"], ["Zoé", 33639980001, at], [None, 3.5, True], []]
    wanted = [["Nom", "Téléphone", "Date"], ["Zoé", "33639980001", "2023-03-26T14:05:30"], ["", "3.5", "TRUE"]]
    for content in (by_xlsxwriter(rows), by_openpyxl(rows)):
        assert [row.cells for row in first_rows(content)][:3] == wanted
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_formula(0, 0, "=NA()", None, "#N/A")
        sheet.write_formula(0, 1, '="0639"&"980001"', None, "0639980001")
        sheet.write_number(0, 2, 639980002, workbook.add_format({"num_format": "00 00 00 00 00"}))
    assert first_rows(file.getvalue()) == [Row(1, ["#N/A", "0639980001", "0639980002"])]


def test_days_since_1904_of_an_old_mac() -> None:
    assert first_rows(by_xlsxwriter([[datetime(2023, 3, 26)]], date_1904=True))[0].cells == ["2023-03-26T00:00:00"]


def test_text_of_several_fonts_is_one_text() -> None:
    rich = CellRichText("06 39 ", TextBlock(InlineFont(b=True), "98 00"), " 01")
    assert first_rows(by_openpyxl([[rich]]))[0].cells == ["06 39 98 00 01"]


def test_sheets_and_their_visibility_are_told() -> None:
    workbook, file = openpyxl.Workbook(), io.BytesIO()
    workbook.active.title = "Contacts"
    workbook.create_sheet("Ancien").sheet_state = "hidden"
    workbook.create_chartsheet("Graphique")
    workbook.save(file)
    assert [(sheet.name, sheet.visible, bool(sheet.part)) for sheet in opened(file.getvalue()).sheets] == [
        ("Contacts", True, True),
        ("Ancien", False, True),
        ("Graphique", True, False),
    ]


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"


def package(sheet: str, prefix: str = "", kinds: str = STRICT, **others: str) -> bytes:
    """A workbook made by hand, with the XML of its sheet."""
    relation = '<Relationship Id="r1" Type="{}/{}" Target="{}"/>'
    name = f"xmlns:{prefix.rstrip(':')}" if prefix else "xmlns"
    parts = {
        "_rels/.rels": f"<Relationships>{relation.format(kinds, 'officeDocument', '/xl/book.xml')}</Relationships>",
        "xl/book.xml": f'<{prefix}workbook {name}="{MAIN}" xmlns:r="{kinds}"><{prefix}sheets>'
        f'<{prefix}sheet name="S" r:id="r1"/></{prefix}sheets></{prefix}workbook>',
        "xl/_rels/book.xml.rels": "<Relationships>"
        + relation.format(kinds, "worksheet", "worksheets/one.xml")
        + "</Relationships>",
        "xl/worksheets/one.xml": f'<{prefix}worksheet {name}="{MAIN}">{sheet}</{prefix}worksheet>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in (parts | others).items():
            archive.writestr(path, text)
    return file.getvalue()


def test_prefixes_missing_references_and_pronunciations() -> None:
    row = '<x:row><x:c t="inlineStr"><x:is><x:t>A</x:t><x:rPh><x:t>no</x:t></x:rPh></x:is></x:c><x:c><x:v>7</x:v></x:c>'
    content = package(f"<x:sheetData>{row}</x:row><x:row/></x:sheetData>", "x:")
    assert first_rows(content) == [Row(1, ["A", "7"]), Row(2, [])]


def test_rows_and_cells_that_are_left_out_keep_the_places_of_others() -> None:
    content = package('<row r="3"><c r="B3"><v>1</v></c><c r="AA3" t="str"><v>x</v></c></row><row r="9"/>')
    assert first_rows(content) == [Row(3, ["", "1", *[""] * 24, "x"]), Row(9, [])]


@pytest.mark.parametrize(
    "sheet",
    [
        '<row r="2"/><row r="1"/>',
        '<row r="1048577"/>',
        '<row r="-1"/>',
        '<row r="x"/>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="é1"><v>1</v></c></row>',
        '<row r="1"><c t="s"><v>0</v></c></row>',
        '<row r="1"><c t="s"><v>-1</v></c></row>',
        '<row r="1"><c s="x"><v>1</v></c></row>',
        "<row>",
        "&lol;",
        "\x00",
    ],
)
def test_sheets_that_contradict_themselves_are_refused(sheet: str) -> None:
    with pytest.raises(NotAPackage):
        first_rows(package(sheet))


def test_styles_without_a_number_format_are_refused() -> None:
    relation = f'<Relationship Id="r1" Type="{STRICT}/worksheet" Target="worksheets/one.xml"/>'
    relations = f'<R>{relation}<Relationship Id="r2" Type="{STRICT}/styles" Target="styles.xml"/></R>'
    for number in ("x", "-1", "", "\u00b2"):
        styles = f'<styleSheet><cellXfs><xf numFmtId="{number}"/></cellXfs></styleSheet>'
        with pytest.raises(NotAPackage, match="number format"):
            opened(package("", **{"xl/_rels/book.xml.rels": relations, "xl/styles.xml": styles}))


def test_merged_cells_that_are_found_behind_the_rows_alone_are_refused() -> None:
    """A reference in which a sign is escaped, as no program writes it, and very many ranges."""
    merges = '<row r="1"><c r="A1"><v>1</v></c></row><mergeCells><mergeCell ref="{}"/></mergeCells>'
    known, unknown = (opened(package(merges.format(reference))) for reference in ("A1:A2", "A1&#58;A2"))
    assert len([*known.rows(known.sheets[0], known.merged_cells(known.sheets[0]))]) == 1
    with pytest.raises(NotAPackage, match="merged cells"):
        list(unknown.rows(unknown.sheets[0], unknown.merged_cells(unknown.sheets[0])))
    with pytest.raises(UnreadablePart, match="more than 524,288 merged cells"):
        find_merged_cells([b'<mergeCell ref="A1:A2"/>' * 600_000])


def test_very_wide_rows_are_refused() -> None:
    with pytest.raises(UnreadablePart, match="more than 1,000 columns"):
        first_rows(package('<row r="1"><c r="XFD1"><v>1</v></c></row>'))


def test_entities_and_compressed_emptiness_are_refused() -> None:
    entities = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><w>&b;</w>'
    with pytest.raises(NotAPackage, match="document type"):
        first_rows(package("", **{"xl/worksheets/one.xml": entities}))
    with pytest.raises(UnreadablePart, match="stand for very many"):
        first_rows(package(" " * (64 << 20)))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive", by_openpyxl([["a"]])[:-50]])
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPackage):
        first_rows(content)


def test_archives_without_a_workbook_and_with_a_password_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("contacts.csv", "telephone\n0639980001\n")
    with pytest.raises(NotAPackage, match="ZIP archive"):
        first_rows(file.getvalue())
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    with pytest.raises(NotAPackage, match="no workbook"):
        first_rows(file.getvalue())
    locked = bytearray(package("<row/>"))
    # The flag of encryption, in the directory and before each file.
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = locked.find(mark)
        while at >= 0:
            locked[at + place] |= 1
            at = locked.find(mark, at + 1)
    with pytest.raises(NotAPackage, match="password"):
        first_rows(bytes(locked))


@settings(max_examples=60)
@given(cut=st.integers(0, 4000), flip=st.integers(0, 255))
def test_damaged_workbooks_are_refused_or_read(cut: int, flip: int) -> None:
    content = bytearray(package('<row r="1"><c r="A1"><v>1</v></c></row>'))
    content[cut % len(content)] ^= flip
    try:
        workbook = opened(bytes(content))
        for sheet in workbook.sheets:
            list(workbook.rows(sheet))
    except (NotAPackage, UnreadablePart):
        return
