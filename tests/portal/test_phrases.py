"""Both languages say the same things with the same values, and the long texts have the same parts."""

import re
from importlib.resources import files

from service.portal import phrasebook as portal
from service.web import phrasebook as web
from service.wording.language import Language
from service.wording.typography import typeset
from tests.phrases import phrases_of, values_in

PHRASES = {
    language: dict(phrases_of(portal.phrases_in(language))) | dict(phrases_of(web.phrases_in(language), "web"))
    for language in Language
}
LONG_TEXTS = ("how", "privacy", "record", "impact")


def test_phrases_take_the_same_values_in_both_languages() -> None:
    french, english = PHRASES[Language.FR], PHRASES[Language.EN]
    assert french.keys() == english.keys()
    differing = [path for path in french if values_in(french[path]) != values_in(english[path])]
    assert differing == []


def test_phrases_are_not_empty_and_not_those_of_the_other_language() -> None:
    french, english = PHRASES[Language.FR], PHRASES[Language.EN]
    empty = [path for phrases in PHRASES.values() for path, phrase in phrases.items() if not phrase.strip()]
    same = [path for path in french if french[path] == english[path]]
    assert (empty, same) == ([], ["web.frame.site"])


def test_phrases_are_typeset() -> None:
    wrong = [
        (language, path)
        for language, phrases in PHRASES.items()
        for path, phrase in phrases.items()
        if phrase != typeset(language, phrase)
    ]
    assert wrong == []


def test_long_texts_have_the_same_markup_in_both_languages() -> None:
    folder = files("service.portal").joinpath("templates")
    differing = []
    for name in LONG_TEXTS:
        french, english = (
            re.findall(r"</?\w+", folder.joinpath(f"{name}.{language}.html").read_text()) for language in Language
        )
        if french != english:
            differing.append(name)
    assert differing == []
