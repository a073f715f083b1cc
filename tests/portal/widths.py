"""Whether a page fits its screen, also in letters that are larger, narrower or wider than those of this machine."""

from collections.abc import Iterator
from itertools import count, product
from typing import Final, NamedTuple

from playwright.sync_api import Page, ViewportSize

from tests.examples import in_turn

# The first three are families that every browser has. The others differ in width where the machine has them.
_FAMILIES: Final = (
    "serif",
    "sans-serif",
    "monospace",
    "'DejaVu Sans Condensed', sans-serif",
    "'DejaVu Sans', sans-serif",
)
# Added behind each letter, in its own size: so a font becomes narrower or wider than any that is installed.
# WCAG 2.2 (1.4.12) asks for 0.12.
_SPACINGS: Final = (-0.05, 0, 0.06, 0.12, 0.2)

_WIDEST: Final = ("monospace", 0.2)
_LETTERS: Final = [letters for letters in product(_FAMILIES, _SPACINGS) if letters != _WIDEST]
_turns: Final = count()

_MEASURE: Final = """letters => {
  const root = document.documentElement;
  const set = ([size, family, spacing]) => {
    sheet.replaceSync(`:root { font-size: ${size} !important }
      * { font-family: ${family} !important; letter-spacing: ${spacing}em !important }`);
  };
  const scrolls = element => {
    for (let above = element.parentElement; above !== document.body; above = above.parentElement) {
      if (getComputedStyle(above).overflowX !== "visible") return true;
    }
    return false;
  };
  const reaches = element => {
    const {left, width} = element.getBoundingClientRect();
    return left + Math.max(width, element.scrollWidth) > root.clientWidth + 1 && !scrolls(element);
  };
  const beyond = () => {
    const wide = [...document.body.querySelectorAll("*")].filter(reaches);
    const innermost = wide.filter(outer => !wide.some(inner => inner !== outer && outer.contains(inner)));
    return innermost.map(element => element.outerHTML.slice(0, 80));
  };
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [sheet];
  const found = letters.map(each => {
    set(each);
    return [root.scrollWidth, root.scrollWidth > root.clientWidth ? beyond() : []];
  });
  document.adoptedStyleSheets = [];
  return found;
}"""


class Reading(NamedTuple):
    """A width of the screen, and the size of letters that its reader has chosen."""

    width: int
    size: str


def too_wide(page: Page, readings: list[Reading]) -> list[str]:
    """Where a page runs off its screen: in which letters, how wide it is, and what in it reaches beyond the edge.

    A short run reads each page in the widest letters, and in one of the others, each in its turn.
    """
    screen = page.viewport_size
    assert screen is not None
    found = [line for reading in readings for line in _too_wide_for(page, reading, screen)]
    page.set_viewport_size(screen)
    return found


def _too_wide_for(page: Page, reading: Reading, screen: ViewportSize) -> Iterator[str]:
    page.set_viewport_size({"width": reading.width, "height": screen["height"]})
    letters = [(reading.size, *each) for each in (_WIDEST, *in_turn(_LETTERS, next(_turns)))]
    measured: list[tuple[int, list[str]]] = page.evaluate(_MEASURE, letters)
    for (size, family, spacing), (width, beyond) in zip(letters, measured, strict=True):
        if width > reading.width:
            yield f"{width} of {reading.width} pixels in {family}, {size}, {spacing:+} em: {beyond}"
