"""Both languages say everything, with the same values, and every sentence is given the values that it takes."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import service.disclosure
from service.disclosure import english, french
from service.disclosure.phrasebook import Phrasebook
from service.wording.language import Language
from tests.phrases import phrases_of, values_in

FR, EN = Language.FR, Language.EN
TYPED = {FR: dict(phrases_of(french.PHRASES)), EN: dict(phrases_of(english.PHRASES))}

# What one language has to say twice, the other may say once.
_SAID_DIFFERENTLY = {"recipients.transfer.not_received"}
_SENTENCES = re.compile(
    r"gaps\.(?!section_title|comment)|recipients\.(transfer|status|counted|erased|senders)|messages\.(sent|none)"
    r"|objections\.(late|sent_|applies_to_|made_here|stop_reply|received_by|none)|steps\.contact_"
    r"|holder_letter\.(objection|erasure|forward|inform|one_month|enough|recorded)"
)


def test_phrases_take_the_same_values_in_both_languages() -> None:
    differing = {
        path
        for path in TYPED[FR]
        if values_in(TYPED[FR][path]) != values_in(TYPED[EN][path]) and path not in _SAID_DIFFERENTLY
    }
    assert differing == set()


def test_sentences_begin_with_a_capital_and_end_with_a_stop() -> None:
    wrong = [
        (language, path, phrase)
        for language, phrases in TYPED.items()
        for path, phrase in phrases.items()
        if _SENTENCES.match(path) and not re.fullmatch(r"[A-ZÀÉ{].*\.", phrase, re.DOTALL)
    ]
    assert wrong == []


def test_phrases_are_typed_with_plain_spaces_and_apostrophes() -> None:
    wrong = [
        (language, path)
        for language, phrases in TYPED.items()
        for path, phrase in phrases.items()
        if re.search("[’\u00a0\u202f]|  ", phrase)
    ]
    unspaced = [path for path, phrase in TYPED[FR].items() if re.search(r"\w[;?!»]|\w:(?!//)|«\w", phrase)]
    assert (wrong, unspaced) == ([], [])


def test_phrasebook_sets_phrases_and_leaves_values_as_they_are() -> None:
    sent = Phrasebook(FR).phrases.messages.sent.one
    sentence = sent.format(party="L'Un : {jour} ; <b>", days="hier")
    assert sentence == "L'Un : {jour} ; <b> a envoyé un SMS à votre numéro hier."
    assert Phrasebook(FR).phrases.recipients.label_status == "Est-ce établi\u202f?"


def test_from_sender_elides_in_french_before_a_vowel() -> None:
    written = {name: Phrasebook(FR).from_sender(name) for name in ("Enseigne", "Écho SA", "Contact", "")}
    assert written == {"Enseigne": "d’Enseigne", "Écho SA": "d’Écho SA", "Contact": "de Contact", "": "de "}
    assert Phrasebook(EN).from_sender("Enseigne") == "from Enseigne"


def test_quoted_at_end_adds_a_stop_unless_the_text_has_one() -> None:
    book = Phrasebook(EN)
    assert book.quoted_at_end("Yes!") == "“Yes!”"
    assert book.quoted_at_end("Yes") == "“Yes”."


def test_every_phrase_is_given_exactly_the_values_that_it_takes() -> None:
    wrong: list[str] = []
    checked: set[str] = set()
    for module, function in _functions():
        names = _names(function)
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "format":
                given = {keyword.arg for keyword in call.keywords}
                place = f"{module}:{call.lineno}"
                paths = list(_paths(call.func.value, names))
                checked.update(paths)
                alternatives = [_at(english.PHRASES, path) for path in paths]
                if not alternatives:
                    wrong.append(f"{place}: no phrase of the catalogue")
                wrong += [
                    f"{place}: {path} takes {sorted(takes)} and is given {sorted(map(str, given))}"
                    for path, phrase in zip(paths, alternatives, strict=True)
                    if (takes := _taken(phrase)) != given
                ]
    assert wrong == []
    assert len(checked) > 60


def test_every_phrase_is_used() -> None:
    used = {
        node.attr
        for module in _modules()
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert [path for path in TYPED[EN] if not set(path.split(".")) <= used] == []


def _modules() -> list[Path]:
    """The modules that fill in phrases."""
    (folder,) = service.disclosure.__path__
    catalogues = {"english.py", "french.py", "english_letters.py", "french_letters.py", "phrases.py"}
    return [path for path in sorted(Path(folder).glob("*.py")) if path.name not in catalogues]


def _functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield path.name, node


def _names(function: ast.FunctionDef) -> Mapping[str, list[ast.expr]]:
    """What each local name of a function may stand for."""
    names: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=True))
            for name, found in pairs:
                if isinstance(name, ast.Name):
                    names.setdefault(name.id, []).append(found)
    return names


def _paths(expression: ast.expr, names: Mapping[str, list[ast.expr]]) -> Iterator[str]:
    """The paths in the catalogue that an expression may stand for: "" is the catalogue itself."""
    match expression:
        case ast.Attribute(attr="phrases"):
            yield ""
        case ast.Attribute(value=value, attr=attr):
            yield from (f"{path}.{attr}".removeprefix(".") for path in _paths(value, names))
        case ast.IfExp(body=body, orelse=orelse):
            yield from _paths(body, names)
            yield from _paths(orelse, names)
        case ast.Call(func=ast.Attribute(value=value, attr="of")):
            yield from _paths(value, names)
        case ast.Name(id=name):
            for value in names.get(name, []):
                yield from _paths(value, names)


def _at(catalogue: Any, path: str) -> Any:
    for name in path.split("."):
        catalogue = getattr(catalogue, name)
    return catalogue


def _taken(phrase: Any) -> set[str]:
    """The values that a phrase takes; of a phrase in several forms all that any of them takes."""
    assert isinstance(phrase, str) or is_dataclass(phrase)
    return {value for _, form in phrases_of(phrase) for value in values_in(form)}
