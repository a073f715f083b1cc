"""Drawings: whatever the chain, nothing lies on anything, and nothing that was sent is taken for a command."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.disclosure.blocks import Picture, Topic
from service.disclosure.svg import NARROW, Arrow, Diagram, Firmness, Node, draw_narrow, draw_wide, rank, wrap
from service.wording.language import Language
from tests.disclosure.conftest import Owners, blocks

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {"wide": draw_wide, "narrow": draw_narrow}
each_way = pytest.mark.parametrize("way", DRAWN)

names = st.text(min_size=1, max_size=60) | st.sampled_from(["Mouvement du Rivage", "W" * 80, "<script>", "A & B"])


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    """A few organisations and arrows between any two of them."""
    nodes = [
        Node(uuid.UUID(int=place), draw(names), tuple(draw(st.lists(names, max_size=3))), is_client=draw(st.booleans()))
        for place in range(draw(st.integers(1, 7)))
    ]
    ends = st.sampled_from([node.id for node in nodes])
    arrows = draw(st.lists(st.tuples(ends, ends, st.sampled_from(Firmness)), max_size=12, unique=True))
    return Diagram("Le chemin", tuple(nodes), tuple(Arrow(*one) for one in arrows if one[0] != one[1]))


@dataclass
class Area:
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Area") -> bool:
        """Whether the two have more in common than a border."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: "Area") -> bool:
        """Whether the other lies within."""
        within = self.left <= other.left and other.right <= self.right
        return within and self.top <= other.top and other.bottom <= self.bottom


def boxes(root: ET.Element) -> list[Area]:
    """The boxes of a drawing."""
    read = ([float(one.get(name, "")) for name in ("x", "y", "width", "height")] for one in root.iter(f"{SVG}rect"))
    return [Area(x, y, x + width, y + height) for x, y, width, height in read]


def lines_of_text(root: ET.Element) -> Iterator[tuple[Area, str]]:
    """The lines of text, from above their letters to below, as if they were one letter wide."""
    for one in root.iter(f"{SVG}text"):
        x, y, size = (float(one.get(name, "")) for name in ("x", "y", "font-size"))
        yield Area(x, y - 0.8 * size, x + 1, y + 0.25 * size), one.text or ""


@each_way
@given(diagram=diagrams())
def test_no_box_and_no_line_of_text_lies_on_another(way: str, diagram: Diagram) -> None:
    root = ET.fromstring(DRAWN[way](diagram, ["Un.", "Deux."]))
    _, _, width, height = (float(value) for value in root.get("viewBox", "").split())
    page, found, lines = Area(0, 0, width, height), boxes(root), [area for area, _ in lines_of_text(root)]
    assert len(found) == len(diagram.nodes)
    for areas in (found, lines):
        assert not any(one.overlaps(other) for place, one in enumerate(areas) for other in areas[:place])
    assert all(page.holds(box) for box in found)
    assert all(any(box.holds(line) for box in found) for line in lines)


@each_way
@given(diagram=diagrams())
def test_every_name_and_note_is_there_to_the_letter(way: str, diagram: Diagram) -> None:
    drawn = "".join(text for _, text in lines_of_text(ET.fromstring(DRAWN[way](diagram, []))))
    told = "".join(text for node in diagram.nodes for text in (node.name, *node.notes))
    assert sorted(_letters(drawn)) == sorted(_letters(told))


def _letters(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable() and not sign.isspace())


@given(diagram=diagrams())
def test_a_narrow_drawing_fits_a_small_screen(diagram: Diagram) -> None:
    root = ET.fromstring(draw_narrow(diagram, []))
    assert float(root.get("width", "")) == NARROW
    assert all(box.right - box.left > NARROW / 2 for box in boxes(root))


@given(diagram=diagrams())
def test_arrows_lead_to_the_right_unless_they_lead_back(diagram: Diagram) -> None:
    ranks = rank(diagram)
    assert set(ranks) == {node.id for node in diagram.nodes}
    # Of arrows that lead round in a circle one leads back; of two nodes never both.
    for one in diagram.arrows:
        both = any((other.from_id, other.to_id) == (one.to_id, one.from_id) for other in diagram.arrows)
        assert ranks[one.from_id] != ranks[one.to_id] or both or _in_a_circle(diagram, one)


def _in_a_circle(diagram: Diagram, arrow: Arrow) -> bool:
    found, waiting = {arrow.to_id}, [arrow.to_id]
    while waiting:
        place = waiting.pop()
        new = {other.to_id for other in diagram.arrows if other.from_id == place} - found
        found |= new
        waiting += new
    return arrow.from_id in found


@given(text=st.text(max_size=200), room=st.floats(40, 400))
def test_wrapping_loses_no_letter(text: str, room: float) -> None:
    assert "".join(wrap(text, room, 13)).replace(" ", "") == text.replace(" ", "")


@each_way
def test_what_is_drawn_obeys_a_strict_content_security_policy(way: str) -> None:
    node = Node(uuid.UUID(int=1), '"><script>alert(1)</script>', ("a & b",), is_client=True)
    drawn = DRAWN[way](Diagram("T", (node,), ()), ["<b>"])
    assert "<script" not in drawn
    assert not re.search(r"<style| style=| on\w+=|href", drawn)
    assert re.findall(r'(?:fill|stroke)="([^"]*)"', drawn.replace('fill="none"', "")) != []
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', drawn)) <= {"none", "currentColor"}


@each_way
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("last_four", [4600, 5200, 1500, 9001])
def test_it_is_an_image_with_a_title_and_the_text_of_its_alternative(
    owners: Owners, last_four: int, language: Language, way: str
) -> None:
    (picture,) = (block for block in blocks(owners.story(last_four, language), Topic.PICTURE))
    assert isinstance(picture, Picture)
    root = ET.fromstring(getattr(picture, way))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert title is not None
    assert description is not None
    assert title.text == picture.title
    assert description.text == " ".join(picture.alternative)
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_uncertain_steps_look_uncertain(owners: Owners) -> None:
    def lines(last_four: int) -> list[str]:
        (picture,) = (block for block in blocks(owners.story(last_four), Topic.PICTURE))
        assert isinstance(picture, Picture)
        return re.findall(r'class="chain-arrow chain-(\w+)"', picture.wide)

    assert lines(5200) == ["sure"] * 4
    assert lines(1500) == ["sure", "sure", "claimed"]
    assert lines(9001) == ["contradicted"]
