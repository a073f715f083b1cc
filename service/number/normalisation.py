"""Normalises telephone numbers as people write them to E.164 (ITU-T E.164), or rejects a line with a reason.

A number is an int64: the digits of E.164 without the plus. Nearly every line of a real file is clean, so a vectorised
fast path serves it. Cells of one shape (their text with every digit replaced by 0) are interpreted once, by that shape,
and their digits are computed by arithmetic. Only cells that it leaves over reach the `phonenumbers` library, once per
distinct cell. The fast path accepts a cell only if the library's own metadata proves that the library would give the
same number. `_after_zeros` and `numbering_plan` explain how, and the tests compare it with the library.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
import phonenumbers
from numpy.typing import NDArray
from phonenumbers import NumberParseException, ValidationResult

from service.number.numbering_plan import FEWEST_DIGITS, MOST_DIGITS, Plan, is_possible_by_prefix, plan_of


class RejectReason(StrEnum):
    """Why a line was rejected. The values are stable, because they are stored and appear in responses and downloads."""

    EMPTY = "empty"
    SCIENTIFIC_NOTATION = "scientific_notation"
    SPREADSHEET_DECIMAL = "spreadsheet_decimal"
    SEVERAL_NUMBERS = "several_numbers"
    EXTENSION = "extension"
    NOT_A_NUMBER = "not_a_number"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNKNOWN_COUNTRY_CODE = "unknown_country_code"
    NOT_POSSIBLE = "not_possible"
    CONSENT_UNREADABLE = "consent_unreadable"
    CONSENT_IN_FUTURE = "consent_in_future"
    CONSENT_AFTER_DATASET = "consent_after_dataset"
    CONSENT_OUTSIDE_COLLECTION = "consent_outside_collection"
    CONSENT_RECORD_ID_TOO_LONG = "consent_record_id_too_long"


REJECT_EXPLANATIONS: dict[RejectReason, str] = {
    RejectReason.EMPTY: "The line has no number. Delete it, or check that the right column was read (column=).",
    RejectReason.SCIENTIFIC_NOTATION: (
        "A spreadsheet wrote the number in scientific notation, which lost its last digits. Format the column as text "
        "in the source file and export it again."
    ),
    RejectReason.SPREADSHEET_DECIMAL: (
        "A spreadsheet or data tool wrote the number as a decimal. Format the column as text in the source "
        "file and export it again."
    ),
    RejectReason.SEVERAL_NUMBERS: "The cell contains several numbers. Put each number on its own line.",
    RejectReason.EXTENSION: (
        "The number has an extension, so it belongs to a switchboard and not to a person. Remove the extension if the "
        "number is meant without it."
    ),
    RejectReason.NOT_A_NUMBER: (
        "The cell contains letters or signs that a telephone number cannot have. Correct it, or check that the right "
        "column was read (column=)."
    ),
    RejectReason.TOO_SHORT: "The number has too few digits for its country. Write it with its area or country code.",
    RejectReason.TOO_LONG: (
        "The number has too many digits for its country. Correct it, or put each number on its own line."
    ),
    RejectReason.UNKNOWN_COUNTRY_CODE: (
        "The number begins with a calling code that no country has. Correct the digits after the plus sign or 00."
    ),
    RejectReason.NOT_POSSIBLE: (
        "The numbers of its country do not have this many digits. Correct it, or state the right default region."
    ),
    RejectReason.CONSENT_UNREADABLE: (
        "The consent time is neither ISO 8601 nor dd/mm/yyyy, or is not between 1970 and 2106. Correct it, or leave it "
        "empty if it is unknown."
    ),
    RejectReason.CONSENT_IN_FUTURE: (
        "The consent time is in the future. Check the day, the month and the stated time zone."
    ),
    RejectReason.CONSENT_AFTER_DATASET: "The consent was given after the dataset was made. Check both dates.",
    RejectReason.CONSENT_OUTSIDE_COLLECTION: (
        "The consent was given outside the period of the collection. Check the date, or register the numbers under the "
        "collection that they come from."
    ),
    RejectReason.CONSENT_RECORD_ID_TOO_LONG: (
        "The consent record id is longer than 200 characters. Send the id alone."
    ),
}
REASONS: tuple[RejectReason, ...] = tuple(RejectReason)
"""Reason codes of `Normalised.reasons` are positions in this tuple, plus one."""
_CODES = {reason: code for code, reason in enumerate(REASONS, start=1)}

_SEPARATORS = (" ", "\u00a0", "\u202f", "\ufffd", ".", "-", "/", "(", ")", "'", '"')
# Address books put marks of writing direction around numbers that are copied from them. They are ignored.
_DIRECTION_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_TO_SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\ufffd'\"", " ") | dict.fromkeys(_DIRECTION_MARKS, ""))
# After a single full stop, one or two last digits are a fraction. `06.12.34.56.78` has four full stops.
_ONE_DECIMAL_POINT = r"^[^.]*\.[0-9]{1,2}[^0-9.]*$"
_DECIMAL = re.compile(rf"{_ONE_DECIMAL_POINT}|^[^,]*,[0-9]{{1,2}}[^0-9,]*$")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d*)?e[+-]?\d+", re.IGNORECASE)
_EXTENSION = re.compile(r"\d\D*?(?:x|ext\.?|extension|poste|#|;ext=)[\s.:]*\d{1,7}", re.IGNORECASE)
_BETWEEN_NUMBERS = re.compile(r"[^\d\s.()\[\]~+-]+|\n+")
# The punctuation that the library ignores. A cell with anything else is rejected before the library is called.
_SPELLING = re.compile(r"[\d\s+().\[\]/~\u00ad\u200b\u2010-\u2015\u2060\u2212\u30fc\uff08\uff09\uff0b\uff0d-\uff0f-]*")
# Fourteen digits between separators may be two local numbers of seven digits, which only the slow path can tell.
_SPELLED_DIGITS = 13
_LONGEST_SPELLING = 64
_POWERS = 10 ** np.arange(19, dtype=np.int64)


_UNPARSED = {
    NumberParseException.INVALID_COUNTRY_CODE: RejectReason.UNKNOWN_COUNTRY_CODE,
    NumberParseException.NOT_A_NUMBER: RejectReason.NOT_A_NUMBER,
    NumberParseException.TOO_SHORT_AFTER_IDD: RejectReason.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: RejectReason.TOO_SHORT,
    NumberParseException.TOO_LONG: RejectReason.TOO_LONG,
}
_IMPOSSIBLE = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: RejectReason.TOO_SHORT,
    ValidationResult.TOO_SHORT: RejectReason.TOO_SHORT,
    ValidationResult.TOO_LONG: RejectReason.TOO_LONG,
    ValidationResult.INVALID_LENGTH: RejectReason.NOT_POSSIBLE,
    ValidationResult.INVALID_COUNTRY_CODE: RejectReason.UNKNOWN_COUNTRY_CODE,
}


class NumberRejected(ValueError):
    """A text is not a telephone number. The message explains the reason and never contains the text."""

    def __init__(self, reason: RejectReason) -> None:
        super().__init__(REJECT_EXPLANATIONS[reason])
        self.reason = reason


@dataclass(frozen=True)
class Normalised:
    """A normalised column: `numbers[i]` is E.164, or 0 if rejected; `reasons[i]` is 0 or the reason's code."""

    numbers: NDArray[np.int64]
    reasons: NDArray[np.uint8]

    def rejected(self) -> NDArray[np.int64]:
        """Positions of the rejected lines, ascending."""
        return np.flatnonzero(self.reasons)

    def reason(self, position: int) -> RejectReason:
        """Why the line at this position was rejected."""
        return REASONS[int(self.reasons[position]) - 1]


