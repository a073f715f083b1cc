"""Which digits of a text are those of a telephone number, by the signs around them.

A text is judged by its *shape*: the text with every digit replaced by 0. So all cells of one shape are judged at once.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from service.core.signs import plain
from service.number.other_values import OtherValue, other_values
from service.number.rejection import RejectReason

MOST_DIGITS = 18
"""The most digits of a text that are read: a number of 15 digits (E.164) behind 00 and a trunk zero in brackets."""
LONGEST = 64
"""A longer text, in characters without the space around it, is not a number."""

# Quotes, apostrophes and middle dots, and what a wrong encoding leaves of a non-breaking space.
_TO_SPACES = str.maketrans(dict.fromkeys("'\"\u2018\u2019\u02bc\u2032\u00b4`\u00b7\u2022\u2219\u30fb\uff65\ufffd", " "))
# Lead forms and links write a scheme before the number, and spreadsheets make text of it by ="…".
_WRAPPED = re.compile(r'\s*(?:="(?P<formula>[^"]*)"|(?:p|tel|sms|whatsapp):(?://)?(?P<link>.*))\s*', re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[+-]?0+(?:[.,]0*)?e[+-]?0+", re.IGNORECASE)
# After a single full stop or comma, one or two last digits are a fraction. `06.12.34.56.78` has four full stops.
_FRACTION = re.compile(r"(?P<whole>[^.]*)\.(?P<stop>0{1,2})[^0.]*|(?P<whole_>[^,]*),(?P<comma>0{1,2})[^0,]*")
# Amounts are grouped by thousands. Telephone numbers are grouped in another way, and what follows is an extension.
_AMOUNT = re.compile(r"[+-]?(?:0+|0{1,3}(?:[ ,.]000)+)")
_EXTENSION = re.compile(r"0[^0]*?(?:x|ext\.?|extension|poste|#|;ext=)[\s.:]*0{1,7}", re.IGNORECASE)
_BETWEEN_NUMBERS = re.compile(r"[^0\s.()\[\]~+-]+|\n+")
# Between these and the next digit, another number may begin, or another ending of the first: 030 1234567/68.
_BEFORE_ANOTHER = re.compile(r"[/~()\[\]\n](?=[^0]*0)")
_BEFORE_ANOTHER_HALF = re.compile(rf"{_BEFORE_ANOTHER.pattern}|\s(?=0{{7}})")
# Fewer digits are no number. They are nearly always a code, as in +33 (0)6.
_FEWEST_BEFORE_ANOTHER = 4
# Slashes between pairs group the digits of one number.
_PAIRS = re.compile(r"(?:\+0{1,3}[ /]+)?0{1,3}(?:/00){2,}")
_FEWEST_OF_SEVERAL = 7
# A country code and an area code are as long as a number, as in 0043664/1234567.
_HALVES = re.compile(r"[(]?\+?[0 ().-]*/?[0 .-]*")
# The punctuation that the library ignores. A text with anything else is not a number.
_SPELLING = re.compile(r"[0\s+().\[\]/~-]*")


class Spelling(NamedTuple):
    """The number of digits, whether a plus is before them, how many of them are a fraction, and if spaces part them.

    After each count of digits in `parts`, a sign stands behind which another number begins if those before are one. If
    there are two `halves`, which are as long as numbers, they are one only if it has its country code. The text may be
    one of the `others`, and no number.
    """

    digits: int
    plus: bool = False
    fraction: int = 0
    spaced: bool = False
    parts: tuple[int, ...] = ()
    halves: bool = False
    others: tuple[OtherValue, ...] = ()


@lru_cache(maxsize=10_000)
def read_shape(shape: str) -> Spelling | RejectReason:
    """How the texts of this shape spell a number, or why they do not. A shape has no digits but 0."""
    text = plain(shape).strip()
    wrapped = _WRAPPED.fullmatch(text) if ":" in text or "=" in text else None
    if wrapped is not None:
        text = wrapped["formula"] or wrapped["link"] or ""
    text = text.translate(_TO_SPACES).strip()
    if not text.strip(" .-/()\n"):
        return RejectReason.EMPTY
    if _SCIENTIFIC.fullmatch(text.replace(" ", "")):
        return RejectReason.SCIENTIFIC_NOTATION
    fraction = _FRACTION.fullmatch(text) if "." in text or "," in text else None
    if fraction is not None and not any(map(str.isalpha, text)):
        return _read_fraction(text, fraction)
    several = _has_several_numbers(text)
    halves = several and _HALVES.fullmatch(text) is not None and text.count("0") <= MOST_DIGITS
    if several and not halves:
        return RejectReason.SEVERAL_NUMBERS
    return _refusal(text) or _read_plain(text, halves=halves)


def _read_fraction(text: str, fraction: re.Match[str]) -> Spelling | RejectReason:
    whole = (fraction["whole"] or fraction["whole_"] or "").strip()
    decimals = len(fraction["stop"] or fraction["comma"])
    if not _AMOUNT.fullmatch(whole):
        return RejectReason.EXTENSION if whole.count("0") >= _FEWEST_OF_SEVERAL else RejectReason.SPREADSHEET_DECIMAL
    digits = whole.count("0") + decimals
    if not whole.strip("0") and text.endswith("0") and digits <= MOST_DIGITS:
        return Spelling(digits, fraction=decimals)
    return RejectReason.SPREADSHEET_DECIMAL


def _refusal(text: str) -> RejectReason | None:
    extension = _EXTENSION.search(text)
    # Before an extension is a number. In #31#0639980001 and 0x639980001 there is none.
    if extension is not None and text.count("0", 0, extension.start() + 1) >= _FEWEST_OF_SEVERAL:
        return RejectReason.EXTENSION
    if not _SPELLING.fullmatch(text):
        return RejectReason.NOT_A_NUMBER
    return RejectReason.TOO_LONG if len(text) > LONGEST else None


def _has_several_numbers(text: str) -> bool:
    """Whether there are several runs of digits long enough for numbers, with a sign, a space or a plus between them."""
    if text.count("0") < 2 * _FEWEST_OF_SEVERAL:
        return False
    apart = _BETWEEN_NUMBERS.split(text.replace("/", ","))
    return any(sum(map(_is_long, parts)) > 1 for parts in (apart, text.split(), text.split("+")))


def _is_long(part: str) -> bool:
    return part.count("0") >= _FEWEST_OF_SEVERAL


def _read_plain(text: str, *, halves: bool) -> Spelling | RejectReason:
    digits = text.count("0")
    before = text[: text.find("0")]
    if not digits or text.count("+") > 1 or (plus := "+" in before) != ("+" in text):
        return RejectReason.NOT_A_NUMBER
    spaced = len(text.strip("+()").split()) > 1
    if digits > MOST_DIGITS:
        return RejectReason.SEVERAL_NUMBERS if spaced else RejectReason.TOO_LONG
    others = () if plus else other_values(text)
    return Spelling(digits, plus, spaced=spaced, parts=_parts(text, halves=halves), halves=halves, others=others)


def _parts(text: str, *, halves: bool) -> tuple[int, ...]:
    """The counts of digits before the signs behind which another number may begin."""
    if _PAIRS.fullmatch(text):
        return ()
    signs = (_BEFORE_ANOTHER_HALF if halves else _BEFORE_ANOTHER).finditer(text)
    before = {text.count("0", 0, sign.start()) for sign in signs}
    return tuple(sorted(count for count in before if count >= _FEWEST_BEFORE_ANOTHER))
