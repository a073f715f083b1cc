"""Chooses the column of the telephone numbers by its cells, where no name says which it is."""

from collections.abc import Sequence

from service.intake.columns.choice import SampleColumn, columns_seen, phone_column_unclear, shown_column
from service.intake.columns.looks import (
    FEW_CELLS,
    MOST_CELLS,
    IsTelephone,
    is_article_number,
    is_short_number,
    may_be_number,
    share,
)
from service.intake.dates.reading import share_of_times
from service.intake.names.others import is_of_others, may_name_numbers_of_persons


def guess_phone_column(columns: Sequence[SampleColumn], is_telephone: IsTelephone) -> int:
    """The only column whose cells are plausibly telephone numbers of the persons themselves.

    Raises UnreadablePart if there is not just one.
    """
    is_list = len(columns) == 1 and _is_list_of_numbers(columns[0], is_telephone)
    at = 0 if is_list else _most_likely(columns, is_telephone)
    if is_of_others(columns[at].name):
        raise phone_column_unclear(
            f"The name of {shown_column(columns, at)} says that its telephone numbers are not those of the persons "
            f"listed.{columns_seen(columns)}"
        )
    if not may_name_numbers_of_persons(columns[at].name):
        may_be_line = " If it is no name but a line, set header=false." if len(columns) == 1 else ""
        raise phone_column_unclear(
            f"The name of {shown_column(columns, at)} does not say that these are the telephone numbers of the persons "
            f"listed.{columns_seen(columns)}{may_be_line}"
        )
    return at


def _is_list_of_numbers(column: SampleColumn, is_telephone: IsTelephone) -> bool:
    """Whether those cells of the only column that have the digits of a number begin as telephone numbers do.

    Others, such as words, need not be telephone numbers: they are rejected one by one, and none is read wrong. But
    postcodes, dates and article numbers are read as somebody's number in some regions.
    """
    cells = [cell for cell in column.cells if may_be_number(cell) or is_telephone(cell)]
    if not cells:
        return not column.name and not any(map(is_short_number, column.cells))
    if share_of_times(cells) >= FEW_CELLS or _are_article_numbers(column.cells):
        return False
    return share(cells, is_telephone) >= MOST_CELLS


def _are_article_numbers(cells: Sequence[str]) -> bool:
    """Whether these are several article numbers. One telephone number of ten looks like one, but hardly two do."""
    return len(cells) > 1 and share(cells, is_article_number) >= MOST_CELLS


def _most_likely(columns: Sequence[SampleColumn], is_telephone: IsTelephone) -> int:
    shares = [0.0 if _are_article_numbers(column.cells) else share(column.cells, is_telephone) for column in columns]
    likely = [at for at, of_cells in enumerate(shares) if of_cells >= MOST_CELLS]
    rivals = [at for at, of_cells in enumerate(shares) if of_cells >= FEW_CELLS]
    if len(likely) != 1 or len(rivals) != 1:
        raise phone_column_unclear(f"{_unclear(columns, rivals)}{columns_seen(columns)}")
    return likely[0]


def _unclear(columns: Sequence[SampleColumn], rivals: Sequence[int]) -> str:
    """What makes it unclear which column contains the numbers, where some cells of `rivals` are telephone numbers."""
    if not rivals:
        return "No column clearly contains telephone numbers that begin with +, 00 or 0."
    shown = ", ".join(shown_column(columns, at) for at in rivals)
    if len(rivals) > 1:
        return f"Several columns contain telephone numbers: {shown}."
    return f"Only some cells of {shown} are telephone numbers, and no column has a name that says so."