class _Form(NamedTuple):
    """What matters of a shape: the number of digits, and whether they follow a plus."""

    digits: int
    plus: bool


class ShapeGroup(Protocol):
    """Cells of one shape, which differ in their digits only."""

    @property
    def shape(self) -> bytes:
        """Their text with every digit replaced by 0."""

    @property
    def rows(self) -> NDArray[np.intp] | slice:
        """Their rows in the column."""

    def number(self) -> NDArray[np.int64]:
        """The number written by all digits of each cell, ignoring the signs between them."""


class Column(Protocol):
    """A column of text that groups its cells by shape. A cell may be in no group."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> str: ...

    def by_shape(self) -> Iterator[ShapeGroup]:
        """The groups of cells of one shape."""


def prepare_normalisation() -> None:
    """Compute the tables that are otherwise computed when they are first needed."""
    for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1):
        is_possible_by_prefix(digits)


def normalise_column(cells: Column, region: str) -> Normalised:
    """Normalise a column. Cells without a country code are read as numbers of `region`.

    Raises ValueError for a region without a numbering plan.
    """
    region = _check_region(region)
    numbers = _normalise_by_shape(cells, region)
    reasons = np.zeros(len(cells), dtype=np.uint8)
    rest = np.flatnonzero(numbers == 0)
    if rest.size:
        numbers[rest], reasons[rest] = _normalise_by_library([cells[row] for row in rest.tolist()], region)
    return Normalised(numbers, reasons)


def normalise_number(text: str, region: str) -> int:
    """Normalise one text like `normalise_column`. Raises NumberRejected, or ValueError for an unknown region."""
    result = _parse(text, _check_region(region))
    if isinstance(result, RejectReason):
        raise NumberRejected(result)
    return result


def e164(number: int) -> str:
    """The number with its plus: 33639980000 is "+33639980000"."""
    return f"+{number}"


def international_format(number: int) -> str:
    """The number as it is written internationally: +33 6 39 98 46 00."""
    parsed = phonenumbers.parse(e164(number))
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _check_region(region: str) -> str:
    if region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("The default region must be an ISO 3166-1 code such as FR.")
    return region.upper()


def _normalise_by_shape(cells: Column, region: str) -> NDArray[np.int64]:
    """The numbers of the cells whose shape and digits are unambiguous; 0 where the library must decide."""
    numbers = np.zeros(len(cells), dtype=np.int64)
    for group in cells.by_shape():
        form = _form(group.shape.decode())
        if form is not None:
            numbers[group.rows] = _numbers(group.number(), form, plan_of(region))
    return numbers


def _form(shape: str) -> _Form | None:
    """The form of cells with this shape; None if the library must decide."""
    bare = shape
    if not re.fullmatch(_ONE_DECIMAL_POINT, shape):
        for separator in _SEPARATORS:
            bare = bare.replace(separator, "")
    digits = bare.removeprefix("+")
    most = MOST_DIGITS if bare == shape else _SPELLED_DIGITS
    if digits.strip("0") or not FEWEST_DIGITS <= len(digits) <= most:
        return None
    return _Form(len(digits), plus=digits != bare)


def _numbers(values: NDArray[np.int64], form: _Form, plan: Plan | None) -> NDArray[np.int64]:
    """The numbers of cells of one form from their digits as written; 0 where the library must decide."""
    numbers = np.zeros(len(values), dtype=np.int64)
    # Digits after three zeros, or after a plus and a zero, are not a number.
    for zeros in range(1 if form.plus else 3):
        digits = form.digits - zeros
        has_zeros = (values >= _POWERS[digits - 1]) & (values < _POWERS[digits])
        if has_zeros.any():
            found = _after_zeros(values, zeros, digits, form, plan)
            numbers += np.where(has_zeros, found, 0)
    return numbers


def _after_zeros(
    values: NDArray[np.int64], zeros: int, digits: int, form: _Form, plan: Plan | None
) -> NDArray[np.int64]:
    """`_numbers` for values of so many digits after so many zeros.

    The library takes a number that begins with the code of its region for an international number without its plus only
    if it is too long for a national number. A shorter number needs the library's patterns and is left to it.
    """
    if form.plus or (zeros == 2 and plan is not None):
        return _international(values, digits, plan)
    if plan is None or zeros == 2 or (zeros == 1 and not plan.has_trunk_zero):
        return np.zeros(len(values), dtype=np.int64)
    national = _as_in_library(values + plan.code * _POWERS[digits], digits + plan.code_digits)
    if zeros == 1:
        return national
    with_code = values // _POWERS[max(digits - plan.code_digits, 0)] == plan.code
    without_plus = _international(values, digits, plan) if digits > plan.longest else 0
    return np.where(with_code, without_plus, national)


def _international(values: NDArray[np.int64], digits: int, plan: Plan | None) -> NDArray[np.int64]:
    """The numbers of so many digits that begin with a country code.

    In `+33 (0)6 ...` the trunk zero after the region's own code is removed.
    """
    numbers = _as_in_library(values, digits)
    if plan is None or not plan.has_trunk_zero:
        return numbers
    rest = max(digits - plan.code_digits, 1)
    with_zero = values // _POWERS[rest - 1] == plan.code * 10
    if with_zero.any():
        shorter = np.where(with_zero, values - plan.code * (_POWERS[rest] - _POWERS[rest - 1]), 0)
        numbers = np.where(with_zero, _as_in_library(shorter, digits - 1), numbers)
    return numbers


def _as_in_library(values: NDArray[np.int64], digits: int) -> NDArray[np.int64]:
    """The international numbers of so many digits; 0 where the library would change or refuse them."""
    if not FEWEST_DIGITS <= digits <= MOST_DIGITS:
        return np.zeros(len(values), dtype=np.int64)
    # Values of more digits are ignored later. Here they only must stay inside the table; 999 is not a country code.
    leading = np.minimum(values.view(np.uint64) // np.uint64(_POWERS[digits - 4]), np.uint64(9999))
    return np.where(is_possible_by_prefix(digits)[leading], values, 0)


def _normalise_by_library(cells: Sequence[str], region: str) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Numbers and reason codes according to the library, which is called once per distinct cell."""
    results = {cell: _parse(cell, region) for cell in set(cells)}
    numbers = {cell: 0 if isinstance(result, RejectReason) else result for cell, result in results.items()}
    codes = {cell: _CODES[result] if isinstance(result, RejectReason) else 0 for cell, result in results.items()}
    return (
        np.fromiter((numbers[cell] for cell in cells), dtype=np.int64, count=len(cells)),
        np.fromiter((codes[cell] for cell in cells), dtype=np.uint8, count=len(cells)),
    )


