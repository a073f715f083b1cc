"""Numbering plans from the metadata of the `phonenumbers` library, so that most numbers need no call to it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import phonenumbers
from numpy.typing import NDArray
from phonenumbers import PhoneMetadata

FEWEST_DIGITS = 5
"""Shorter numbers are left to the library."""
MOST_DIGITS = 15
"""The limit of E.164, including the country code."""


@dataclass(frozen=True)
class Plan:
    """What makes national spellings of a region unambiguous: calling code, longest number, and trunk zero."""

    code: int
    longest: int
    has_trunk_zero: bool

    @property
    def code_digits(self) -> int:
        """The number of digits of the calling code."""
        return len(str(self.code))


@cache
def plan_of(region: str) -> Plan | None:
    """The plan of a region; None if its national spellings are left to the library."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.country_code is None or metadata.international_prefix != "00":
        return None
    is_main_region = phonenumbers.region_code_for_country_code(metadata.country_code) == region
    if not (is_main_region and _has_plain_prefix(metadata)):
        return None
    has_trunk_zero = metadata.national_prefix_for_parsing == "0"
    return Plan(metadata.country_code, max(_national_lengths(metadata)), has_trunk_zero)


@cache
def is_possible_by_prefix(digits: int) -> NDArray[np.bool_]:
    """Whether the library accepts international numbers of so many digits, indexed by their four leading digits."""
    return (_possible_lengths() >> digits & 1).astype(np.bool_)


@cache
def _possible_lengths() -> NDArray[np.int64]:
    """The possible lengths of international numbers by their four leading digits: bit n stands for n digits in all.

    Countries whose national prefix is a pattern are left out. So are numbers whose country code is followed by the
    national prefix, which the library would strip, or by a zero, which it would keep.
    """
    lengths = np.zeros(10_000, dtype=np.int64)
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0])
        if metadata is None or not _has_plain_prefix(metadata):
            continue
        code_digits = len(str(code))
        totals = {code_digits + national for national in _national_lengths(metadata)}
        bits = sum(1 << total for total in totals if FEWEST_DIGITS <= total <= MOST_DIGITS)
        stripped = {"0", (metadata.national_prefix_for_parsing or "0")[0]}
        for digit in "123456789":
            if digit not in stripped:
                first = int(f"{code}{digit}".ljust(4, "0"))
                lengths[first : first + 10 ** (3 - code_digits)] = bits
    return lengths


def _national_lengths(metadata: PhoneMetadata) -> tuple[int, ...]:
    return metadata.general_desc.possible_length if metadata.general_desc else (0,)


def _has_plain_prefix(metadata: PhoneMetadata) -> bool:
    prefix = metadata.national_prefix_for_parsing
    return metadata.national_prefix_transform_rule is None and (prefix is None or prefix.isdecimal())
