"""A path drawn as SVG: from left to right for a wide screen, downwards for a narrow one and for paper. Pure.

A drawing has no colours and no style sheet, which a strict content security policy would refuse. It takes the colour
of the text around it, and has classes by which a page can do more. No text lies on a line, and none leaves its box:
its width is estimated generously, because the reader's font is not known.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Final


class Certainty(StrEnum):
    """How certain an arrow is: drawn as a full, a dashed or a dotted line."""

    SURE = "sure"
    CLAIMED = "claimed"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Node:
    """An organisation, and what happened there, one note for each event."""

    id: uuid.UUID
    name: str
    notes: tuple[str, ...]
    is_client: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one organisation to another."""

    from_id: uuid.UUID
    to_id: uuid.UUID
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is drawn. Nodes are in the order in which the number reached them."""

    title: str
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class _Box:
    """A node with its place and its wrapped lines, in pixels."""

    node: Node
    x: float
    y: float
    width: float
    names: Sequence[str]
    notes: Sequence[Sequence[str]]

    @property
    def height(self) -> float:
        lines = len(self.names) * _NAME_LINE + sum(map(len, self.notes)) * _NOTE_LINE
        return 2 * _PADDING + lines + len(self.notes) * _NOTE_GAP

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


_PADDING: Final = 10.0
_NAME_SIZE, _NAME_LINE = 15.0, 20.0
# How much wider bold letters are than others.
_BOLD_FACTOR: Final = 1.15
_NOTE_SIZE, _NOTE_LINE, _NOTE_GAP = 13.0, 18.0, 4.0
_MARGIN: Final = 8.0
_DASHES: Final = {Certainty.SURE: "", Certainty.CLAIMED: "7 5", Certainty.CONTRADICTED: "1.5 5"}

_COLUMN, _GAP, _BETWEEN, _LANE = 204.0, 52.0, 22.0, 14.0
# Room for arrows that go around the outermost boxes.
_SIDE: Final = 18.0
NARROW: Final = 328.0
"""The width of a narrow drawing, in pixels: what a screen of 360 pixels leaves between its margins."""


def draw_wide(diagram: Diagram, alternative: Iterable[str]) -> str:
    """From left to right: a column for each number of steps from where the path begins."""
    ranks = rank(diagram)
    columns: dict[int, list[Node]] = {}
    for node in diagram.nodes:
        columns.setdefault(ranks[node.id], []).append(node)
    boxes: dict[uuid.UUID, _Box] = {}
    tallest = max(_stack(columns[place], place, 0.0, {}) for place in columns)
    for place, nodes in columns.items():
        height = _stack(nodes, place, 0.0, {})
        _stack(nodes, place, _MARGIN + (tallest - height) / 2, boxes)
    lines, bottom = [], tallest + 2 * _MARGIN
    for arrow in diagram.arrows:
        begin, end = boxes[arrow.from_id], boxes[arrow.to_id]
        if ranks[arrow.to_id] == ranks[arrow.from_id] + 1:
            lines.append(_line(arrow, _curve(begin, end)))
        else:
            lines.append(_line(arrow, _detour(begin, end, bottom)))
            bottom += _LANE
    width = (max(columns) + 1) * (_COLUMN + _GAP) - _GAP + 2 * _SIDE
    return _svg("wide", diagram, (width, bottom), [*lines, *_boxes(boxes)], alternative)


def rank(diagram: Diagram) -> Mapping[uuid.UUID, int]:
    """The column of each node: to the right of every node that an arrow leads from, except arrows that lead back."""
    ranks = {node.id: 0 for node in diagram.nodes}
    onward: dict[uuid.UUID, set[uuid.UUID]] = {}
    forward: list[Arrow] = []
    for arrow in diagram.arrows:
        if not _leads(onward, arrow.to_id, arrow.from_id):
            onward.setdefault(arrow.from_id, set()).add(arrow.to_id)
            forward.append(arrow)
    for _ in diagram.nodes:
        for arrow in forward:
            ranks[arrow.to_id] = max(ranks[arrow.to_id], ranks[arrow.from_id] + 1)
    return ranks


def _leads(onward: Mapping[uuid.UUID, set[uuid.UUID]], begin: uuid.UUID, end: uuid.UUID) -> bool:
    found, waiting = {begin}, [begin]
    while waiting:
        new = onward.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return end in found


def _stack(nodes: Sequence[Node], place: int, top: float, boxes: dict[uuid.UUID, _Box]) -> float:
    """Put nodes below each other into a column, and return the height of the column."""
    y = top
    for node in nodes:
        box = _box(node, _SIDE + place * (_COLUMN + _GAP), y, _COLUMN)
        boxes[node.id] = box
        y += box.height + _BETWEEN
    return y - _BETWEEN - top


def _box(node: Node, x: float, y: float, width: float) -> _Box:
    room = width - 2 * _PADDING
    names = wrap(node.name, room, _NAME_SIZE * _BOLD_FACTOR)
    return _Box(node, x, y, width, names, [wrap(note, room, _NOTE_SIZE) for note in node.notes])


def _curve(begin: _Box, end: _Box) -> str:
    x, to = begin.x + begin.width, end.x - 3
    bend = (to - x) / 2
    return f"M{x:g} {begin.middle:g}C{x + bend:g} {begin.middle:g} {to - bend:g} {end.middle:g} {to:g} {end.middle:g}"


def _detour(begin: _Box, end: _Box, lane: float) -> str:
    """Around the columns in between, or back, below all boxes."""
    out, back = begin.x + begin.width + _GAP / 4, end.x - _GAP / 4
    return f"M{begin.x + begin.width:g} {begin.middle:g}H{out:g}V{lane:g}H{back:g}V{end.middle:g}H{end.x - 3:g}"


def draw_narrow(diagram: Diagram, alternative: Iterable[str]) -> str:
    """Downwards: the boxes below each other, and the arrows in lanes to the left of them."""
    ranks = rank(diagram)
    ordered = sorted(diagram.nodes, key=lambda node: ranks[node.id])
    rows = {node.id: row for row, node in enumerate(ordered)}
    lanes = _lanes(diagram.arrows, rows)
    left = _MARGIN + _LANE * (1 + max(lanes.values(), default=-1)) + (12 if lanes else 0)
    boxes: dict[uuid.UUID, _Box] = {}
    y = _MARGIN
    for node in ordered:
        boxes[node.id] = _box(node, left, y, NARROW - left - _MARGIN)
        y += boxes[node.id].height + _BETWEEN
    lines = []
    for arrow, lane in lanes.items():
        begin, end = boxes[arrow.from_id], boxes[arrow.to_id]
        # Arrows leave a box below its middle and arrive above it, so that the two do not look like one line.
        out, into = begin.middle + begin.height / 6, end.middle - end.height / 6
        x = left - 12 - _LANE * lane
        lines.append(_line(arrow, f"M{left:g} {out:g}H{x:g}V{into:g}H{left - 3:g}"))
    height = y - _BETWEEN + _MARGIN
    return _svg("narrow", diagram, (NARROW, height), [*lines, *_boxes(boxes)], alternative)


# More lanes would leave no room for the boxes, so further arrows share the last.
_MOST_LANES: Final = 6


def _lanes(arrows: Sequence[Arrow], rows: Mapping[uuid.UUID, int]) -> dict[Arrow, int]:
    """A lane for each arrow, so that arrows which run side by side do not overlap. Short arrows are placed first."""
    spans = {arrow: sorted((rows[arrow.from_id], rows[arrow.to_id])) for arrow in arrows}
    lanes: dict[Arrow, int] = {}
    for arrow in sorted(arrows, key=lambda arrow: spans[arrow][1] - spans[arrow][0]):
        first, last = spans[arrow]
        taken = {lane for other, lane in lanes.items() if spans[other][0] < last and first < spans[other][1]}
        free = (lane for lane in range(_MOST_LANES) if lane not in taken)
        lanes[arrow] = next(free, _MOST_LANES - 1)
    return lanes


def _line(arrow: Arrow, path: str) -> str:
    dashes = _DASHES[arrow.certainty]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<path class="chain-arrow chain-{arrow.certainty}" d="{path}" fill="none" stroke="currentColor" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round"{dashed} marker-end="url(#KIND-head)"/>'
    )


def _boxes(boxes: Mapping[uuid.UUID, _Box]) -> Iterator[str]:
    for box in boxes.values():
        kind = "chain-client" if box.node.is_client else "chain-intermediary"
        frame = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="6"'
        border = 2.5 if box.node.is_client else 1.25
        yield (
            f'<rect class="chain-box {kind}" {frame} fill="none" stroke="currentColor" stroke-width="{border}"/>'
            f"{''.join(_texts(box))}"
        )


def _texts(box: _Box) -> Iterator[str]:
    x, y = box.x + _PADDING, box.y + _PADDING
    for line in box.names:
        yield _text("chain-name", x, y + _NAME_SIZE, f'{_NAME_SIZE:g}" font-weight="bold', line)
        y += _NAME_LINE
    for note in box.notes:
        y += _NOTE_GAP
        for line in note:
            yield _text("chain-note", x, y + _NOTE_SIZE, f"{_NOTE_SIZE:g}", line)
            y += _NOTE_LINE


def _text(kind: str, x: float, y: float, size: str, text: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" font-size="{size}" fill="currentColor">{_safe(text)}</text>'


def _svg(
    kind: str, diagram: Diagram, size: tuple[float, float], parts: Iterable[str], alternative: Iterable[str]
) -> str:
    width, height = size
    head = (
        f'<marker id="{kind}-head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor"/></marker>'
    )
    drawn = "".join(parts).replace("url(#KIND-head)", f"url(#{kind}-head)")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chain chain-{kind}" role="img" '
        f'aria-labelledby="{kind}-title {kind}-desc" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="sans-serif"><title id="{kind}-title">{_safe(diagram.title)}</title>'
        f'<desc id="{kind}-desc">{_safe(" ".join(alternative))}</desc><defs>{head}</defs>{drawn}</svg>'
    )


def _safe(text: str) -> str:
    """A text for XML: escaped, with spaces for the control characters that no XML document may contain."""
    return escape("".join(char if char.isprintable() or char in _NO_BREAK_SPACES else " " for char in text))


_NO_BREAK_SPACES: Final = "\u00a0\u202f"


def wrap(text: str, room: float, size: float) -> list[str]:
    """A text in lines that fit into `room` pixels, broken at spaces, and within a word only if that is too long."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if _width(longer, size) <= room:
            lines[-1] = longer
            continue
        *full, last = _pieces(word, room, size)
        lines += [*full, last]
    return [line for line in lines if line]


def _pieces(word: str, room: float, size: float) -> list[str]:
    pieces = [""]
    for char in word:
        if pieces[-1] and _width(pieces[-1] + char, size) > room:
            pieces.append("")
        pieces[-1] += char
    return pieces


_NARROW_CHARS: Final = frozenset("iljtfrI.,:;'’|!()[]1 \u00a0\u202f")
_WIDE_CHARS: Final = frozenset("mwMWŒœ@%&—…")
_IDEOGRAPHS: Final = "\u2e80"


def _width(text: str, size: float) -> float:
    """The estimated width of a text in a sans-serif font, in pixels: rather too wide than too narrow."""
    return size * sum(map(_char_width, text))


def _char_width(char: str) -> float:
    if char in _NARROW_CHARS:
        return 0.38
    if char in _WIDE_CHARS or char >= _IDEOGRAPHS:
        return 1.02
    return 0.74 if char.isupper() else 0.61
