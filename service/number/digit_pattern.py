"""Regular expressions over digits, as the metadata of numbering plans has them: which leading digits decide them.

Most of a plan's expressions look at a few leading digits and let all others be any digit. A number's leading digits
then stand for all numbers that share them. `rest_after` tells what of an expression is left after some digits
(Brzozowski, Derivatives of Regular Expressions, JACM 11(4), 1964), and `is_decided` whether that looks at any digit.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

_ANY = 0x3FF
_TOKEN = re.compile(r"\\d|\[[\d-]+\]|\d|\(\?:|\(|\)|\||\?|\{\d+(?:,\d+)?\}|\$")


class Item(NamedTuple):
    """A repeated part of a sequence: one of the digits whose bits are set in `digits`, or else one of `choices`."""

    digits: int
    choices: tuple["Sequence", ...]
    fewest: int
    most: int


Sequence = tuple[Item, ...]
Rest = frozenset[Sequence]
"""What may follow: one of some sequences. Nothing may follow if there is no sequence."""


@cache
def parse_pattern(pattern: str) -> Rest:
    """The expression as one of some sequences. Raises ValueError for syntax that the metadata does not use."""
    tokens = _TOKEN.findall(pattern)
    if "".join(tokens) != pattern:
        raise ValueError("This is not an expression over digits.")
    stream = iter([*tokens, ")"])
    return frozenset(_choices(stream))


def _choices(tokens: Iterator[str]) -> tuple[Sequence, ...]:
    """The alternatives up to the closing bracket."""
    choices: list[list[Item]] = [[]]
    for sign in tokens:
        if sign == ")":
            break
        if sign == "|":
            choices.append([])
        elif sign[0] == "(":
            choices[-1].append(Item(0, _choices(tokens), 1, 1))
        elif sign[0] in "?{":
            bounds = [0, 1] if sign == "?" else [int(bound) for bound in sign[1:-1].split(",")]
            choices[-1].append(choices[-1].pop()._replace(fewest=bounds[0], most=bounds[-1]))
        elif sign != "$":
            choices[-1].append(Item(_digits(sign), (), 1, 1))
    return tuple(map(tuple, choices))


def _digits(sign: str) -> int:
    if sign == r"\d":
        return _ANY
    ranges = re.findall(r"(\d)(?:-(\d))?", sign)
    return sum(1 << digit for first, last in ranges for digit in range(int(first), int(last or first) + 1))


def rest_after(rest: Rest, digits: str) -> Rest:
    """What is left of an expression after these digits."""
    for digit in digits:
        rest = _step(rest, int(digit))
    return rest


@cache
def _step(rest: Rest, digit: int) -> Rest:
    return frozenset(left for sequence in rest for left in _after(sequence, digit))


def _after(sequence: Sequence, digit: int) -> Iterator[Sequence]:
    if not sequence:
        return
    item, following = sequence[0], sequence[1:]
    if not item.fewest:
        yield from _after(following, digit)
    if item.most > 1:
        following = (item._replace(fewest=max(item.fewest - 1, 0), most=item.most - 1), *following)
    if item.digits >> digit & 1:
        yield following
    for choice in item.choices:
        yield from _after(choice + following, digit)


@cache
def is_decided(rest: Rest) -> bool:
    """Whether only the count of the digits that follow matters, not which they are."""
    return all(map(_is_any, rest))


def _is_any(sequence: Sequence) -> bool:
    return all(item.digits == _ANY or (item.choices and all(map(_is_any, item.choices))) for item in sequence)


def may_end(rest: Rest) -> bool:
    """Whether nothing needs to follow, so that the digits so far match the whole expression."""
    return any(all(not item.fewest or _may_be_empty(item) for item in sequence) for sequence in rest)


def _may_be_empty(item: Item) -> bool:
    return bool(item.choices) and may_end(frozenset(item.choices))
