"""What shows that a number which was written without its trunk zero is whole.

Where area codes begin with a trunk zero, neighbours leave out both (*local numbers*), and a column of them may stand
beside one of area codes. With the country code before it, a local number would be somebody else's. But programs that
take numbers for integers drop the zero alone. So a number without it is read only if its length or the plan shows that
it is whole.
"""

from functools import cache

from phonenumbers import PhoneMetadata

from service.number.allocation import Allocation

# In no country has a local number more digits, as in Berlin, Vienna, London and Tokyo.
_LONGEST_LOCAL = 8
_ANY = frozenset(Allocation)
_IN_USE = frozenset([Allocation.ALLOCATED, Allocation.OPEN])
_CERTAIN = frozenset([Allocation.ALLOCATED])


@cache
def whole_allocations(digits: int, region: str) -> frozenset[Allocation]:
    """What a whole number of so many digits is in its plan, if it has neither country code nor trunk zero.

    All if this length shows that it is whole, or if the region has no trunk zero.
    """
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or not (metadata.national_prefix or "").startswith("0"):
        return _ANY
    fixed, mobile = (_lengths(metadata, kind) for kind in ("fixed_line", "mobile"))
    # An area code has a digit at least.
    longest_local = min(max(fixed, default=1) - 1, _LONGEST_LOCAL)
    if digits <= longest_local:
        return _CERTAIN
    has_usual_length = len(fixed) == 1 and digits in fixed | mobile
    return _ANY if has_usual_length or digits == max(fixed | mobile) else _IN_USE


def _lengths(metadata: PhoneMetadata, kind: str) -> frozenset[int]:
    """The lengths of the numbers of a kind, which are those of all numbers if none are stated."""
    described = getattr(metadata, kind)
    lengths = (described and described.possible_length) or (metadata.general_desc or described).possible_length
    # The library writes -1 for a kind that the plan does not have.
    return frozenset(length for length in lengths if length > 0)
