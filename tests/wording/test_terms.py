"""Every closed list has a term for each value, in each language."""

import inspect
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, get_type_hints

from service.core.vocabulary import RelayState, TransferStatus
from service.wording.language import Language
from service.wording.terms import Terms
from service.wording.typography import typeset

# Past participles, and what does not change with the gender of the noun.
_FEMININE = ("e", "en attente", "en attente de vérification", "à envoyer par vous", "retirée par vous")


def _lists() -> Iterator[tuple[str, Callable[..., str], type[StrEnum]]]:
    for name, method in inspect.getmembers(Terms, inspect.isfunction):
        if not name.startswith("_"):
            (values,) = (kind for of, kind in get_type_hints(method).items() if of != "return")
            yield name, method, values


def _terms(language: Language) -> Iterator[tuple[str, StrEnum, str]]:
    for name, method, values in _lists():
        for value in values:
            yield name, value, method(Terms(language), value)


def test_terms_cover_every_list_of_the_catalogue() -> None:
    assert len(list(_lists())) >= 11


def test_terms_of_a_list_are_distinct_set_and_not_capitalised() -> None:
    wrong: list[Any] = []
    for language in Language:
        seen: dict[tuple[str, str], StrEnum] = {}
        for name, value, term in _terms(language):
            if seen.setdefault((name, term), value) is not value:
                wrong.append((language, value, "has the same term as another value"))
            if not term or term != typeset(language, term) or term != term[:1].lower() + term[1:] or term[-1] in ".;:":
                wrong.append((language, value, term))
    assert wrong == []


def test_french_states_agree_with_a_feminine_noun() -> None:
    terms = Terms(Language.FR)
    states = [*map(terms.relay_state, RelayState), *map(terms.transfer_status, TransferStatus)]
    assert [state for state in states if not state.endswith(_FEMININE)] == []
