"""What else than a telephone number digits and signs may be: dates, addresses of machines, amounts, labels of numbers.

Plans with short numbers, or numbers of any length, have numbers of nearly all digits. So what is no number is known by
how its digits are grouped and by the values of the groups. Where a plan groups its numbers so too, one counts that the
plan has, whole. Texts with a plus are numbers.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import phonenumbers
from numpy.typing import NDArray
from phonenumbers import PhoneMetadata

from service.number.allocation import Allocation, allocations_of

_Bounds = tuple[tuple[int, int], ...]


class Kept(Enum):
    """Which numbers are kept although their digits are another value too."""

    NONE = "none"
    AS_GROUPED = "as_grouped"
    """A whole number of the plan, grouped as the plan does."""
    AS_IN_USE = "as_in_use"
    """The same, and in regions without a trunk zero a whole number of the plan however it is grouped."""
    WITH_SHORT_AREA_CODE = "with_short_area_code"
    """All, in regions that have area codes of one digit."""


class OtherValue(NamedTuple):
    """Another value that texts of a shape may be: if the groups of digits are within one of these `bounds`.

    `lengths` are those of the groups, the first of which may be a country code if the value is a `label`.
    """

    lengths: tuple[int, ...]
    bounds: tuple[_Bounds, ...]
    kept: Kept
    grouping: str
    is_label: bool = False


# No zero before other digits, as figures have none.
_FIGURE: Final = -1
_MOST: Final = 10**18
_ANY: Final = (0, _MOST)
_WHOLE: Final = (_FIGURE, _MOST)
_DAY, _MONTH, _YEAR, _SHORT_YEAR, _DAY_OF_YEAR = (1, 31), (1, 12), (1900, 2099), (0, 99), (1, 366)
_DATES: Final = ((_DAY, _MONTH, _YEAR), (_MONTH, _DAY, _YEAR))
_DATES_FROM_YEAR: Final = ((_YEAR, _MONTH, _DAY), (_YEAR, _DAY, _MONTH))
_SHORT_DATES: Final = ((_DAY, _MONTH, _SHORT_YEAR), (_MONTH, _DAY, _SHORT_YEAR))
_TIME_OF_DAY: Final = ((0, 23), (0, 59), (0, 59))
_DEGREES: Final = (_FIGURE, 180)
_OCTET: Final = (_FIGURE, 255)
_TIME: Final = r"(?:[ ]0[0 .-]*)?"

# What the groups of digits of a shape may be, and which numbers are kept although they are.
_VALUES: Final[tuple[tuple[str, tuple[_Bounds, ...], Kept], ...]] = (
    (rf"0{{1,2}}(?P<sign>[/.-])0{{1,2}}(?P=sign)0000{_TIME}|0{{1,2}} 0{{1,2}} 0000", _DATES, Kept.NONE),
    (rf"0000(?P<sign>[/.-])0{{1,2}}(?P=sign)0{{1,2}}{_TIME}|0000 0{{1,2}} 0{{1,2}}", _DATES_FROM_YEAR, Kept.NONE),
    (r"0{1,2}-0{1,2}-00", (*_SHORT_DATES, (_SHORT_YEAR, _MONTH, _DAY)), Kept.AS_GROUPED),
    (r"0{1,2}\.0{1,2}\.00", (*_SHORT_DATES, _TIME_OF_DAY), Kept.AS_GROUPED),
    (r"0{1,2}/0{1,2}/00", _SHORT_DATES, Kept.NONE),
    # A month, a day of a year, the years of a period, the number of an invoice.
    (r"0{1,2}[/.-]0000", ((_MONTH, _YEAR),), Kept.NONE),
    (r"0000[/.-]0{1,2}", ((_YEAR, _MONTH),), Kept.NONE),
    (r"0000[/.-]000", ((_YEAR, _DAY_OF_YEAR),), Kept.NONE),
    (r"0000 ?[/-] ?0000", ((_YEAR, _YEAR),), Kept.NONE),
    *((rf"0000[/-]0{{{n}}}", ((_YEAR, (0, 10 ** (n - 1) - 1)),), Kept.NONE) for n in range(3, 9)),
    # From one figure to another.
    (r"0{1,3} ?[/-] ?0{1,3}", ((_ANY,),), Kept.AS_GROUPED),
    # An amount.
    (r"0{1,3}(?:\.000){2,}", ((_WHOLE,),), Kept.AS_GROUPED),
    # A version, or digits one by one.
    (r"(?=.*(?<!0)0[./].*(?<!0)0(?!0))0+(?:[./]0+){2,}", ((_ANY,),), Kept.AS_GROUPED),
    # A coordinate or two, and other decimals. Without its zero, a mobile number of some plans is 338.1234567.
    (r"-?0{1,3}\.0{3,}", ((_DEGREES,),), Kept.NONE),
    (r"0{1,3}\.0{3,5}|0{4,}\.0{3,}", ((_WHOLE,),), Kept.AS_GROUPED),
    (r"-?0{1,3}\.0+[ )(/-]+0{1,3}\.0+", ((_DEGREES, _ANY, _DEGREES),), Kept.NONE),
    # What is less than zero.
    (r"-0+(?:\.0+)?", ((_WHOLE,),), Kept.NONE),
    # An address of a machine (IPv4).
    (r"(?!00\.00\.00\.00)0{1,3}(?:\.0{1,3}){3}", ((_OCTET,) * 4,), Kept.AS_GROUPED),
    # Numbers of books (ISBN), and of establishments and persons in France (SIRET, NIR).
    (r"(?=(?:[ -]*0){10}$)0{1,5}(?P<sign>[ -])0{2,7}(?P=sign)0{2,6}(?P=sign)0", ((_ANY,),), Kept.NONE),
    (r"(?=(?:[ -]*0){13}$)000(?P<sign>[ -])0+(?P=sign)0+(?P=sign)0+(?P=sign)0", (((978, 979),),), Kept.NONE),
    (r"000(?P<sign>[ .])000(?P=sign)000(?P=sign)00000", ((_WHOLE,),), Kept.NONE),
    (r"0 00 00 00 000 000(?: 00)?", (((1, 2),),), Kept.NONE),
)
_SHAPES: Final = tuple((re.compile(shape), bounds, kept) for shape, bounds, kept in _VALUES)
_GROUP: Final = re.compile(r"0+")
# A figure before a number that begins with a zero, as in (2) 0171 1234567. An area code in brackets is opened, too.
_LABEL: Final = re.compile(r"(?P<opened>[(\[]?)(?P<label>0{1,3})(?P<closed>[)\]]?)[ .:/)-]*(?<!0)[(\[]?(?P<behind>0.*)")
_FEWEST_BEHIND_A_LABEL: Final = 7


def other_values(text: str) -> tuple[OtherValue, ...]:
    """What else texts of this shape may be, if they have no plus. The shape has no letters, and 0 for every digit."""
    inner = text.strip(" ()[]")
    groups = _GROUP.findall(inner)
    grouping, lengths = "-".join(groups), tuple(map(len, groups))
    found = [OtherValue(lengths, bounds, kept, grouping) for shape, bounds, kept in _SHAPES if shape.fullmatch(inner)]
    return (*found, *_labels(text.strip()))


def _labels(text: str) -> Iterator[OtherValue]:
    parts = _LABEL.fullmatch(text)
    behind = parts["behind"].count("0") if parts else 0
    if parts is None or behind < _FEWEST_BEHIND_A_LABEL:
        return
    lengths, grouping = (len(parts["label"]), behind), "-".join(_GROUP.findall(text))
    if parts["closed"] and not parts["opened"]:
        yield OtherValue(lengths, (((_FIGURE, 99),),), Kept.NONE, grouping)
    if parts["closed"] and len(parts["label"]) == 1:
        yield OtherValue(lengths, (((1, 9),),), Kept.WITH_SHORT_AREA_CODE, grouping)
    figure, zero_before = (10 ** (lengths[0] - 1), 999), (0, 10 ** (behind - 1) - 1)
    yield OtherValue(lengths, ((figure, zero_before),), Kept.AS_IN_USE, grouping, is_label=True)


def are_other_values(
    values: NDArray[np.int64], numbers: NDArray[np.int64], found: Sequence[OtherValue], region: str
) -> NDArray[np.bool_]:
    """Which of these texts, given by all their digits, are another value than the number that was read from them."""
    are_others = np.zeros(len(values), dtype=np.bool_)
    for other in found:
        rows = np.flatnonzero(~are_others & _are_within(values, other, region))
        if rows.size and _keeps_whole(other, region):
            rows = rows[allocations_of(numbers[rows]) != Allocation.ALLOCATED]
        elif other.kept is Kept.WITH_SHORT_AREA_CODE and _has_short_area_codes(region):
            continue
        are_others[rows] = True
    return are_others


def _are_within(values: NDArray[np.int64], other: OtherValue, region: str) -> NDArray[np.bool_]:
    groups: list[NDArray[np.int64]] = []
    rest = values
    for length in reversed(other.lengths):
        rest, group = np.divmod(rest, 10**length)
        groups.insert(0, group)
    found = np.zeros(len(values), dtype=np.bool_)
    for bounds in other.bounds:
        within = np.ones(len(values), dtype=np.bool_)
        for length, group, (lowest, highest) in zip(other.lengths, groups, bounds, strict=False):
            first = lowest if lowest != _FIGURE else 10 ** (length - 1) if length > 1 else 0
            within &= (group >= first) & (group <= highest)
        found |= within
    if other.is_label:
        found &= groups[0] != phonenumbers.country_code_for_region(region)
    return found


def _keeps_whole(other: OtherValue, region: str) -> bool:
    """Whether whole numbers of the plan are kept."""
    if other.kept is Kept.AS_IN_USE and not (_metadata(region).national_prefix or "").startswith("0"):
        return True
    is_kept = other.kept in (Kept.AS_GROUPED, Kept.AS_IN_USE)
    return is_kept and any(form.fullmatch(other.grouping) for form in _groupings(region))


def _has_short_area_codes(region: str) -> bool:
    return any(form.pattern.startswith("(0)") for form in _groupings(region))


@cache
def _groupings(region: str) -> tuple[re.Pattern[str], ...]:
    """How a plan groups the digits of its numbers, without their trunk zero: each with a hyphen between groups of 0."""
    # Regions that share a calling code have the formats of the first of them.
    main = phonenumbers.region_code_for_country_code(phonenumbers.country_code_for_region(region))
    patterns = (form.pattern or "" for form in _metadata(main).number_format)
    return tuple(re.compile(pattern.replace(r"\d", "0").replace(")(", ")-(")) for pattern in patterns)


def _metadata(region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    return metadata
