"""The codes of number formats of spreadsheets (ECMA-376-1, 18.8.31), as far as they show the digits of a whole number.

A format may show more digits than the number has: zeros in front of it (`00 00 00 00 00`), or text such as a country
code (`"+33 "0`). A telephone number has these digits too.
"""

import operator
import re
from collections.abc import Callable
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
    # What shows another number than the one that is stored: a percentage, an exponent, thousands, a fraction, a text.
    r"|(?P<other>%|e[+-]|,|/|@)|(?P<bare>.)",
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
        return any(sign.isdigit() or sign == "+" for piece in self.pieces for sign in piece)

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


@lru_cache(maxsize=1024)
def read_sections(code: str) -> Sections:
    """The sections of a format code. That of a number without a format is empty."""
    tokens = [(match.lastgroup or "", match) for match in _TOKEN.finditer(code)]
    ends = [at for at, (kind, _) in enumerate(tokens) if kind == "end"]
    starts = [0, *(end + 1 for end in ends)]
    parts = [tokens[start:end] for start, end in zip(starts, [*ends, len(tokens)], strict=True)]
    return Sections(tuple(map(_section, parts)))


def _section(tokens: list[tuple[str, re.Match[str]]]) -> Section:
    pieces, kept, condition = [""], "", None
    shows_another = after_point = False
    for kind, match in tokens:
        if kind in ("quoted", "escaped", "currency", "bare"):
            pieces[-1] += match[kind]
        elif kind == "space":
            pieces[-1] += " "
        elif kind == "point":
            after_point = True
        elif kind == "condition":
            condition = _condition(match)
        elif kind == "other":
            shows_another = True
        elif kind in ("place", "general") and not after_point:
            kept += "#" if kind == "general" else match["place"]
            pieces.append("")
    optional = kept.find("0") if "0" in kept else len(kept)
    return Section(tuple(pieces), optional, shows_another, condition)


def _condition(match: re.Match[str]) -> Callable[[int], bool]:
    compare, limit = _COMPARISONS[match["compare"]], float(match["limit"])
    return lambda number: compare(number, limit)
