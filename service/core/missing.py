"""What programs, and never people, write for an empty cell: NULL of SQL, NaN and NaT of pandas, zero dates of MySQL."""

from typing import Final

_MISSING: Final = frozenset(
    {
        *("", "-", "--", "\\n", "null", "(null)", "none", "nan", "nat", "<na>", "#n/a", "(blank)", "(vide)"),
        *("0000-00-00", "0000-00-00 00:00:00"),
    }
)


def is_missing(cell: str) -> bool:
    """Whether a cell is empty, or has what stands for an empty one."""
    return cell.strip().casefold() in _MISSING
