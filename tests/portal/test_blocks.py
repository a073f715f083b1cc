"""Every kind of block of a report is on the page, whole, and nothing in it becomes markup."""

import dataclasses
import html
import re
import uuid
from collections.abc import Iterator
from typing import Any, get_args

from service.core.clock import now
from service.disclosure import blocks
from service.portal.site import SITE
from service.wording.language import Language

HOSTILE = "<b onclick='x'>&amp;{{ 7 * 7 }}"
ADDRESS = "https://www.cnil.fr/fr/plaintes"


def _hostile(name: str) -> str:
    return f"{name} {HOSTILE}"


BLOCKS: list[blocks.Block] = [
    blocks.Heading(text=_hostile("heading")),
    blocks.Paragraph(text=_hostile("paragraph")),
    blocks.Quote(
        text=_hostile("quote"),
        language="fr",
        source=_hostile("source"),
        screenshots=[
            blocks.Screenshot(
                evidence_id=uuid.UUID(int=1),
                notice_id=uuid.UUID(int=2),
                media_type=media_type,
                sha256="00",
                text=_hostile(media_type),
            )
            for media_type in ("image/png", "application/pdf")
        ],
    ),
    blocks.Facts(items=[blocks.Fact(label=_hostile("label"), value=_hostile("value"))]),
    blocks.Bullets(items=[_hostile("bullet")]),
    blocks.Table(caption=_hostile("caption"), header=[_hostile("column")], rows=[[_hostile("cell")]]),
    blocks.Picture(title=_hostile("picture"), wide="<svg/>", narrow="<svg/>", alternative=[_hostile("in words")]),
    blocks.Callout(tone=blocks.Tone.ATTENTION, text=_hostile("callout")),
    blocks.Contacts(
        items=[
            blocks.Contact(
                organisation_id=uuid.UUID(int=3),
                name=_hostile("name"),
                privacy_contact="dpo@contact-direct.example",
                address=_hostile("address"),
                note=_hostile("note"),
            )
        ]
    ),
    blocks.Steps(
        items=[
            blocks.Step(action=action, title=_hostile(action), text=_hostile("step"), address=ADDRESS)
            for action in blocks.Action
        ]
    ),
    blocks.Contestable(dataset_id=uuid.UUID(int=4)),
]


def _page() -> str:
    report = blocks.Report(
        language=Language.FR,
        title=_hostile("title"),
        number="+33 6 39 98 52 00",
        as_of=now(),
        as_of_text=_hostile("as of"),
        held=True,
        operators=[],
        sections=[blocks.Section(topic=blocks.Topic.SUMMARY, title=_hostile("section"), blocks=BLOCKS)],
    )
    context = SITE.context(Language.FR) | {"page": "answer", "report": report, "since": None}
    return SITE.templates.render("answer.html", context)


def _texts(value: Any) -> Iterator[str]:
    """Every text of a block that people read, and no id, kind or drawing."""
    if isinstance(value, str):
        if HOSTILE in value:
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))


def test_examples_cover_every_kind_of_block() -> None:
    assert {type(block) for block in BLOCKS} == set(get_args(get_args(blocks.Block)[0]))


def test_every_text_of_a_report_is_on_the_page_and_escaped() -> None:
    page = _page()
    assert "<b onclick" not in page
    shown = html.unescape(re.sub(r"<[^>]+>", " ", page)) + html.unescape(" ".join(re.findall(r'alt="([^"]*)"', page)))
    assert [text for text in _texts(BLOCKS) if text not in shown] == []


def test_each_step_has_its_link_or_form() -> None:
    page = _page()
    assert 'href="/opposition"' in page
    assert 'href="/effacement"' in page
    assert 'action="/reponse/telecharger"' in page
    assert f'href="{ADDRESS}"' in page
