"""Texts that callers send: none holds a phone number in clear, and none changes what stands around it."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

# Every module with a request body is imported by the application.
import service.main  # noqa: F401
from service.core.facts import RequestBody
from service.core.text import Line, Note, Quotation, Sentence, contains_mobile_number, contains_number, is_visible

SCRIPTS = ("0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "０１２３４５６７８９", "०१२३४५६७८९", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
BETWEEN = (
    "",
    " ",
    ".",
    "-",
    "/",
    " - ",
    "\u00a0",
    "\u202f",
    "\u200b",
    "\u2060",
    "\u2011",
    "–",
    "_",
    ",",
    "(",
    ") ",
    "\t",
)
LETTERS = st.text("abcé ÀßЖ漢ا", max_size=12)


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """A mobile number from the range for fiction as people write it, in any script, with or without signs between."""
    digits = f"639{draw(st.integers(980_000, 989_999)):06}"
    prefix = draw(st.sampled_from(["0", "+33", "0033", "+33 (0)", "33"]))
    script = str.maketrans(SCRIPTS[0], draw(st.sampled_from(SCRIPTS)))
    return "".join(
        character.translate(script) + draw(st.sampled_from(BETWEEN)) if character.isdigit() else character
        for character in prefix + digits
    )


@given(spelled(), LETTERS, LETTERS)
def test_text_with_a_number_is_recognised_however_it_is_spelled(number: str, before: str, after: str) -> None:
    assert contains_number(f"{before}{number}{after}")
    assert contains_mobile_number(f"{before}{number}{after}")


@given(st.lists(st.integers(0, 99_999_999), max_size=4), st.sampled_from([" et ", "; n° ", "x", "\n"]))
def test_text_with_shorter_groups_apart_is_accepted(groups: list[int], between: str) -> None:
    assert not contains_number(between.join(map(str, groups)))


@pytest.mark.parametrize(
    "text",
    [
        "Base du 01/04/2024 - 30/06/2024",
        "2024-04-01/2024-06-30",
        "2024-04-01 10:00:00",
        "Saisons 2022-2023-2024",
        "Contrat 2024-118",
        "12 345 678 contacts",
        "STOP au 36180",
    ],
)
def test_text_with_dates_and_short_numbers_is_accepted(text: str) -> None:
    assert not contains_number(text)


def test_quotation_may_name_a_hotline_but_no_mobile_number() -> None:
    quotation = TypeAdapter[str](Quotation)
    for text in (
        "Appelez le 0 800 123 456.",
        "Tél. 01 99 00 12 34",
        "09 69 39 12 34",
        "Ligne 1\r\nLigne 2\u2028Ligne 3",
    ):
        assert quotation.validate_python(text) == text
    for text in ("Appelez le 06 39 98 00 01.", "+262 692 12 34 56", "(+33)7.56.78.90.12"):
        with pytest.raises(ValidationError, match="mobile number"):
            quotation.validate_python(text)


@pytest.mark.parametrize("kind", [Line, Sentence, Note, Quotation], ids=["line", "sentence", "note", "quotation"])
def test_text_with_a_character_that_disrupts_what_follows_is_refused(kind: Any) -> None:
    adapter = TypeAdapter[str](kind)
    disruptive = [*range(1, 9), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x202A, 0x202F)]
    accepted = []
    for code in (0, *disruptive, *range(0x2066, 0x206A), 0xD800):
        try:
            adapter.validate_python(f"Un texte {chr(code)} lu par tous")
            accepted.append(hex(code))
        except ValidationError:
            pass
    assert accepted == []
    adapter.validate_python("שלום\u200f, un texte\u200e lu par tous")


# What cannot be seen: spaces, characters of format, marks without a letter, and letters and symbols that are blank.
UNSEEN = st.one_of(
    st.characters(categories=["Zs", "Zl", "Zp", "Cf", "Cn", "Co", "Mn", "Me", "Mc"]),
    st.sampled_from(
        "\u00ad\u034f\u061c\u115f\u1160\u17b4\u200b\u200d\u2060\u2800\u3164\ufe0f\ufeff\uffa0\ufffc\U000e0020"
    ),
)
VISIBLE = st.sampled_from("aéЖ漢ا7٣_-.&☐€")


@given(st.text(UNSEEN, max_size=20), VISIBLE, st.text(UNSEEN, max_size=20))
def test_text_that_looks_blank_is_not_visible(before: str, letter: str, after: str) -> None:
    assert not is_visible(before + after)
    assert is_visible(before + letter + after)


def test_no_field_of_a_request_takes_a_text_that_looks_blank() -> None:
    blank = ["\u3164", "\u2800" * 12, "\u200b" * 12, "\u0301" * 12, "\u00a0" * 12, "\ufeff \u2060" * 5, "\u200f" * 12]
    taken = [
        (body.__name__, name, text)
        for body in bodies()
        for name, field in body.model_fields.items()
        for kind in texts_in(field_kind(field))
        for text in blank
        if (body.__name__, name) not in WITH_NUMBERS - OFFICIAL and accepts(kind, text)
    ]
    assert taken == []


OFFICIAL = {("OrganisationIn", "registration_number"), ("OrganisationStatementIn", "registration_number")}
# Fields that are a number, an official number, or are not stored, and an address that `webhook.addresses` checks.
WITH_NUMBERS = {
    ("LookupIn", "number"),
    ("ReceivedObjection", "number"),
    ("StopReply", "number"),
    ("StopReply", "text"),
    ("VerificationIn", "number"),
    *OFFICIAL,
    ("WebhookIn", "url"),
}
# What people read, which may name a hotline.
QUOTING = {("NoticeIn", "wording"), ("CampaignIn", "message_text")}
NUMBERS = ("0639980001", "06 39 98 00 01", "(+33) 6.39.98.00.01", "Voir Mme X au 06-39-98-00-01 svp", "٠٦٣٩٩٨٠٠٠١")
HOTLINE = "Appelez le 01 99 00 12 34 svp"


def bodies(base: type[RequestBody] = RequestBody) -> Iterator[type[RequestBody]]:
    for body in base.__subclasses__():
        yield body
        yield from bodies(body)


def texts_in(annotation: Any) -> Iterator[Any]:
    """Each type of text within an annotation: in a list, a choice or a union."""
    if annotation is str or (
        get_args(annotation) and get_args(annotation)[0] is str and hasattr(annotation, "__metadata__")
    ):
        yield annotation
        return
    for part in get_args(annotation):
        yield from texts_in(part)


def field_kind(field: FieldInfo) -> Any:
    """The type of a field with what it demands of a text."""
    return Annotated[(field.annotation, *field.metadata)] if field.annotation is str else field.annotation


def accepts(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


def test_no_field_of_a_request_takes_a_phone_number_in_a_text() -> None:
    taken, fields = [], 0
    for body in bodies():
        for name, field in body.model_fields.items():
            for text_kind in texts_in(field_kind(field)):
                fields += 1
                if (body.__name__, name) not in WITH_NUMBERS:
                    forbidden = NUMBERS if (body.__name__, name) in QUOTING else (*NUMBERS, HOTLINE)
                    taken += [(body.__name__, name, text) for text in forbidden if accepts(text_kind, text)]
    assert fields > 30
    assert taken == []


@pytest.mark.parametrize("part", ["01:", "20:20:", "2024-", "01.02.", "10:00 ", "1-1-20"])
def test_long_row_of_times_is_read_at_once(part: str) -> None:
    """A row of times can be split in exponentially many ways. The search of one that fits would not end."""
    row = (part * 20_000)[:19_998]
    assert contains_number(row + "99")
