"""CSV files that callers download: RFC 4180, and safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from typing import Final

# A spreadsheet takes a cell that begins so for a formula, which may call other programs or send the sheet away. An
# apostrophe before it makes it a text (OWASP, "CSV injection").
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_line(*cells: object) -> str:
    """A line of a downloaded file. None is an empty cell, and numbers stay as they are."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(_safe(cell) for cell in cells)
    return buffer.getvalue()


def csv_table(rows: Iterable[Iterable[object]]) -> str:
    """A downloaded file that is small enough for memory."""
    return "".join(csv_line(*row) for row in rows)


def _safe(cell: object) -> object:
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
