"""Letters as PDF: tagged, with their text in them, and with fonts that the typesetter brings along.

A story is set in its own words, so that letter and page say the same. What is set travels as data: a name or a
message that looks like a command of the typesetter is printed as it stands.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import orjson
import typst

from service.disclosure.blocks import Block, Contacts, Fact, Facts, Picture, Report
from service.disclosure.phrasebook import Phrasebook
from service.wording.language import Language

# As much as fits on a page, below a title. A longer path is told as a list.
_MOST_HIGH: Final = 620.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is printed: who writes, to whom, and what."""

    language: Language
    title: str
    from_: Sequence[str]
    to: Sequence[str]
    footer: str
    opening: Sequence[Block]
    sections: Sequence[tuple[str, Sequence[Block]]] = ()


def print_report(story: Report) -> bytes:
    """A story as a letter, in PDF."""
    voice = Phrasebook(story.language)
    about = [Fact(label=voice.say("letter_number"), value=story.number)]
    if story.reference:
        about.append(Fact(label=voice.say("letter_reference"), value=story.reference))
    letter = Letter(
        language=story.language,
        title=story.title,
        from_=[voice.say("letter_registry"), voice.say("letter_registry_is"), *story.answered_by],
        to=[story.told],
        footer=voice.say("letter_footer", reference=story.reference or "—"),
        opening=[Facts(items=about)],
        sections=[(section.title, section.blocks) for section in story.sections],
    )
    return print_letter(letter)


def print_letter(letter: Letter) -> bytes:
    """A letter as PDF/UA-1, or as plain PDF if a text of it has signs that no font here can show."""
    voice = Phrasebook(letter.language)
    data = orjson.dumps(
        {
            "language": letter.language,
            "title": letter.title,
            "author": "Filiation",
            "colon": voice.say("letter_colon"),
            "from": letter.from_,
            "to": letter.to,
            "page": voice.say("letter_page", page="{page}", pages="{pages}"),
            "footer": letter.footer,
            "opening": [_shape(voice, block) for block in letter.opening],
            "sections": [
                {"title": title, "blocks": [_shape(voice, block) for block in blocks]}
                for title, blocks in letter.sections
            ],
        }
    ).decode()
    try:
        return _set(data, accessible=True)
    except typst.TypstError:
        return _set(data, accessible=False)


def _set(data: str, *, accessible: bool) -> bytes:
    return typst.compile(
        _template(),
        font_paths=_fonts(),
        format="pdf",
        sys_inputs={"letter": data},
        pdf_standards=["ua-1"] if accessible else [],
    )


@cache
def _template() -> bytes:
    return resources.files(__package__).joinpath("letter.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    """Those that the typesetter brings along: a letter looks the same wherever it is printed."""
    return typst.Fonts(include_system_fonts=False)


def _shape(voice: Phrasebook, block: Block) -> dict[str, Any]:
    shape = asdict(block)
    if isinstance(block, Contacts):
        for one in shape["items"]:
            one["at"] = one["privacy_contact"] or voice.say("no_address")
    if isinstance(block, Picture):
        del shape["wide"], shape["narrow"]
        shape["drawn"] = block.narrow if _height(block.narrow) <= _MOST_HIGH else None
    return shape


def _height(svg: str) -> float:
    return float(svg.partition(' height="')[2].partition('"')[0])
