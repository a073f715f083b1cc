"""Which of two numbers is meant by digits that can be read in two ways.

Without a plus, digits that begin with the country code of their region may have it or an area code of the same digits:
`491711234567` is a mobile number in Germany, and the beginning of a landline number of 04917. And 00, which nearly
everybody writes for a plus, is the beginning of another prefix in some regions. What the plans use decides; where it
does not, the number is refused, because it would be somebody else's.
"""

from enum import Enum, IntEnum
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from service.number.allocation import Allocation, allocation_of, has_usual_length, is_allocation_decided, is_longer
from service.number.leading_digits import LeadingDigits, look_up_by_length
from service.number.reading import read_digits
from service.number.rejection import CODES, RejectReason

ZEROS: Final = "00"
"""What stands for a plus in most regions."""


class Standing(IntEnum):
    """What a plan says of a number. One of another length is in a range of numbers that are shorter or longer."""

    OF_NO_RANGE = 0
    OF_ANOTHER_LENGTH = 1
    IN_USE = 2
    OF_USUAL_LENGTH = 3


class Ambiguity(Enum):
    """Two ways to read digits: as written, or with a plus before them, or before those behind 00."""

    OWN_CODE = "own_code"
    OWN_CODE_BEHIND_ZEROS = "own_code_behind_zeros"
    ZEROS = "zeros"


class _Choice(IntEnum):
    AS_WRITTEN = 0
    WITH_PLUS = 1
    NEITHER = 2


def _choose(kind: Ambiguity, with_plus: Standing, as_written: Standing) -> _Choice:
    """Which of two numbers is meant.

    An area code of the digits of the country code whose numbers have any length finds all that begins so. It counts
    only if no number with the country code could have been meant, not even one with a digit too many or too few.
    Digits behind 00 that begin with the region's own country code are not read as a number of another country.
    """
    is_used, is_other_used = with_plus >= Standing.IN_USE, as_written >= Standing.IN_USE
    if kind is Ambiguity.OWN_CODE:
        if is_used and with_plus > as_written:
            return _Choice.WITH_PLUS
        is_clear = as_written == Standing.OF_USUAL_LENGTH > with_plus or (is_other_used and not with_plus)
        return _Choice.AS_WRITTEN if is_clear else _Choice.NEITHER
    if kind is Ambiguity.OWN_CODE_BEHIND_ZEROS:
        return _Choice.WITH_PLUS if is_used or not is_other_used else _Choice.NEITHER
    if is_used:
        return _Choice.NEITHER if is_other_used else _Choice.WITH_PLUS
    return _Choice.AS_WRITTEN if is_other_used and not with_plus else _Choice.NEITHER


_CHOICES: Final = {
    kind: np.array([[_choose(kind, with_plus, as_written) for as_written in Standing] for with_plus in Standing])
    for kind in Ambiguity
}


class Ambiguous(NamedTuple):
    """The digits of so many that are ambiguous, as numbers: from the least to before the end."""

    kind: Ambiguity
    first: int
    end: int
    digits: int
    """How many digits are read with a plus."""


@cache
def ambiguous_digits(region: str, digits: int, *, plus: bool) -> tuple[Ambiguous, ...]:
    """Which texts of so many digits are ambiguous in a region. Of these, later ones count."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    code, found = str(metadata.country_code), []
    behind = digits - len(ZEROS)
    if metadata.international_prefix != ZEROS and behind > len(code):
        found.append(Ambiguous(Ambiguity.ZEROS, 10 ** (behind - 1), 10**behind, behind))
        found.append(Ambiguous(Ambiguity.OWN_CODE_BEHIND_ZEROS, *_beginning_with(code, behind), behind))
    if not plus and digits > len(code):
        found.append(Ambiguous(Ambiguity.OWN_CODE, *_beginning_with(code, digits), digits))
    return tuple(found)


def _beginning_with(code: str, digits: int) -> tuple[int, int]:
    rest = 10 ** (digits - len(code))
    return int(code) * rest, (int(code) + 1) * rest


def read_meant(digits: str, region: str, *, plus: bool) -> int | RejectReason:
    """The E.164 digits of the number that is meant by these digits, or why there is none."""
    read = read_digits(digits, region, plus=plus)
    value = int(digits)
    kinds = [found for found in ambiguous_digits(region, len(digits), plus=plus) if found.first <= value < found.end]
    if not kinds:
        return read
    found = kinds[-1]
    other = read_digits(digits[-found.digits :], region, plus=True)
    if isinstance(other, RejectReason) or isinstance(read, RejectReason) or read == other:
        is_other = isinstance(read, RejectReason) and (isinstance(other, int) or found.kind is not Ambiguity.OWN_CODE)
        return other if is_other or found.kind is Ambiguity.OWN_CODE_BEHIND_ZEROS else read
    choice = _CHOICES[found.kind][standing_of(other), standing_of(read)]
    return (read, other, RejectReason.PLUS_MISSING)[choice]


def choose_meant(
    kind: Ambiguity,
    as_written: tuple[NDArray[np.int64], NDArray[np.uint8]],
    with_plus: tuple[NDArray[np.int64], NDArray[np.uint8]],
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The numbers and reason codes of digits, from those of both ways to read them, as `read_meant` chooses."""
    (numbers, reasons), (others, other_reasons) = as_written, with_plus
    refused, other_refused = reasons != 0, other_reasons != 0
    if kind is Ambiguity.OWN_CODE:
        is_other = refused & ~other_refused
    else:
        is_other = refused | (other_refused & (kind is Ambiguity.OWN_CODE_BEHIND_ZEROS))
    chosen, codes = np.where(is_other, others, numbers), np.where(is_other, other_reasons, reasons)
    rows = np.flatnonzero(~refused & ~other_refused & (numbers != others))
    if rows.size:
        choices = _CHOICES[kind][_standings_of(others[rows]), _standings_of(numbers[rows])]
        chosen[rows] = np.choose(choices, [numbers[rows], others[rows], np.zeros(len(rows), dtype=np.int64)])
        codes[rows] = np.where(choices == _Choice.NEITHER, CODES[RejectReason.PLUS_MISSING], 0)
    return chosen, codes


def standing_of(number: int) -> Standing:
    """What its plan says of a number (E.164 digits)."""
    allocation = allocation_of(number)
    if allocation.is_in_use:
        return Standing.OF_USUAL_LENGTH if has_usual_length(number) else Standing.IN_USE
    is_near = allocation is Allocation.CUT_SHORT or is_longer(number)
    return Standing.OF_ANOTHER_LENGTH if is_near else Standing.OF_NO_RANGE


def _standings_of(numbers: NDArray[np.int64]) -> NDArray[np.uint16]:
    return look_up_by_length(numbers, _decisions)


@cache
def _decisions(digits: int) -> LeadingDigits:
    return LeadingDigits(digits, _decide)


def _decide(digits: str, known: int) -> int | None:
    return standing_of(int(digits)).value if is_allocation_decided(digits, known) else None
