"""Normalises telephone numbers as people write them to E.164 (ITU-T E.164), or rejects a line with a reason.

A number is an int64: the digits of E.164 without the plus. Nearly all lines of a file have one of a few shapes (their
text with every digit replaced by 0), so each shape is interpreted once (`spelling`), and the digits of all its cells
are computed by arithmetic. What a number's digits mean depends on a few leading ones (`reading`), so it is decided once
for all numbers that share them (`leading_digits`). `normalise_number` does the same for one text without tables.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from service.core.signs import has_other_digits, plain
from service.number.allocation import Allocation, allocation_of, allocations_of
from service.number.ambiguity import ambiguous_digits, choose_meant, read_meant
from service.number.area_code import whole_allocations
from service.number.leading_digits import LeadingDigits
from service.number.other_values import OtherValue, are_other_values
from service.number.reading import is_reading_decided, read_digits
from service.number.rejection import CODES, REASONS, NumberRejected, RejectReason
from service.number.spelling import LONGEST, Spelling, read_shape

# Fewer cells of one shape are read as texts: that costs less than arrays for each shape.
_FEWEST_OF_A_SHAPE = 16
# More digits than this with spaces between them are several numbers, if they are none.
_FEWEST_OF_TWO_NUMBERS = 16
# ITU-T E.164.
_MOST_DIGITS_OF_A_NUMBER = 15
_DIGIT = re.compile(r"[0-9]")
# What `read_shape` makes of most texts, said in one expression. So few digits are never several numbers.
# Behind brackets after more than three digits, another number may begin. Fewer than nine digits may be a date, and
# what has signs but no zero in front is for `other_values` to judge, and so is one digit at the end.
_BEGINS = r"(?P<plus>\+)|(?=[0-9]+[ )]*$)|(?=0[0-9])(?!0[0-9]-[0-9]{1,2}-[0-9]{4}(?![0-9]))(?=(?:[ ()-]*[0-9]){9})"
_SIMPLE = re.compile(rf"[ (]*(?:{_BEGINS})(?P<digits>(?:[ ()-]*[0-9]){{4}}(?:[ -]*[0-9]){{1,9}})(?<![ -][0-9])[ )]*")
_BETWEEN_DIGITS = re.compile(r"[ ()-]+")


@dataclass(frozen=True)
class Normalised:
    """A normalised column: `numbers[i]` is E.164, or 0 if rejected; `reasons[i]` is 0 or the reason's code.

    `unallocated[i]` is whether the number is possible, but not in use by its numbering plan.
    """

    numbers: NDArray[np.int64]
    reasons: NDArray[np.uint8]
    unallocated: NDArray[np.bool_]

    def rejected(self) -> NDArray[np.int64]:
        """Positions of the rejected lines, ascending."""
        return np.flatnonzero(self.reasons)

    def reason(self, position: int) -> RejectReason:
        """Why the line at this position was rejected."""
        return REASONS[int(self.reasons[position]) - 1]


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

    def texts_of(self, rows: NDArray[np.intp]) -> list[str]:
        """The texts of the cells in these rows."""

    def by_shape(self, fewest: int = 1) -> Iterator[ShapeGroup]:
        """The groups of at least so many cells of one shape. There may be smaller groups too."""


def prepare_normalisation() -> None:
    """Compute the tables that are otherwise computed when they are first needed."""
    for digits, plus, first in ((10, False, 1), (11, True, 33 * 10**9), (9, False, 1)):
        values = np.arange(first, first + 10**9 - 1, 10**7)
        allocations_of(_readings("FR", digits, plus).read(values)[0])


def normalise_column(cells: Column, region: str) -> Normalised:
    """Normalise a column. Cells without a country code are read as numbers of `region`.

    Raises ValueError for a region without a numbering plan.
    """
    region = _check_region(region)
    numbers = np.zeros(len(cells), dtype=np.int64)
    reasons = np.zeros(len(cells), dtype=np.uint8)
    for group in cells.by_shape(_FEWEST_OF_A_SHAPE):
        shape = group.shape.decode()
        if not has_other_digits(shape):
            numbers[group.rows], reasons[group.rows] = _read_group(group, read_shape(shape), region)
    rest = np.flatnonzero((numbers == 0) & (reasons == 0))
    if rest.size:
        numbers[rest], reasons[rest] = _read_texts(cells.texts_of(rest), region)
    return _allocated(numbers, reasons)


def _allocated(numbers: NDArray[np.int64], reasons: NDArray[np.uint8]) -> Normalised:
    """The normalised column, in which numbers that are cut short are rejected."""
    found = np.full(len(numbers), Allocation.ALLOCATED, dtype=np.uint16)
    read: NDArray[np.bool_] | slice = reasons == 0 if reasons.any() else slice(None)
    found[read] = allocations_of(numbers[read])
    cut_short = found == Allocation.CUT_SHORT
    if cut_short.any():
        numbers[cut_short], reasons[cut_short] = 0, CODES[RejectReason.TOO_SHORT]
    return Normalised(numbers, reasons, found == Allocation.UNALLOCATED)


def normalise_number(text: str, region: str) -> int:
    """Normalise one text like `normalise_column`. Raises NumberRejected, or ValueError for an unknown region."""
    region, spelled = _check_region(region), _spelled(text)
    if isinstance(spelled, RejectReason):
        raise NumberRejected(spelled)
    digits, spelling = spelled
    read = _read_alone(digits, spelling, region)
    if isinstance(read, RejectReason):
        raise NumberRejected(read)
    return read


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


_Read = tuple[NDArray[np.int64], NDArray[np.uint8]]


def _read_group(group: ShapeGroup, spelling: Spelling | RejectReason, region: str) -> _Read:
    """The numbers and reason codes of cells of one shape."""
    if isinstance(spelling, RejectReason):
        return _refused(spelling)
    return _read_values(group.number(), spelling, region)


def _refused(reason: RejectReason) -> _Read:
    """One rejected line, which numpy repeats for all rows that it is assigned to."""
    return np.zeros(1, dtype=np.int64), np.full(1, CODES[reason], dtype=np.uint8)


def _read_values(values: NDArray[np.int64], spelling: Spelling, region: str) -> _Read:
    """The numbers and reason codes of numbers that are spelled alike, by all digits of their texts."""
    if spelling.fraction:
        return _read_decimals(values, spelling, region)
    numbers, reasons = _read_meant(values, spelling.digits, region, plus=spelling.plus)
    if not spelling.plus:
        _refuse_local(numbers, reasons, values, spelling.digits, region)
    if spelling.spaced and spelling.digits >= _FEWEST_OF_TWO_NUMBERS:
        reasons[reasons == CODES[RejectReason.TOO_LONG]] = CODES[RejectReason.SEVERAL_NUMBERS]
    if spelling.halves:
        has_code = spelling.plus | (values < 10 ** (spelling.digits - 2))
        _refuse_several(numbers, reasons, (reasons != 0) | ~has_code)
    for part in spelling.parts:
        first = _read_meant(values // 10 ** (spelling.digits - part), part, region, plus=spelling.plus)
        _refuse_several(numbers, reasons, _allocated(*first).reasons == 0)
    if spelling.others:
        _refuse_others(numbers, reasons, values, spelling.others, region)
    return numbers, reasons


def _read_meant(values: NDArray[np.int64], digits: int, region: str, *, plus: bool) -> _Read:
    """The numbers and reason codes of so many digits, which are chosen where there are two ways to read them."""
    numbers, reasons = _readings(region, digits, plus).read(values)
    left = np.ones(len(values), dtype=np.bool_)
    for found in reversed(ambiguous_digits(region, digits, plus=plus)):
        rows = np.flatnonzero(left & (values >= found.first) & (values < found.end))
        if rows.size:
            with_plus = _readings(region, found.digits, plus=True).read(values[rows])
            numbers[rows], reasons[rows] = choose_meant(found.kind, (numbers[rows], reasons[rows]), with_plus)
            left[rows] = False
    return numbers, reasons


def _refuse_several(numbers: NDArray[np.int64], reasons: NDArray[np.uint8], which: NDArray[np.bool_]) -> None:
    numbers[which], reasons[which] = 0, CODES[RejectReason.SEVERAL_NUMBERS]


def _refuse_others(
    numbers: NDArray[np.int64],
    reasons: NDArray[np.uint8],
    values: NDArray[np.int64],
    others: Sequence[OtherValue],
    region: str,
) -> None:
    """Reject texts with these values of their digits that are a date, an amount or the like."""
    read = np.flatnonzero(reasons == 0)
    refused = read[are_other_values(values[read], numbers[read], others, region)]
    numbers[refused], reasons[refused] = 0, CODES[RejectReason.NOT_A_NUMBER]


def _refuse_local(
    numbers: NDArray[np.int64], reasons: NDArray[np.uint8], values: NDArray[np.int64], digits: int, region: str
) -> None:
    """Reject those that may lack their area code, of numbers written with these values of so many digits."""
    whole = whole_allocations(digits, region)
    if len(whole) == len(Allocation) or digits > _MOST_DIGITS_OF_A_NUMBER:
        return
    begins_national = (reasons == 0) & (values >= 10 ** (digits - 1))
    rows = np.flatnonzero(begins_national & (numbers == values + int(_code(region)) * 10**digits))
    lacking = rows[~np.isin(allocations_of(numbers[rows]), list(whole))]
    numbers[lacking], reasons[lacking] = 0, CODES[RejectReason.TOO_SHORT]


def _may_be_local(number: int, digits: str, region: str) -> bool:
    """Whether a number that was written with these digits, without a plus, may lack its area code."""
    is_national = not digits.startswith("0") and str(number) == _code(region) + digits
    return is_national and allocation_of(number) not in whole_allocations(len(digits), region)


def _read_decimals(values: NDArray[np.int64], spelling: Spelling, region: str) -> _Read:
    """Numbers that a tool wrote as decimals. One with its country code has lost nothing, if its fraction is zero."""
    whole, fraction = np.divmod(values, 10**spelling.fraction)
    digits = spelling.digits - spelling.fraction
    if not _has_code_digits(digits, region):
        return _refused(RejectReason.SPREADSHEET_DECIMAL)
    numbers, reasons = _readings(region, digits, plus=True).read(whole)
    lost = (fraction != 0) | (whole // 10 ** (digits - len(_code(region))) != int(_code(region))) | (reasons != 0)
    return np.where(lost, 0, numbers), np.where(lost, CODES[RejectReason.SPREADSHEET_DECIMAL], 0).astype(np.uint8)


def _code(region: str) -> str:
    return str(phonenumbers.country_code_for_region(region))


def _has_code_digits(digits: int, region: str) -> bool:
    """Whether digits that begin with the code of the region are too many for a number without it."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    lengths = metadata.general_desc.possible_length if metadata and metadata.general_desc else ()
    return digits > max(lengths, default=0)


