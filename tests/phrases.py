"""Walk through a catalogue of phrases: dataclasses, tuples and mappings with texts in them."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def phrases_of(catalogue: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each phrase with its path, as `objections.none` or `pages.404.0`."""
    if isinstance(catalogue, str):
        yield path.removeprefix("."), catalogue
    elif isinstance(catalogue, Mapping):
        for key, value in catalogue.items():
            yield from phrases_of(value, f"{path}.{key}")
    elif isinstance(catalogue, tuple):
        for place, value in enumerate(catalogue):
            yield from phrases_of(value, f"{path}.{place}")
    elif is_dataclass(catalogue):
        for field in fields(catalogue):
            yield from phrases_of(getattr(catalogue, field.name), f"{path}.{field.name}")
    else:
        raise TypeError(f"{path} is a {type(catalogue).__name__}, not a phrase")


def values_in(phrase: str) -> set[str]:
    """The names of the values that a phrase takes."""
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name}
