"""All that a story says, as texts."""

from collections.abc import Iterator

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
    """The texts of a block; of a picture those which stand for it."""
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
            yield from (text for one in block.items for text in (one.name, one.privacy_contact or "", one.note))
        case Steps():
            yield from (text for step in block.items for text in (step.title, step.text))


def texts(story: Report) -> list[str]:
    """Every text of a story, in order."""
    found = [story.title, story.told]
    for section in story.sections:
        found.append(section.title)
        found += [text for block in section.blocks for text in texts_of(block)]
    return found
