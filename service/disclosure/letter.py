"""Letters as PDF: tagged, with their text in them, and with fonts that the typesetter brings along.

A letter contains the sections of a report, so that letter and page say the same. The texts travel as data: a name or
a message that looks like a command of the typesetter is printed as it stands.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import orjson
import typst

from service.disclosure.blocks import Block, Contestable, Fact, Facts, Picture, Report
from service.disclosure.phrasebook import Phrasebook
from service.wording.language import Language

# What fits on a page below a title, in the pixels of the SVG. A higher picture is printed as its list.
_HIGHEST_PICTURE: Final = 620.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is printed: the sender, the addressee, and the content."""

    language: Language
    title: str
    from_: Sequence[str]
    to: Sequence[str]
    footer: str
    opening: Sequence[Block]
    sections: Sequence[tuple[str, Sequence[Block]]] = ()


def print_report(report: Report) -> bytes:
    """A report as a letter, in PDF."""
    phrases = Phrasebook(report.language).phrases.letter
    about = [Fact(label=phrases.number, value=report.number)]
    if report.reference:
        about.append(Fact(label=phrases.reference, value=report.reference))
    letter = Letter(
        language=report.language,
        title=report.title,
        from_=[phrases.registry, phrases.registry_is, *report.operators],
        to=[report.as_of_text],
        footer=phrases.footer.format(reference=report.reference or "—"),
        opening=[Facts(items=about)],
        sections=[(section.title, section.blocks) for section in report.sections],
    )
    return print_letter(letter)


def print_letter(letter: Letter) -> bytes:
    """A letter as PDF/UA-1, or as plain PDF if one of its characters is in none of the fonts."""
    book = Phrasebook(letter.language)
    data = orjson.dumps(
        {
            "language": letter.language,
            "title": letter.title,
            "author": "Filiation",
            "colon": book.phrases.letter.colon,
            "from": letter.from_,
            "to": letter.to,
            # The template fills in the two numbers: it alone knows the pages.
            "page": book.phrases.letter.page,
            "footer": letter.footer,
            "opening": [_template_block(book, block) for block in letter.opening],
            "sections": [
                {
                    "title": title,
                    "blocks": [_template_block(book, block) for block in blocks if not isinstance(block, Contestable)],
                }
                for title, blocks in letter.sections
            ],
        }
    ).decode()
    try:
        return _compile(data, accessible=True)
    except typst.TypstError:
        return _compile(data, accessible=False)


def _compile(data: str, *, accessible: bool) -> bytes:
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
    """The fonts of the typesetter alone, so that a letter looks the same on every machine."""
    return typst.Fonts(include_system_fonts=False)


def _template_block(book: Phrasebook, block: Block) -> dict[str, Any]:
    """A block as the template reads it."""
    shape = asdict(block)
    if isinstance(block, Picture):
        del shape["wide"], shape["narrow"]
        shape["drawn"] = block.narrow if _height(block.narrow) <= _HIGHEST_PICTURE else None
    return shape


def _height(svg: str) -> float:
    return float(svg.partition(' height="')[2].partition('"')[0])
