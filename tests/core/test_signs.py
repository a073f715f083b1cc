"""That every character of Unicode becomes the plain sign that it looks like."""

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from service.core.signs import has_other_digits, plain

ALL = [chr(code) for code in range(sys.maxunicode + 1)]
PLAIN_OF_CATEGORY = {"Zs": " ", "Zl": " ", "Zp": " ", "Pd": "-", "Cf": ""}


def test_plain_of_each_space_dash_digit_and_format_character_is_its_plain_sign() -> None:
    wrong = [
        (hex(ord(sign)), plain(sign))
        for sign in ALL
        if (category := unicodedata.category(sign)) in PLAIN_OF_CATEGORY and plain(sign) != PLAIN_OF_CATEGORY[category]
    ]
    digits = [sign for sign in ALL if unicodedata.category(sign) == "Nd"]
    wrong += [(hex(ord(sign)), plain(sign)) for sign in digits if plain(sign) != str(unicodedata.decimal(sign))]
    assert wrong == []
    assert len(digits) > 600


def test_plain_of_letters_and_newlines_is_the_same() -> None:
    letters = [sign for sign in ALL if sign.isalpha() and unicodedata.east_asian_width(sign) != "F"]
    looking_blank = {"\u3164", "\uffa0", "\u115f", "\u1160"} | {"\u30fc", "\uff70"}
    assert {sign for sign in [*letters, "\n", "é"] if plain(sign) != sign} <= looking_blank


@given(st.text())
def test_plain_of_any_text_is_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert not has_other_digits(plain(text))


def test_plain_of_full_width_text_is_ascii() -> None:
    assert plain("\uff0b\uff13\uff13\u3000\uff08\uff10\uff09\uff16\uff0e\uff13\uff0f\uff19\uff1a") == "+33 (0)6.3/9:"
    assert has_other_digits("\u0660")
    assert not has_other_digits("0\u200b")
