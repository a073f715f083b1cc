"""Letters: a letter says what its report says, as real text with a title and a language."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from service.core.vocabulary import ObjectionKind, Purpose
from service.disclosure.blocks import (
    Block,
    Callout,
    Contact,
    Contacts,
    Heading,
    Paragraph,
    Picture,
    Report,
    Table,
    Tone,
)
from service.disclosure.holder_letter import HolderRequest, print_holder_letter
from service.disclosure.letter import Letter, print_letter, print_report
from service.disclosure.svg import Diagram, Node, draw_narrow
from service.wording.language import PARIS, Language
from tests.builders import FICTION
from tests.disclosure.conftest import Owners
from tests.disclosure.reading import printed, read, texts_of, without_spaces


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("last_four", [5200, 1500, 9001, 9999])
def test_print_report_says_what_the_report_says_in_the_same_order(
    owners: Owners, last_four: int, language: Language
) -> None:
    report = owners.report(last_four, language)
    said = printed(read(print_report(replace(report, reference="2026-7K3MQ-9XTWB"))))
    place = 0
    for text in _in_order(report):
        found = said.find(without_spaces(text), place)
        assert found >= 0, text
        place = found


def _in_order(report: Report) -> Iterator[str]:
    yield report.title
    yield report.number
    for section in report.sections:
        yield section.title
        for block in section.blocks:
            # A picture is drawn. Its text is an alternative, which is not printed.
            if not isinstance(block, Picture):
                yield from texts_of(block)


@pytest.mark.parametrize(("language", "tag"), [(Language.FR, "fr"), (Language.EN, "en")])
def test_print_report_is_an_accessible_pdf(owners: Owners, language: Language, tag: str) -> None:
    report = owners.report(5200, language)
    reader = read(print_report(report))
    root: Any = reader.trailer["/Root"]
    assert reader.metadata is not None
    assert reader.metadata.title == report.title
    assert root["/Lang"] == tag
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  (an object of the library that is equal to it)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    (picture,) = (block for section in report.sections for block in section.blocks if isinstance(block, Picture))
    assert " ".join(picture.alternative) in [str(alt) for alt in _alternatives(root["/StructTreeRoot"])]


def _alternatives(element: Any) -> Iterator[Any]:
    """The alternative texts of pictures, anywhere in the tree of tags."""
    if "/Alt" in element:
        yield element["/Alt"]
    kids = element.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        below = kid.get_object() if hasattr(kid, "get_object") else kid
        if isinstance(below, dict):
            yield from _alternatives(below)


def test_print_report_is_dated_and_numbers_its_pages(owners: Owners) -> None:
    report = replace(owners.report(5200), reference="2026-7K3MQ-9XTWB")
    pages = read(print_report(report)).pages
    assert len(pages) > 1
    assert without_spaces(report.as_of_text) in without_spaces(pages[0].extract_text())
    for number, page in enumerate(pages, 1):
        foot = without_spaces(page.extract_text())
        assert "Réponse2026-7K3MQ-9XTWB" in foot
        assert f"Page{number}sur{len(pages)}" in foot


def letter(opening: Sequence[Block]) -> Letter:
    """A letter with these blocks."""
    return Letter(language=Language.EN, title="A letter", from_=["Me"], to=["You"], footer="Foot", opening=opening)


COMMANDS = '#strong[x] *y* _z_ $1$ `w` = T \\ #read("/etc/passwd") @a <b> "c" //d'


def test_print_letter_prints_commands_of_the_typesetter_as_text() -> None:
    table = Table(caption=COMMANDS, header=["a", "b", "c"], rows=[[COMMANDS] * 3])
    contact = Contact(
        organisation_id=uuid.UUID(int=1),
        name=COMMANDS,
        privacy_contact=None,
        address=COMMANDS,
        note="",
        statements=[COMMANDS],
    )
    contacts = Contacts(items=[contact])
    callout = Callout(tone=Tone.ATTENTION, text=COMMANDS)
    every: list[Block] = [Heading(text=COMMANDS), Paragraph(text=COMMANDS), table, contacts, callout]
    for block in every:
        said = printed(read(print_letter(letter([block]))))
        assert without_spaces(COMMANDS) in said.replace("“", '"').replace("”", '"')


def test_print_letter_with_characters_of_no_font_prints_the_rest() -> None:
    said = printed(read(print_letter(letter([Paragraph(text="Here 🙂 and 漢字 there")]))))
    assert "Here" in said
    assert "there" in said


def test_print_letter_with_a_path_too_long_for_a_page_prints_a_list() -> None:
    nodes = tuple(Node(uuid.UUID(int=place), f"Holder {place}", ("note",), is_client=False) for place in range(30))
    drawn = draw_narrow(Diagram("T", nodes, ()), [])
    alternative = [f"Holder {place} had it." for place in range(30)]
    picture = Picture(title="T", wide=drawn, narrow=drawn, alternative=alternative)
    said = printed(read(print_letter(letter([picture]))))
    assert [line for line in alternative if without_spaces(line) not in said] == []


def request(**more: Any) -> HolderRequest:
    """A request to a holder that has no account."""
    known: dict[str, Any] = {
        "number": FICTION + 7777,
        "kind": ObjectionKind.OBJECTION,
        "purpose": None,
        "recorded_at": datetime(2024, 6, 6, 10, 40, tzinfo=PARIS),
        "reference": "018fbd0c",
        "holder": "Comparauto SAS",
        "privacy_contact": "dpo@comparauto.example",
    }
    return HolderRequest(**(known | more))


@pytest.mark.parametrize(
    ("language", "more", "said"),
    [
        (Language.FR, {}, ["Opposition à l’utilisation", "article 21", "Comparauto SAS", "dpo@comparauto.example"]),
        (Language.FR, {}, ["article 15, paragraphe 1, c", "je le retire", "un code envoyé à ce numéro", "CNIL"]),
        (Language.FR, {"kind": ObjectionKind.ERASURE}, ["Demande d’effacement", "article 17", "article 19"]),
        (
            Language.EN,
            {"kind": ObjectionKind.ERASURE},
            ["Request to erase", "Article 17", "one month", "Yours faithfully"],
        ),
        (Language.EN, {"purpose": Purpose.POLITICAL_CANVASSING}, ["for this purpose: political canvassing"]),
        (Language.FR, {"privacy_contact": None}, ["(adresse à compléter)", "6 juin 2024 à 10 h 40", "018fbd0c"]),
    ],
)
def test_print_holder_letter_has_what_the_law_asks_for(
    language: Language, more: dict[str, Any], said: list[str]
) -> None:
    reader = read(print_holder_letter(request(**more), language))
    assert len(reader.pages) == 1
    text = printed(reader)
    assert [phrase for phrase in said if without_spaces(phrase) not in text] == []
    assert without_spaces("+33 6 39 98 77 77") in text


def test_print_holder_letter_of_an_objection_does_not_cite_article_19() -> None:
    assert without_spaces("article 19") not in printed(read(print_holder_letter(request(), Language.FR)))


def test_holder_request_does_not_show_the_number_in_its_repr() -> None:
    assert "7777" not in repr(request())
