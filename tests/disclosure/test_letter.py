"""The letter: what it says is what the story says, and it is real text with a title and a language."""

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

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
from service.disclosure.holder_letter import Request, print_request
from service.disclosure.letter import Letter, print_letter, print_report
from service.disclosure.svg import Diagram, Node, draw_narrow
from service.wording.language import PARIS, Language
from tests.builders import FICTION
from tests.disclosure.conftest import Owners
from tests.disclosure.reading import texts_of


def read(pdf: bytes) -> PdfReader:
    """A letter, opened."""
    return PdfReader(BytesIO(pdf))


def words(text: str) -> str:
    """A text without any blanks: where its lines break is the typesetter's business."""
    return re.sub(r"\s", "", text.replace("\u00a0", "").replace("\u202f", "").replace("\u00ad", ""))


def printed(reader: PdfReader) -> str:
    """What is printed on all pages, but for what stands at the foot of each."""
    pages = (page.extract_text() for page in reader.pages)
    return words("".join(re.sub(r"(Réponse|Answer) \S+ .*RGPD.*|Page \d+ (sur|of) \d+", "", page) for page in pages))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("last_four", [5200, 1500, 9001, 9999])
def test_it_says_what_the_story_says_in_the_same_order(owners: Owners, last_four: int, language: Language) -> None:
    story = owners.story(last_four, language)
    said = printed(read(print_report(replace(story, reference="2026-000012"))))
    place = 0
    for text in _in_order(story):
        found = said.find(words(text), place)
        assert found >= 0, text
        place = found


def _in_order(story: Report) -> Iterator[str]:
    yield story.title
    yield story.number
    for section in story.sections:
        yield section.title
        for block in section.blocks:
            # A picture stands for itself: what it shows is spelled out beside it, for whoever does not see it.
            if not isinstance(block, Picture):
                yield from texts_of(block)


@pytest.mark.parametrize(("language", "tag"), [(Language.FR, "fr"), (Language.EN, "en")])
def test_it_is_accessible(owners: Owners, language: Language, tag: str) -> None:
    story = owners.story(5200, language)
    reader = read(print_report(story))
    root: Any = reader.trailer["/Root"]
    assert reader.metadata is not None
    assert reader.metadata.title == story.title
    assert root["/Lang"] == tag
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  (an object of the library that is equal to it)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    (picture,) = (one for section in story.sections for one in section.blocks if isinstance(one, Picture))
    assert " ".join(picture.alternative) in [str(alt) for alt in _alternatives(root["/StructTreeRoot"])]


def _alternatives(element: Any) -> Iterator[Any]:
    """The texts that stand for pictures, wherever in the tree of tags."""
    if "/Alt" in element:
        yield element["/Alt"]
    kids = element.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        below = kid.get_object() if hasattr(kid, "get_object") else kid
        if isinstance(below, dict):
            yield from _alternatives(below)


def test_it_is_numbered_and_dated_on_every_page(owners: Owners) -> None:
    story = replace(owners.story(5200), reference="2026-000012")
    pages = read(print_report(story)).pages
    assert len(pages) > 1
    assert words(story.told) in words(pages[0].extract_text())
    for number, page in enumerate(pages, 1):
        foot = words(page.extract_text())
        assert "Réponse2026-000012" in foot
        assert f"Page{number}sur{len(pages)}" in foot


def letter(opening: Sequence[Block]) -> Letter:
    """A letter with these blocks."""
    return Letter(language=Language.EN, title="A letter", from_=["Me"], to=["You"], footer="Foot", opening=opening)


COMMANDS = '#strong[x] *y* _z_ $1$ `w` = T \\ #read("/etc/passwd") @a <b> "c" //d'


def test_what_somebody_sent_is_no_command_to_the_typesetter() -> None:
    table = Table(caption=COMMANDS, header=["a", "b", "c"], rows=[[COMMANDS] * 3])
    contacts = Contacts(items=[Contact(organisation_id=uuid.UUID(int=1), name=COMMANDS, privacy_contact=None, note="")])
    callout = Callout(tone=Tone.ATTENTION, text=COMMANDS)
    every: list[Block] = [Heading(text=COMMANDS), Paragraph(text=COMMANDS), table, contacts, callout]
    for block in every:
        said = printed(read(print_letter(letter([block]))))
        assert words(COMMANDS) in said.replace("“", '"').replace("”", '"')


def test_signs_that_no_font_has_are_no_obstacle() -> None:
    said = printed(read(print_letter(letter([Paragraph(text="Here 🙂 and 漢字 there")]))))
    assert "Here" in said
    assert "there" in said


def test_a_path_too_long_for_a_page_is_told_as_a_list() -> None:
    nodes = tuple(Node(uuid.UUID(int=place), f"Hand {place}", ("note",), is_client=False) for place in range(30))
    drawn = draw_narrow(Diagram("T", nodes, ()), [])
    told = [f"Hand {place} had it." for place in range(30)]
    picture = Picture(title="T", wide=drawn, narrow=drawn, alternative=told)
    said = printed(read(print_letter(letter([picture]))))
    assert all(words(one) in said for one in told)


def request(**more: Any) -> Request:
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
    return Request(**(known | more))


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
        (Language.EN, {"purpose": Purpose.POLITICAL_CANVASSING}, ["for this purpose: political messages"]),
        (Language.FR, {"privacy_contact": None}, ["(adresse à compléter)", "6 juin 2024 à 10 h 40", "018fbd0c"]),
    ],
)
def test_the_letter_to_a_holder(language: Language, more: dict[str, Any], said: list[str]) -> None:
    reader = read(print_request(request(**more), language))
    assert len(reader.pages) == 1
    text = printed(reader)
    assert all(words(one) in text for one in said)
    assert words("+33 6 39 98 77 77") in text


def test_article_19_is_asked_for_after_an_erasure_alone() -> None:
    assert words("article 19") not in printed(read(print_request(request(), Language.FR)))


def test_a_request_does_not_show_the_number_where_it_might_be_logged() -> None:
    assert "7777" not in repr(request())
