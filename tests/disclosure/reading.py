"""All that a report says, and all that a letter prints, as texts."""

import re
from collections.abc import Iterator
from io import BytesIO

from pypdf import PdfReader

from service.disclosure.blocks import (
    Block,
    Bullets,
    Callout,
    Contacts,
    Facts,
    Heading,
    Paragraph,
    Picture,
    Quote,
    Report,
    Steps,
    Table,
)


def texts_of(block: Block) -> Iterator[str]:
    """The texts of a block; of a picture its alternative."""
    match block:
        case Heading() | Paragraph() | Callout():
            yield block.text
        case Quote():
            yield from (block.text, block.source)
        case Facts():
            yield from (text for item in block.items for text in (item.label, item.value))
        case Bullets():
            yield from block.items
        case Table():
            yield from (block.caption, *block.header, *(cell for row in block.rows for cell in row))
        case Picture():
            yield from (block.title, *block.alternative)
        case Contacts():
            yield from (
                text
                for contact in block.items
                for text in (contact.name, contact.privacy_contact or "", contact.note, *contact.statements)
            )
        case Steps():
            yield from (text for step in block.items for text in (step.title, step.text))


def texts(report: Report) -> list[str]:
    """Every text of a report, in order."""
    found = [report.title, report.as_of_text]
    for section in report.sections:
        found.append(section.title)
        found += [text for block in section.blocks for text in texts_of(block)]
    return found


def read(pdf: bytes) -> PdfReader:
    """A letter, opened."""
    return PdfReader(BytesIO(pdf))


def without_spaces(text: str) -> str:
    """A text without any spaces: the typesetter decides where lines break."""
    return re.sub(r"\s", "", text.replace("\u00a0", "").replace("\u202f", "").replace("\u00ad", ""))


def printed(reader: PdfReader) -> str:
    """What is printed on all pages, without their feet."""
    pages = (page.extract_text() for page in reader.pages)
    return without_spaces(
        "".join(re.sub(r"(Réponse|Answer) \S+ .*RGPD.*|Page \d+ (sur|of) \d+", "", page) for page in pages)
    )
