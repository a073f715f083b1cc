"""Plots as SVG documents: the x axis in powers of ten, the y axis from zero."""

import math
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from benchmarks.result import Plot

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 45, 50, 90
_COLOURS = ("#1f5fa8", "#c2410c", "#15803d", "#7e22ce")
_STEPS = 5
_Point = tuple[float, float]


def draw_plot(plot: Plot) -> str:
    """The SVG document of `plot`; equal points give an equal document."""
    picture = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {_HEIGHT}",
            "font-family": "sans-serif",
            "font-size": "13",
        },
    )
    SubElement(picture, "rect", {"width": "100%", "height": "100%", "fill": "white"})
    _text(picture, (_WIDTH / 2, 28), plot.title, size=17)
    frame = _Frame(plot)
    frame.draw_axes(picture, plot)
    for index, (name, points) in enumerate(plot.lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        _draw_line(picture, [frame.position(point) for point in points], colour)
        _draw_name(picture, index, name, colour)
    indent(picture)
    return tostring(picture, "unicode") + "\n"


class _Frame:
    """Where the points of a plot lie in the picture."""

    def __init__(self, plot: Plot) -> None:
        points = [point for line in plot.lines.values() for point in line]
        self._first = math.floor(math.log10(min(x for x, _ in points)))
        self._last = max(math.ceil(math.log10(max(x for x, _ in points))), self._first + 1)
        self._step = _round_step(max(y for _, y in points) / _STEPS)

    def position(self, point: _Point) -> _Point:
        """The position of a point, in units of the picture."""
        x, y = point
        across = (math.log10(x) - self._first) / (self._last - self._first)
        up = y / (self._step * _STEPS)
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    def draw_axes(self, picture: Element, plot: Plot) -> None:
        """Draw both axes, with their titles and the values at their marks."""
        for power in range(self._first, self._last + 1):
            across, down = self.position((10.0**power, 0))
            _rule(picture, (across, _TOP), (across, down))
            _text(picture, (across, down + 20), f"{10**power:,}")
        for step in range(_STEPS + 1):
            value = step * self._step
            left, height = self.position((10.0**self._first, value))
            _rule(picture, (left, height), (_WIDTH - _RIGHT, height))
            _text(picture, (left - 8, height + 4), f"{value:,.10g}", anchor="end")
        _text(picture, ((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - _BOTTOM + 42), plot.x_title)
        title = _text(picture, (0, 0), plot.y_title)
        title.set("transform", f"translate(18 {(_TOP + _HEIGHT - _BOTTOM) / 2:.0f}) rotate(-90)")


def _round_step(least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least)


def _draw_line(picture: Element, positions: list[_Point], colour: str) -> None:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in positions)
    SubElement(picture, "polyline", {"points": path, "fill": "none", "stroke": colour, "stroke-width": "2"})
    for x, y in positions:
        SubElement(picture, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "4", "fill": colour})


def _draw_name(picture: Element, index: int, name: str, colour: str) -> None:
    x, y = _LEFT + index * 160, _HEIGHT - 18
    SubElement(picture, "circle", {"cx": str(x), "cy": str(y - 4), "r": "5", "fill": colour})
    _text(picture, (x + 12, y), name, anchor="start")


def _rule(picture: Element, start: _Point, end: _Point) -> None:
    ends: Iterator[tuple[str, float]] = zip(("x1", "y1", "x2", "y2"), (*start, *end), strict=True)
    SubElement(picture, "line", {name: f"{value:.1f}" for name, value in ends} | {"stroke": "#ddd"})


def _text(
    picture: Element, position: _Point, content: str, *, anchor: str = "middle", size: int | None = None
) -> Element:
    """Add a text, and return its element."""
    attributes = {"x": f"{position[0]:.1f}", "y": f"{position[1]:.1f}", "text-anchor": anchor}
    element = SubElement(picture, "text", attributes | ({"font-size": str(size)} if size else {}))
    element.text = content
    return element
