"""What a written number is, said without tables: by the `phonenumbers` library, and the exceptions that are documented.

It shares no code with the service but the reading of a plan's expressions, which has tests of its own.
"""

import re
import unicodedata

import phonenumbers
from phonenumbers import CountryCodeSource, NumberParseException, PhoneMetadata, PhoneNumber, ValidationResult

from service.number.digit_pattern import may_end, parse_pattern, rest_after

FRENCH_REGIONS = ("FR", "GP", "BL", "MF", "RE", "YT", "MQ", "GF", "PM")
# ARCEP, décision n° 2018-0881, annexe 1: by the digits after the trunk zero.
OVERSEAS = {
    262: (
        "262",
        "263",
        "2688",
        "2689",
        "269",
        "639",
        "692",
        "693",
        "7092",
        "70935",
        "70936",
        "70937",
        "70938",
        "70939",
    ),
    590: ("590", "5987", "690", "691", "7090", "9395", "9475", "9760", "9761", "9768"),
    594: ("594", "5988", "694", *(f"7093{digit}" for digit in "01234"), "9396", "9476", "9764", "9765"),
    596: ("596", "5989", "696", "697", "7091", "9397", "9477", "9766", "9767"),
    508: ("508", "708"),
}
INDIAN_OCEAN = ("9398", "9399", "9478", "9479", "9762", "9763", "9769")
FICTION = "63998"
KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan"),
    "voicemail",
)


def code_in_france(national: str) -> int | None:
    """The country code of nine digits that follow the trunk zero; None for special tariffs."""
    if national.startswith(FICTION):
        return 33
    if national.startswith(INDIAN_OCEAN):
        return 262
    overseas = [code for code, prefixes in OVERSEAS.items() if national.startswith(prefixes)]
    return overseas[0] if overseas else None if national[0] in "08" else 33


def number_in_france(code: int, national: str) -> int:
    """Numbers of Saint-Pierre-et-Miquelon repeat their code, except its mobile numbers."""
    return int(f"{code}{national.removeprefix('508') if code == 508 else national}")


def _plain_sign(sign: str) -> str:
    """A sign as a person sees it, by its category in the Unicode Character Database (UAX #44)."""
    if sign == "\u2212":
        # A minus sign is a symbol of mathematics.
        return "-"
    if unicodedata.name(sign, "").startswith("VARIATION SELECTOR"):
        return ""
    category = unicodedata.category(sign)
    of_category = {"Zs": " ", "Zl": " ", "Zp": " ", "Pd": "-", "Cf": ""}
    return str(unicodedata.digit(sign)) if category == "Nd" else of_category.get(category, sign)


def specified_number(text: str, region: str) -> int | None:
    """The E.164 digits of a spelling of one number; None if it is refused."""
    text = "".join(map(_plain_sign, text))
    if has_another(text, region):
        return None
    number = _number_of_all_digits(text, region)
    return None if number is None or may_be_local(text, number, region) else number


def may_be_local(text: str, number: int, region: str) -> bool:
    """Whether a number was written with neither plus, country code nor trunk zero, and is not whole for certain."""
    digits, metadata = re.sub(r"\D", "", text), PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    of_region = str(number) == f"{metadata.country_code}{digits}"
    if "+" in text or digits.startswith("0") or not of_region or (metadata.national_prefix or "")[:1] != "0":
        return False
    assert metadata.general_desc is not None
    all_lengths = metadata.general_desc.possible_length
    fixed, mobile = (
        {length for length in (kind and kind.possible_length) or all_lengths if length > 0}
        for kind in (metadata.fixed_line, metadata.mobile)
    )
    if len(digits) <= 8 and len(digits) < max(fixed):
        return not is_in_use(number) or has_longer(number)
    if len(digits) == max(fixed | mobile) or (len(fixed) == 1 and len(digits) in fixed | mobile):
        return False
    return not is_in_use(number)


def has_longer(number: int) -> bool:
    """Whether an expression of a kind of numbers finds this one and longer ones that begin with it."""
    code = phonenumbers.parse(f"+{number}").country_code or 0
    national = str(number).removeprefix(str(code))
    found = (
        rest_after(parse_pattern(pattern), national)
        for pattern in _patterns(code, *KINDS)
        if re.fullmatch(pattern, national)
    )
    return any(map(any, found))


def has_another(text: str, region: str) -> bool:
    """Whether more digits follow behind a slash, a tilde, a bracket or a newline, and those before are a number.

    Pairs with slashes between them are one number, also behind a country code: 26/12/34/56 in Luxembourg.
    """
    text = "".join(map(_plain_sign, text)).strip()
    first, *pairs = re.sub(r"^\+\d\d?\d?[ /]+(?=\d)", "", text).split("/")
    if len(pairs) > 1 and all(re.fullmatch(r"\d\d", pair) for pair in pairs) and re.fullmatch(r"\d\d?\d?", first):
        return False
    signs = (at for at, sign in enumerate(text) if sign in "/~()[]\n" and re.search(r"\d", text[at:]))
    return any(_number_of_all_digits(text[:at], region) is not None for at in signs)


def _number_of_all_digits(text: str, region: str) -> int | None:
    number = _meant(text, region) if re.search("[1-9]", text) else None
    return None if number is None or lacks_digits(number) else number