def _parse(cell: str, region: str) -> int | RejectReason:
    """The number of a cell. Letters are rejected first, because the library would read `0800 CALL ME` by its keys."""
    text = cell.translate(_TO_SPACES).strip()
    reason = _reject_reason(cell, text)
    if reason is not None:
        return reason
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as problem:
        return _UNPARSED[problem.error_type]
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict != ValidationResult.IS_POSSIBLE:
        return _IMPOSSIBLE[verdict]
    return int(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:])


def _reject_reason(cell: str, text: str) -> RejectReason | None:
    if not text.strip(" .-/()"):
        return RejectReason.EMPTY
    if _SCIENTIFIC.fullmatch(text.replace(" ", "")):
        return RejectReason.SCIENTIFIC_NOTATION
    if _DECIMAL.search(cell) and not any(map(str.isalpha, text)):
        return RejectReason.SPREADSHEET_DECIMAL
    if _has_several_numbers(text):
        return RejectReason.SEVERAL_NUMBERS
    if _EXTENSION.search(text):
        return RejectReason.EXTENSION
    if not _SPELLING.fullmatch(text):
        return RejectReason.NOT_A_NUMBER
    return RejectReason.TOO_LONG if len(text) > _LONGEST_SPELLING else None


def _has_several_numbers(text: str) -> bool:
    parts = _BETWEEN_NUMBERS.split(text.replace("/", ","))
    return text.count("+") > 1 or sum(_count_digits(part) >= 7 for part in parts) > 1


def _count_digits(text: str) -> int:
    return sum(map(str.isdecimal, text))
