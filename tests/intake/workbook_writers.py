"""Workbooks as two programs write them."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
import xlsxwriter

Rows = Sequence[Sequence[Any]]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def by_xlsxwriter(rows: Rows, **options: Any) -> bytes:
    """A workbook of one sheet, whose texts are shared, or in the cells (`constant_memory`)."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "dd/mm/yyyy hh:mm:ss", **options}) as workbook:
        sheet = workbook.add_worksheet()
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    return file.getvalue()


def by_openpyxl(rows: Rows, merged: Sequence[str] = ()) -> bytes:
    """A workbook of one sheet. Cells of merged ranges that have a value keep it, as some programs let them."""
    workbook, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        workbook.active.append(row)
    for cells in merged:
        workbook.active.merged_cells.add(cells)
    workbook.save(file)
    return file.getvalue()


def workbook_of(sheets: Mapping[str, Rows], hidden: str = "", hidden_row: int = 0) -> bytes:
    """A workbook of several sheets, by their names. One may be hidden, and a row of each, counted from 1."""
    workbook, file = openpyxl.Workbook(), io.BytesIO()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if hidden_row:
            sheet.row_dimensions[hidden_row].hidden = True
        sheet.sheet_state = "hidden" if name == hidden else "visible"
    workbook.save(file)
    return file.getvalue()
