"""Drawings: for any path nothing overlaps, and no text is taken for markup."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.disclosure.blocks import Picture, Topic
from service.disclosure.svg import NARROW, Arrow, Certainty, Diagram, Node, draw_narrow, draw_wide, rank, wrap
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
    arrows = draw(st.lists(st.tuples(ends, ends, st.sampled_from(Certainty)), max_size=12, unique=True))
    return Diagram("Le chemin", tuple(nodes), tuple(Arrow(*arrow) for arrow in arrows if arrow[0] != arrow[1]))


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
    read = ([float(rect.get(name, "")) for name in ("x", "y", "width", "height")] for rect in root.iter(f"{SVG}rect"))
    return [Area(x, y, x + width, y + height) for x, y, width, height in read]


def lines_of_text(root: ET.Element) -> Iterator[tuple[Area, str]]:
    """The lines of text, from above their letters to below, as if they were one letter wide."""
    for text in root.iter(f"{SVG}text"):
        x, y, size = (float(text.get(name, "")) for name in ("x", "y", "font-size"))
        yield Area(x, y - 0.8 * size, x + 1, y + 0.25 * size), text.text or ""


@each_way
@given(diagram=diagrams())
def test_draw_lays_no_box_and_no_line_of_text_on_another(way: str, diagram: Diagram) -> None:
    root = ET.fromstring(DRAWN[way](diagram, ["Un.", "Deux."]))
    _, _, width, height = (float(value) for value in root.get("viewBox", "").split())
    page, found, lines = Area(0, 0, width, height), boxes(root), [area for area, _ in lines_of_text(root)]
    assert len(found) == len(diagram.nodes)
    for areas in (found, lines):
        assert not any(area.overlaps(other) for place, area in enumerate(areas) for other in areas[:place])
    assert all(page.holds(box) for box in found)
    assert all(any(box.holds(line) for box in found) for line in lines)


@each_way
@given(diagram=diagrams())
def test_draw_keeps_every_letter_of_names_and_notes(way: str, diagram: Diagram) -> None:
    drawn = "".join(text for _, text in lines_of_text(ET.fromstring(DRAWN[way](diagram, []))))
    written = "".join(text for node in diagram.nodes for text in (node.name, *node.notes))
    assert sorted(_letters(drawn)) == sorted(_letters(written))


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isprintable() and not char.isspace())


@given(diagram=diagrams())
def test_draw_narrow_fits_a_small_screen(diagram: Diagram) -> None:
    root = ET.fromstring(draw_narrow(diagram, []))
    assert float(root.get("width", "")) == NARROW
    assert all(box.right - box.left > NARROW / 2 for box in boxes(root))


@given(diagram=diagrams())
def test_rank_lets_arrows_lead_to_the_right_unless_they_lead_back(diagram: Diagram) -> None:
    ranks = rank(diagram)
    assert set(ranks) == {node.id for node in diagram.nodes}
    # In a circle of arrows one leads back.
    for arrow in diagram.arrows:
        both = any((other.from_id, other.to_id) == (arrow.to_id, arrow.from_id) for other in diagram.arrows)
        assert ranks[arrow.from_id] != ranks[arrow.to_id] or both or _in_a_circle(diagram, arrow)


def _in_a_circle(diagram: Diagram, arrow: Arrow) -> bool:
    found, waiting = {arrow.to_id}, [arrow.to_id]
    while waiting:
        place = waiting.pop()
        new = {other.to_id for other in diagram.arrows if other.from_id == place} - found
        found |= new
        waiting += new
    return arrow.from_id in found


@given(text=st.text(max_size=200), room=st.floats(40, 400))
def test_wrap_loses_no_letter(text: str, room: float) -> None:
    assert "".join(wrap(text, room, 13)).replace(" ", "") == text.replace(" ", "")


@each_way
def test_draw_obeys_a_strict_content_security_policy(way: str) -> None:
    node = Node(uuid.UUID(int=1), '"><script>alert(1)</script>', ("a & b",), is_client=True)
    drawn = DRAWN[way](Diagram("T", (node,), ()), ["<b>"])
    assert "<script" not in drawn
    assert not re.search(r"<style| style=| on\w+=|href", drawn)
    assert re.findall(r'(?:fill|stroke)="([^"]*)"', drawn.replace('fill="none"', "")) != []
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', drawn)) <= {"none", "currentColor"}


def test_picture_is_an_image_with_a_title_and_its_alternative(owners: Owners) -> None:
    for last_four in (4600, 5200, 1500, 9001):
        for language in Language:
            (picture,) = blocks(owners.report(last_four, language), Topic.PATH)
            assert isinstance(picture, Picture)
            for drawing in (picture.wide, picture.narrow):
                root = ET.fromstring(drawing)
                title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
                assert title is not None
                assert description is not None
                shown = root.get("role"), title.text, description.text, root.get("aria-labelledby")
                labels = f"{title.get('id')} {description.get('id')}"
                assert shown == ("img", picture.title, " ".join(picture.alternative), labels)


def test_picture_draws_arrows_by_their_certainty(owners: Owners) -> None:
    def lines(last_four: int) -> list[str]:
        (picture,) = (block for block in blocks(owners.report(last_four), Topic.PATH))
        assert isinstance(picture, Picture)
        return re.findall(r'class="chain-arrow chain-(\w+)"', picture.wide)

    assert lines(5200) == ["sure"] * 4
    assert lines(1500) == ["sure", "sure", "claimed"]
    assert lines(9001) == ["contradicted"]