def _meant(text: str, region: str) -> int | None:
    """The number of all digits, which the plans choose where there are two."""
    number = _read_by_library(text, region)
    digits, metadata = re.sub(r"\D", "", text), PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    code = str(metadata.country_code)
    if re.match("00[1-9]", digits) and metadata.international_prefix != "00":
        other = _read_by_library(f"+{digits[2:]}", region)
        return _behind_zeros(other, number, is_own=digits[2:].startswith(code))
    if "+" not in text and digits.startswith(code):
        with_code = _read_by_library(f"+{digits}", region)
        return _with_own_code(with_code, number)
    return number


def _with_own_code(with_code: int | None, national: int | None) -> int | None:
    """That with the code if it is in use and better known; that without if the other is none, or it is better known."""
    if with_code in (None, national):
        return national
    code, bare = evidence(with_code), evidence(national)
    if national is None or code > max(bare, 1):
        return with_code
    return national if (bare == 3 and code < 3) or (bare, code) == (2, 0) else None


def _behind_zeros(international: int | None, in_region: int | None, *, is_own: bool) -> int | None:
    """That of 00 as a plus, unless only the other is in use. No other country instead of the region's own."""
    if in_region in (None, international) or (is_own and international is None):
        return international
    if international is None:
        return in_region
    used, other_used = evidence(international) >= 2, evidence(in_region) >= 2
    if is_own:
        return international if used or not other_used else None
    if used == other_used:
        return None
    return international if used else in_region if evidence(international) == 0 else None


def evidence(number: int | None) -> int:
    """Of numbers in use, 3 if their kind has three lengths at most, else 2; 1 for one of another length; else 0."""
    if number is None:
        return 0
    if is_in_use(number):
        code = phonenumbers.parse(f"+{number}").country_code or 0
        return 3 if has_few_lengths(code, str(number).removeprefix(str(code))) else 2
    shorter = (int(str(number)[:length]) for length in range(7, len(str(number))))
    return int(lacks_digits(number) or any(map(is_in_use, shorter)))


def has_few_lengths(code: int, national: str) -> bool:
    """Whether a kind of numbers that finds this one has three lengths at most."""
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        assert plan is not None
        assert plan.general_desc is not None
        kinds = [kind for kind in (getattr(plan, name) for name in KINDS) if kind and kind.national_number_pattern]
        for kind in kinds:
            lengths = {length for length in kind.possible_length or plan.general_desc.possible_length if length > 0}
            if len(lengths) <= 3 and re.fullmatch(kind.national_number_pattern, national):
                return True
    return False


def _read_by_library(text: str, region: str) -> int | None:
    """The number according to the library and the French plan."""
    try:
        # For the library, a tilde begins an extension, and a newline ends the number.
        parsed = phonenumbers.parse(re.sub(r"[~\n]", " ", text), region, keep_raw_input=True)
    except NumberParseException:
        return None
    national = phonenumbers.national_significant_number(parsed)
    if (
        region in FRENCH_REGIONS
        and parsed.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY
        and len(national) == 9
        and (code := code_in_france(national)) is not None
    ):
        return number_in_france(code, national)
    verdict = phonenumbers.is_possible_number_with_reason(parsed)
    if verdict != ValidationResult.IS_POSSIBLE or (national[0] == "0" and not keeps_zeros(parsed)):
        return None
    # Of zeros alone, the library formats what was typed.
    return int(f"{parsed.country_code}{national}")


def keeps_zeros(parsed: PhoneNumber) -> bool:
    """Whether numbers of its plan begin with these zeros, as those of Italy do."""
    code = parsed.country_code or 0
    region = phonenumbers.region_code_for_country_code(code)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    assert metadata is not None
    assert metadata.general_desc is not None
    begins = re.match("0+.?", phonenumbers.national_significant_number(parsed))
    assert begins is not None
    return bool(rest_after(parse_pattern(metadata.general_desc.national_number_pattern or ""), begins[0]))


def is_in_use(number: int) -> bool:
    """Whether the library finds the number valid, or it is of the range for fiction."""
    return str(number).startswith(f"33{FICTION}") or phonenumbers.is_valid_number(phonenumbers.parse(f"+{number}"))


def lacks_digits(number: int) -> bool:
    """Whether a number is not in use, but begins numbers of an expression of its plan, none of which has its length.

    Or it is in use with a zero before it, which the plan keeps behind the country code.
    """
    if is_in_use(number):
        return False
    code = phonenumbers.parse(f"+{number}").country_code or 0
    national = str(number).removeprefix(str(code))
    with_zero = phonenumbers.parse(f"+{code}0{national}")
    # The library would drop the zero where the plan does not keep it.
    if phonenumbers.national_significant_number(with_zero) == f"0{national}" and phonenumbers.is_valid_number(
        with_zero
    ):
        return True
    return any(_is_beginning(pattern, national) for pattern in _patterns(code, "general_desc", *KINDS))


def _patterns(code: int, *kinds: str) -> set[str]:
    plans = [
        PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    ]
    found = [getattr(plan, kind) for plan in plans for kind in kinds]
    return {kind.national_number_pattern for kind in found if kind and kind.national_number_pattern}


def _is_beginning(pattern: str, national: str) -> bool:
    """Whether a longer number is found, which the expression itself must confirm."""
    if re.fullmatch(pattern, national):
        return False
    longer, rest = national, rest_after(parse_pattern(pattern), national)
    while rest and not may_end(rest):
        digit = next(digit for digit in "0123456789" if rest_after(rest, digit))
        longer, rest = longer + digit, rest_after(rest, digit)
    assert not rest or re.fullmatch(pattern, longer)
    return bool(rest)
