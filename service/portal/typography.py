"""French spacing: blanks that must not break, put in once so that nobody has to type what cannot be seen. Pure."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeVar

from jinja2 import Environment
from jinja2.ext import Extension

_RULES: Final = (
    (re.compile(r" (?=[;!?])"), "\u202f"),
    (re.compile(r" (?=[:»])|(?<=«) "), "\u00a0"),
    (re.compile(r"(?<=\d) (?=\d)"), "\u00a0"),
    (re.compile(r"(?<=\d) (?=(?:ans?|mois|jours?|minutes?|heures?|octets)\b)"), "\u00a0"),
)
_JINJA: Final = re.compile(r"({[{%#].*?[}%#]})", re.DOTALL)

Phrases = TypeVar("Phrases")


def space_french(text: str) -> str:
    """`text` with the blanks that French does not let a line break at."""
    for pattern, blank in _RULES:
        text = pattern.sub(blank, text)
    return text


def space_all(value: Phrases) -> Phrases:
    """A catalogue of French phrases, each with its spacing."""
    spaced: Any = value
    if isinstance(value, str):
        spaced = space_french(value)
    elif isinstance(value, tuple):
        spaced = tuple(space_all(one) for one in value)
    elif isinstance(value, Mapping):
        spaced = {key: space_all(one) for key, one in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        spaced = type(value)(**{field.name: space_all(getattr(value, field.name)) for field in fields(value)})
    return spaced  # type: ignore[no-any-return]


class FrenchSpacing(Extension):
    """Spaces the text, not the code, of templates whose name says that they are French."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template's source, as it is compiled."""
        if name is None or not name.endswith(".fr.html"):
            return source
        pieces = _JINJA.split(source)
        return "".join(piece if at % 2 else space_french(piece) for at, piece in enumerate(pieces))
