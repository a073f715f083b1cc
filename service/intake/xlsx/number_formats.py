"""The codes of number formats of spreadsheets (ECMA-376-1, 18.8.31), as far as they show the digits of a cell.

A format may show more digits than the number has: zeros in front of it (`00 00 00 00 00`), or text such as a country
code (`"+33 "0`). A telephone number has these digits too. Of a cell with text, a format may show more as well
(`"+33 "@`).
"""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

_CONDITION: Final = r"\[(?P<compare><=|>=|<>|<|>|=)(?P<limit>-?[0-9]+(?:\.[0-9]+)?)\]"
_TOKEN: Final = re.compile(
    rf"(?P<condition>{_CONDITION})"
    # Text in quotes, a sign behind a backslash, and a currency with its language: of these only text is shown.
    r'|"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]'
    # A colour or a language, space of the width of a sign, and a sign that fills the cell.
    r"|(?P<nothing>\[[^\]]*\]|\*.)|(?P<space>_.)"
    r"|(?P<general>general)|(?P<place>[0#?])|(?P<point>\.)|(?P<end>;)"
    # What shows another number than the one that is stored: a percentage, an exponent, thousands, a fraction. A text.
    r"|(?P<other>%|e[+-]|,|/)|(?P<text>@)|(?P<bare>.)",
    re.IGNORECASE | re.DOTALL,
)
_LITERALS: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "<>": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
_MOST_PLACES: Final = 20
_SHOWN: Final = frozenset(["quoted", "escaped", "currency", "bare"])
# The section for text, if a format has as many.
_FOURTH: Final = 3

_Tokens = list[tuple[str, re.Match[str]]]


def without_literals(code: str) -> str:
    """A format code without the text that it shows, and without what is in brackets."""
    return _LITERALS.sub("", code)


@dataclass(frozen=True)
class Section:
    """What a format shows of some numbers.

    `pieces` are the texts between the places for digits. So there is one more of them than places. The first `optional`
    places show no digit if the number is too short for them. `condition` says which numbers the section is for.
    """

    pieces: tuple[str, ...]
    optional: int
    shows_another: bool
    condition: Callable[[int], bool] | None

    @cached_property
    def adds_digits(self) -> bool:
        """Whether its own text has a digit, or the plus before a country code."""
        return _have_digits(self.pieces)

    def write(self, digits: str) -> str:
        """The digits of a whole number with the zeros before it; all that is shown if there are more digits in it.

        Where another number is shown, and digits beside it, nobody knows what the cell means. Its text is then no
        telephone number.
        """
        places = len(self.pieces) - 1
        digits = digits.zfill(min(places - self.optional, _MOST_PLACES))
        if not self.adds_digits:
            return digits
        if self.shows_another or not places:
            return f"{digits} ({''.join(self.pieces)}%)"
        # The first place takes all digits for which there are no others. Unused places are the first ones.
        surplus = max(len(digits) - places, 0) + 1
        filled = [digits[:surplus], *digits[surplus:]]
        unused = places - len(filled)
        before = "".join(self.pieces[: unused + 1])
        return before + "".join(map("".join, zip(filled, self.pieces[unused + 1 :], strict=True)))


@dataclass(frozen=True)
class Sections:
    """The sections of a format."""

    sections: tuple[Section, ...]

    def of(self, number: int) -> Section:
        """The section that shows a whole number that is not negative."""
        first, *others = self.sections
        if not others:
            return first
        conditions = [section.condition for section in self.sections[:2]]
        if not any(conditions):
            # The third section is for zero, and the second for negative numbers.
            return self.sections[2] if number == 0 and len(self.sections) > 2 else first
        for section in self.sections[:2]:
            if section.condition is not None and section.condition(number):
                return section
        last = 2 if all(conditions) and len(conditions) > 1 else 1
        return self.sections[min(last, len(others))]


@dataclass(frozen=True)
class TextFormat:
    """What a format shows of a text: `pieces` before, between and behind the places where it is shown."""

    pieces: tuple[str, ...]

    def write(self, text: str) -> str:
        """All that is shown of a text that has a digit. Others, such as the name of a column, are no number and stay.

        A format that shows digits in place of the text leaves unknown what the cell means.
        """
        if not any(map(str.isdigit, text)):
            return text
        return text.join(self.pieces) if len(self.pieces) > 1 else f"{text} ({self.pieces[0]}%)"


@lru_cache(maxsize=1024)
def read_sections(code: str) -> Sections:
    """The sections of a format code. That of a number without a format is empty."""
    return Sections(tuple(map(_section, _parts(code))))


@lru_cache(maxsize=1024)
def read_text_format(code: str) -> TextFormat | None:
    """What a format code adds to the digits of a text; None if that is nothing.

    A format shows text by its fourth section, or else by the last one that has a place for it.
    """
    parts = _parts(code)
    with_text = [part for part in parts if any(kind == "text" for kind, _ in part)]
    tokens = parts[_FOURTH] if len(parts) > _FOURTH else with_text[-1] if with_text else []
    pieces = [""]
    for kind, match in tokens:
        if kind == "text":
            pieces.append("")
        elif kind in (*_SHOWN, "place"):
            pieces[-1] += match[kind]
        elif kind == "space":
            pieces[-1] += " "
    return TextFormat(tuple(pieces)) if len(pieces) > 2 or _have_digits(pieces) else None


def _have_digits(pieces: Iterable[str]) -> bool:
    return any(sign.isdigit() or sign == "+" for piece in pieces for sign in piece)


def _parts(code: str) -> list[_Tokens]:
    """The tokens of each section."""
    tokens = [(match.lastgroup or "", match) for match in _TOKEN.finditer(code)]
    ends = [at for at, (kind, _) in enumerate(tokens) if kind == "end"]
    starts = [0, *(end + 1 for end in ends)]
    return [tokens[start:end] for start, end in zip(starts, [*ends, len(tokens)], strict=True)]


def _section(tokens: _Tokens) -> Section:
    pieces, kept, condition = [""], "", None
    shows_another = after_point = False
    for kind, match in tokens:
        if kind in _SHOWN:
            pieces[-1] += match[kind]
        elif kind == "space":
            pieces[-1] += " "
        elif kind == "point":
            after_point = True
        elif kind == "condition":
            condition = _condition(match)
        elif kind in ("other", "text"):
            shows_another = True
        elif kind in ("place", "general") and not after_point:
            kept += "#" if kind == "general" else match["place"]
            pieces.append("")
    optional = kept.find("0") if "0" in kept else len(kept)
    return Section(tuple(pieces), optional, shows_another, condition)


def _condition(match: re.Match[str]) -> Callable[[int], bool]:
    compare, limit = _COMPARISONS[match["compare"]], float(match["limit"])
    return lambda number: compare(number, limit)