class _Readings:
    """Reads numbers of one region that are written with so many digits, with or without a plus."""

    def __init__(self, region: str, digits: int, *, plus: bool) -> None:
        self._region = region
        self._plus = plus
        # Each outcome is how much is added to the digits as written, or a reason.
        self._outcomes: dict[tuple[int, int], int] = {}
        self._decisions = LeadingDigits(digits, self._decide)

    def read(self, values: NDArray[np.int64]) -> _Read:
        """The numbers and reason codes of these values of the digits."""
        decisions = self._decisions.look_up(values)
        added, codes = np.array(list(self._outcomes), dtype=np.int64).T
        reasons = codes.astype(np.uint8)[decisions]
        numbers = np.where(reasons == 0, values + added[decisions], 0)
        zeros = values == 0
        if zeros.any():
            numbers[zeros], reasons[zeros] = 0, CODES[RejectReason.ONLY_ZEROS]
        return numbers, reasons

    def _decide(self, digits: str, known: int) -> int | None:
        if not is_reading_decided(digits, known, self._region, plus=self._plus):
            return None
        read = read_digits(digits, self._region, plus=self._plus)
        outcome = (0, CODES[read]) if isinstance(read, RejectReason) else (read - int(digits), 0)
        return self._outcomes.setdefault(outcome, len(self._outcomes))


