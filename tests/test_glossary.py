"""Packages, tables and API fields are named with the glossary's terms."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from service.models import metadata

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def glossary_words() -> set[str]:
    """Every word of a term (the first column of the tables), in lower case."""
    rows = [_cells(line) for line in GLOSSARY.read_text().splitlines() if line.startswith("|")]
    terms = [row[0] for row in rows if row[0] not in ("term", "word") and not row[0].startswith("---")]
    return {word for term in terms for word in re.findall(r"[a-z0-9]+", term.casefold())}


def _stems(word: str) -> Iterator[str]:
    """The word, and what it may be a plural or a form of."""
    yield word
    if word.endswith("ies"):
        yield word[:-3] + "y"
    if word.endswith("es"):
        yield word[:-2]
    if word.endswith("s"):
        yield word[:-1]
    if word.endswith("ed"):
        yield from (word[:-1], word[:-2])


def unknown_words(names: Iterable[str]) -> dict[str, set[str]]:
    """By name, the words in it that the glossary lacks."""
    known = glossary_words()
    found = {}
    for name in names:
        words = {word for word in re.split(r"[_\W]+", name.casefold()) if word}
        missing = {word for word in words if not known.intersection(_stems(word))}
        if missing:
            found[name] = missing
    return found


def _api_fields(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for child in node.values():
            yield from _api_fields(child)
    elif isinstance(node, list):
        for child in node:
            yield from _api_fields(child)


def test_glossary_lists_the_words_of_every_package() -> None:
    packages = [path.parent.name for path in (ROOT / "service").rglob("__init__.py")]
    assert len(packages) > 20
    assert unknown_words(packages) == {}


def test_glossary_lists_the_words_of_every_table() -> None:
    tables = list(metadata.tables)
    assert len(tables) > 30
    assert unknown_words(tables) == {}


def test_glossary_lists_the_words_of_every_api_field() -> None:
    fields = set(_api_fields(json.loads((ROOT / "openapi" / "openapi.json").read_text())))
    assert len(fields) > 200
    assert unknown_words(fields) == {}


def test_glossary_lists_each_term_once() -> None:
    rows = [_cells(line)[0] for line in GLOSSARY.read_text().splitlines() if line.startswith("|")]
    named = [row for row in rows if row not in ("term", "word") and not row.startswith("---")]
    terms = [term for row in named for term in row.split(", ")]
    assert sorted(term for term in set(terms) if terms.count(term) > 1) == []


def test_unknown_words_of_an_invented_name_are_found() -> None:
    assert unknown_words(["frobnicated_dataset_id"]) == {"frobnicated_dataset_id": {"frobnicated"}}
