"""Both languages tell every step, with the same values."""

import string

import pytest

from service.demo import output, progress
from service.wording.language import Language


@pytest.mark.parametrize("phrases", [progress.PHRASES, output.PHRASES])
def test_both_languages_have_the_same_phrases_with_the_same_values(phrases: dict[Language, dict[str, str]]) -> None:
    fields = {
        language: {name: {field for _, field, _, _ in string.Formatter().parse(text)} for name, text in output.items()}
        for language, output in phrases.items()
    }
    assert fields[Language.EN] == fields[Language.FR]


def test_thousands_stand_apart() -> None:
    assert progress.format_count(Language.EN, 8500) == "8,500"
    assert progress.format_count(Language.FR, 8500) == "8\u202f500"