@lru_cache(maxsize=64)
def _readings(region: str, digits: int, plus: bool) -> _Readings:
    return _Readings(region, digits, plus=plus)


def _read_texts(texts: list[str], region: str) -> _Read:
    """The numbers and reason codes of texts of many shapes: those that are spelled alike are read together."""
    numbers = np.zeros(len(texts), dtype=np.int64)
    reasons = np.zeros(len(texts), dtype=np.uint8)
    alike: defaultdict[Spelling, list[tuple[int, int]]] = defaultdict(list)
    for row, text in enumerate(texts):
        spelled = _spelled(text)
        if isinstance(spelled, RejectReason):
            reasons[row] = CODES[spelled]
        else:
            alike[spelled[1]].append((row, int(spelled[0])))
    for spelling, found in alike.items():
        rows, values = np.array(found, dtype=np.int64).T
        numbers[rows], reasons[rows] = _read_values(values, spelling, region)
    return numbers, reasons


def _spelled(text: str) -> tuple[str, Spelling] | RejectReason:
    """The digits of a text and how they are spelled, or why they are not a number."""
    if not text:
        return RejectReason.EMPTY
    text = plain(text)
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        digits = _BETWEEN_DIGITS.sub("", simple["digits"])
        return digits, Spelling(len(digits), plus=simple["plus"] is not None)
    # Long texts are not kept in a cache.
    read = read_shape if len(text) <= LONGEST else read_shape.__wrapped__
    spelling = read(_DIGIT.sub("0", text))
    return spelling if isinstance(spelling, RejectReason) else ("".join(_DIGIT.findall(text)), spelling)


