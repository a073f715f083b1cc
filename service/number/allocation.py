"""Which numbers of a possible length are in use by their numbering plan, according to the `phonenumbers` library.

A number of a range that no plan uses is nearly always a typing error, but plans change faster than libraries do. So it
is accepted and counted. A number whose range has longer numbers only lacks a digit: nobody can be called by it, because
no number is the beginning of another (ITU-T E.164 numbers are prefix codes). So does one that is in use only with a
zero before it, in the few plans that have one there.
"""

import re
from enum import IntEnum
from functools import cache

import numpy as np
import phonenumbers
from numpy.typing import NDArray
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber, PhoneNumberDesc

from service.number import french_plan
from service.number.country_code import LONGEST_CODE, code_of
from service.number.digit_pattern import Rest, is_decided, may_end, parse_pattern, rest_after
from service.number.leading_digits import LeadingDigits, look_up_by_length

_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip"),
    *("pager", "uan", "voicemail"),
)
_GENERAL = "general_desc"
# A kind whose numbers have more lengths than this leaves them to each area, so its expressions find nearly all digits.
_MOST_USUAL_LENGTHS = 3


class Allocation(IntEnum):
    """Whether a plan has numbers like this: none, some, only longer ones (or with a zero), or both these and longer.

    Of the latter (`OPEN`), the digits do not show whether they are a whole number.
    """

    UNALLOCATED = 0
    ALLOCATED = 1
    CUT_SHORT = 2
    OPEN = 3

    @property
    def is_in_use(self) -> bool:
        """Whether the plan has numbers like this, of this length."""
        return self in (Allocation.ALLOCATED, Allocation.OPEN)


def allocation_of(number: int) -> Allocation:
    """Whether the plan of a number (E.164 digits) has numbers like it. ARCEP's range for fiction counts as in use."""
    digits = str(number)
    code = code_of(digits)
    if code is None:
        return Allocation.UNALLOCATED
    national = digits[len(str(code)) :]
    if _is_valid(code, national):
        kinds = [rest_after(pattern, national) for pattern in _patterns_of_kinds(code)]
        return Allocation.OPEN if any(may_end(rest) and any(rest) for rest in kinds) else Allocation.ALLOCATED
    left = [rest_after(pattern, national) for pattern in _patterns(code)]
    is_beginning = any(rest and not may_end(rest) for rest in left)
    # Where a plan keeps the zero of its area codes, as in Italy, a spreadsheet drops it with the others.
    lost_zero = _is_valid(code, f"0{national}")
    return Allocation.CUT_SHORT if is_beginning or lost_zero else Allocation.UNALLOCATED


def _is_valid(code: int, national: str) -> bool:
    if code == french_plan.MAINLAND_CODE and re.fullmatch(french_plan.FICTION, national):
        return True
    zeros = len(national) - len(national.lstrip("0"))
    parsed = PhoneNumber(
        country_code=code,
        national_number=int(national or 0),
        italian_leading_zero=zeros > 0,
        number_of_leading_zeros=zeros or None,
    )
    return phonenumbers.is_valid_number(parsed)


def allocations_of(numbers: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The `Allocation` of each number (E.164 digits)."""
    if not len(numbers):
        return np.zeros(0, dtype=np.uint16)
    return look_up_by_length(numbers, _decisions)


@cache
def _decisions(digits: int) -> LeadingDigits:
    return LeadingDigits(digits, _decide)


def _decide(digits: str, known: int) -> int | None:
    return allocation_of(int(digits)).value if is_allocation_decided(digits, known) else None


def is_allocation_decided(digits: str, known: int) -> bool:
    """Whether the plan treats all numbers of this many digits alike that begin with these `known` digits (E.164)."""
    if known >= len(digits):
        return True
    code = code_of(digits[: max(known, 0)])
    if code is None:
        return known >= LONGEST_CODE
    leading = digits[len(str(code)) : known]
    patterns = (*_patterns(code), *_leading_digits(code))
    return all(is_decided(rest_after(pattern, zero + leading)) for pattern in patterns for zero in ("", "0"))


def has_usual_length(number: int) -> bool:
    """Whether a kind of numbers that this one is of has few lengths, so that a digit more or less makes it none."""
    code = code_of(str(number)) or 0
    national = str(number)[len(str(code)) :]
    kinds = [(plan, getattr(plan, kind)) for plan in _plans(code) for kind in _KINDS] if code else []
    return any(
        0 < len(_lengths(plan, kind)) <= _MOST_USUAL_LENGTHS
        for plan, kind in kinds
        if kind and kind.national_number_pattern and re.fullmatch(kind.national_number_pattern, national)
    )


def is_longer(number: int) -> bool:
    """Whether the first digits of a number are one of a kind that is in use (E.164 digits)."""
    code = code_of(str(number))
    national = str(number)[len(str(code)) :]
    return code is not None and any(_has_shorter(pattern, national) for pattern in _patterns_of_kinds(code))


def _has_shorter(rest: Rest, national: str) -> bool:
    for digit in national[:-1]:
        rest = rest_after(rest, digit)
        if may_end(rest):
            return True
    return False


def _lengths(plan: PhoneMetadata, kind: PhoneNumberDesc) -> set[int]:
    """The lengths of the numbers of a kind, which are those of all numbers if none are stated."""
    general = plan.general_desc.possible_length if plan.general_desc else ()
    # The library writes -1 for a kind that the plan does not have.
    return {length for length in kind.possible_length or general if length > 0}


@cache
def _patterns(code: int) -> tuple[Rest, ...]:
    """The expressions over the digits after this country code: of all its numbers, and of each kind."""
    return (*_patterns_of(code, _GENERAL), *_patterns_of_kinds(code))


@cache
def _patterns_of_kinds(code: int) -> tuple[Rest, ...]:
    """The expressions over the digits after this country code, of each kind of numbers."""
    fiction = (parse_pattern(french_plan.FICTION),) if code == french_plan.MAINLAND_CODE else ()
    return (*fiction, *_patterns_of(code, *_KINDS))


def _patterns_of(code: int, *kinds: str) -> tuple[Rest, ...]:
    described = [getattr(metadata, kind) for metadata in _plans(code) for kind in kinds]
    found = {kind.national_number_pattern for kind in described if kind and kind.national_number_pattern}
    return tuple(map(parse_pattern, sorted(found)))


@cache
def _leading_digits(code: int) -> tuple[Rest, ...]:
    """The expressions that tell the regions of this country code apart."""
    return tuple(parse_pattern(metadata.leading_digits) for metadata in _plans(code) if metadata.leading_digits)


def _plans(code: int) -> list[PhoneMetadata]:
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    return [plan for region in regions if (plan := PhoneMetadata.metadata_for_region_or_calling_code(code, region))]
