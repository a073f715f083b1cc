"""What programs, and never people, write for an empty cell: NULL of SQL, NaN and NaT of pandas, zero dates of MySQL."""

import re
from typing import Final

_MISSING: Final = frozenset(
    {
        *("", "-", "--", "\\n", "null", "(null)", "none", "nan", "nat", "<na>", "#n/a", "(blank)", "(vide)"),
        *("0000-00-00", "0000-00-00 00:00:00"),
    }
)
# In a column of countries, the first is Namibia.
_MISSING_TIMES: Final = frozenset({"na", "n/a", "n.a.", "#na", "undefined", "invalid date", "invalid datetime", "nil"})
# Midnight, which is 12 in hours up to twelve, in any zone.
_MIDNIGHT: Final = (
    r"(?:(?:t|,? +)(?:0?0:00(?::00(?:[.,]0+)?)?|12:00(?::00)?(?= ?a))(?: ?am)?(?: ?(?:z|utc|[+-]00:?00))?)?"
)
# Zeros, a mask that was not filled in, and 1 January of the year 1, which is the first day of .NET and Go.
_NO_DAYS: Final = (
    *("0000<>00?<>00?", "00?<>00?<>0000", "00000000", "[-_]+<>[-_]+<>[-_]+"),
    *("0001<>0?1<>0?1", "0?1<>0?1<>0001", "00010101"),
)
_NO_DAY: Final = [re.compile(day.replace("<>", "([-/.])", 1).replace("<>", r"(?:\1)") + _MIDNIGHT) for day in _NO_DAYS]


def is_missing(cell: str) -> bool:
    """Whether a cell is empty, or has what stands for an empty one."""
    return cell.strip().casefold() in _MISSING


def is_missing_time(cell: str) -> bool:
    """Whether a cell of a column of times has what stands for an empty one, such as a day that no calendar has."""
    text = cell.strip().casefold()
    return text in _MISSING or text in _MISSING_TIMES or any(day.fullmatch(text) for day in _NO_DAY)