def _read_alone(digits: str, spelling: Spelling, region: str) -> int | RejectReason:
    """The number of these digits, unless it lacks some, or those before a sign are a number already."""
    for part in spelling.parts:
        first = read_meant(digits[:part], region, plus=spelling.plus)
        if not isinstance(first, RejectReason) and allocation_of(first) is not Allocation.CUT_SHORT:
            return RejectReason.SEVERAL_NUMBERS
    read = _read_spelled(digits, spelling, region)
    if spelling.halves and (isinstance(read, RejectReason) or not (spelling.plus or digits.startswith("00"))):
        return RejectReason.SEVERAL_NUMBERS
    if isinstance(read, RejectReason):
        return read
    if not spelling.plus and _may_be_local(read, digits, region):
        return RejectReason.TOO_SHORT
    if spelling.others and are_other_values(np.array([int(digits)]), np.array([read]), spelling.others, region)[0]:
        return RejectReason.NOT_A_NUMBER
    return RejectReason.TOO_SHORT if allocation_of(read) is Allocation.CUT_SHORT else read


def _read_spelled(digits: str, spelling: Spelling, region: str) -> int | RejectReason:
    """The number of these digits, without the tables, which are worth their memory for many numbers only."""
    if spelling.fraction:
        whole, fraction = digits[: -spelling.fraction], digits[-spelling.fraction :]
        has_code = _has_code_digits(len(whole), region) and whole.startswith(_code(region))
        read = read_digits(whole, region, plus=True) if has_code and not int(fraction) else None
        return read if isinstance(read, int) else RejectReason.SPREADSHEET_DECIMAL
    read = read_meant(digits, region, plus=spelling.plus)
    if read is RejectReason.TOO_LONG and spelling.spaced and spelling.digits >= _FEWEST_OF_TWO_NUMBERS:
        return RejectReason.SEVERAL_NUMBERS
    return read
