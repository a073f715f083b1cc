"""Reads the digits of one number according to the `phonenumbers` library, with exceptions where its reading is wrong.

The exceptions are: numbers written nationally in France get the country code of their range (`french_plan`); a trunk
zero that the library keeps where the plan has no such numbers means that a digit is missing; zeros alone are no number;
and a number that is too long for its region, but would be one with a plus, lacks its plus. Where another reading is
possible too, `ambiguity` decides.
`is_reading_decided` says how many leading digits the reading depends on, so that it needs not be made for each number.
"""

import re
from functools import cache

import phonenumbers
from phonenumbers import CountryCodeSource, NumberParseException, PhoneMetadata, PhoneNumber, ValidationResult

from service.number import french_plan
from service.number.country_code import LONGEST_CODE, code_of
from service.number.digit_pattern import is_decided, parse_pattern, rest_after
from service.number.rejection import RejectReason

_UNPARSED = {
    NumberParseException.INVALID_COUNTRY_CODE: RejectReason.UNKNOWN_COUNTRY_CODE,
    NumberParseException.NOT_A_NUMBER: RejectReason.TOO_SHORT,
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


def read_digits(digits: str, region: str, *, plus: bool) -> int | RejectReason:
    """The E.164 digits of a number that was written with these digits, or why it is none."""
    if not digits.strip("0"):
        return RejectReason.ONLY_ZEROS
    read = _parse(digits, region, plus=plus)
    if plus or digits.startswith("0") or read not in (RejectReason.TOO_LONG, RejectReason.NOT_POSSIBLE):
        return read
    with_plus = _parse(digits, region, plus=True)
    return read if isinstance(with_plus, RejectReason) else RejectReason.PLUS_MISSING


def _parse(digits: str, region: str, *, plus: bool) -> int | RejectReason:
    try:
        number = phonenumbers.parse(f"+{digits}" if plus else digits, region, keep_raw_input=True)
    except NumberParseException as problem:
        return _UNPARSED[problem.error_type]
    national = phonenumbers.national_significant_number(number)
    if number.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY and region in french_plan.REGIONS:
        of_plan = french_plan.number_of_plan(national)
        if of_plan is not None:
            return of_plan
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict != ValidationResult.IS_POSSIBLE:
        return _IMPOSSIBLE[verdict]
    if national.startswith("0") and not _may_begin_so(national, number):
        return RejectReason.TOO_SHORT
    return int(f"{number.country_code}{national}")


def _may_begin_so(national: str, number: PhoneNumber) -> bool:
    """Whether the plan has numbers with these zeros after the country code and the digit after them, as Italy's has."""
    begins = national[: len(national) - len(national.lstrip("0")) + 1]
    return bool(rest_after(parse_pattern(_general(_metadata_of_code(number.country_code or 0))), begins))


def is_reading_decided(digits: str, known: int, region: str, *, plus: bool) -> bool:
    """Whether `read_digits` treats all numbers of this many digits alike that begin with these `known` digits.

    Alike means that it refuses them for one reason, or that all numbers are as far from the digits that were written.
    """
    unknown = len(digits) - known
    if not unknown:
        return True
    if not plus:
        return _is_decided_without_plus(digits, unknown, region)
    code = code_of(digits)
    if code is None:
        # The library ignores the plus then.
        return known >= LONGEST_CODE and _is_decided_without_plus(digits, unknown, region)
    return _is_decided_with_code(digits, unknown)


def _is_decided_without_plus(digits: str, unknown: int, region: str) -> bool:
    known = len(digits) - unknown
    metadata = _metadata_of_region(region)
    international_prefix = metadata.international_prefix or ""
    if not _decides(international_prefix, digits, unknown):
        return False
    prefix = re.match(international_prefix, digits) if international_prefix else None
    if prefix is not None:
        if prefix.end() >= known:
            return False
        if digits[prefix.end()] != "0":
            return _is_decided_with_code(digits[prefix.end() :], unknown)
    return _is_decided_nationally(digits, unknown, region, metadata)


def _is_decided_nationally(digits: str, unknown: int, region: str, metadata: PhoneMetadata) -> bool:
    code = str(metadata.country_code)
    known = len(digits) - unknown
    if known < len(code) or _are_zeros(digits[:known]) or not _is_rest_decided(digits, unknown, metadata):
        return False
    if region in french_plan.REGIONS:
        national = _without_national_prefix(digits, metadata)
        if not (french_plan.is_plan_decided(digits[:known]) and french_plan.is_plan_decided(_known(national, unknown))):
            return False
    if digits.startswith(code):
        rest, main = digits[len(code) :], _metadata_of_code(int(code))
        stripped = _without_national_prefix(rest, metadata)
        decided = _is_rest_decided(rest, unknown, metadata) and _is_rest_decided(stripped, unknown, main)
        if not (decided and _is_rest_decided(rest, unknown, main)):
            return False
    return digits.startswith("0") or _is_decided_with_code(digits, unknown)


def _are_zeros(known: str) -> bool:
    """Whether the known digits are zeros, so that the plan says whether a number may begin with more of them."""
    return known != "" and not known.strip("0")


def _is_decided_with_code(digits: str, unknown: int) -> bool:
    """Whether the reading of an international number without its plus is decided."""
    known = len(digits) - unknown
    code = code_of(digits[: max(known, 0)])
    if code is None:
        return known >= LONGEST_CODE or (known > 0 and digits[0] == "0")
    if _are_zeros(digits[len(str(code)) : known]):
        return False
    return _is_rest_decided(digits[len(str(code)) :], unknown, _metadata_of_code(code))


def _is_rest_decided(national: str, unknown: int, metadata: PhoneMetadata) -> bool:
    """Whether it is decided what the library strips of these digits, and whether it finds them viable after that."""
    prefix = metadata.national_prefix_for_parsing or ""
    if not (_decides(prefix, national, unknown) and _decides(_general(metadata), national, unknown)):
        return False
    stripped = _without_national_prefix(national, metadata)
    return stripped == national or _is_stripped_decided(stripped, unknown, metadata)


def _is_stripped_decided(stripped: str, unknown: int, metadata: PhoneMetadata) -> bool:
    prefix = metadata.national_prefix_for_parsing or ""
    if not (_decides(prefix, stripped, unknown) and _decides(_general(metadata), stripped, unknown)):
        return False
    again = _without_national_prefix(stripped, metadata)
    return _decides(_general(metadata), again, unknown)


def _decides(pattern: str, digits: str, unknown: int) -> bool:
    return len(digits) >= unknown and is_decided(rest_after(parse_pattern(pattern), _known(digits, unknown)))


def _known(digits: str, unknown: int) -> str:
    return digits[: max(len(digits) - unknown, 0)]


def _without_national_prefix(national: str, metadata: PhoneMetadata) -> str:
    """The digits as the library strips and transforms them, whether or not it then uses them."""
    pattern = metadata.national_prefix_for_parsing
    prefix = re.match(pattern, national) if pattern else None
    if prefix is None:
        return national
    rule = metadata.national_prefix_transform_rule
    if rule is None or not prefix.groups() or prefix.groups()[-1] is None:
        return national[prefix.end() :]
    return prefix.expand(rule) + national[prefix.end() :]


def _metadata_of_region(region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    return metadata


@cache
def _metadata_of_code(code: int) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, phonenumbers.region_code_for_country_code(code))
    assert metadata is not None
    return metadata


def _general(metadata: PhoneMetadata) -> str:
    general = metadata.general_desc
    return (general and general.national_number_pattern) or ""
