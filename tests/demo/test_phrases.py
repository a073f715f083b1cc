"""The texts that the demonstration prints."""

from service.demo import output, progress
from service.wording.language import Language
from tests.phrases import phrases_of, values_in


def test_phrases_take_the_same_values_in_both_languages() -> None:
    for catalogues in (progress.PHRASES, output.PHRASES):
        values = {
            language: {name: values_in(phrase) for name, phrase in phrases_of(catalogue)}
            for language, catalogue in catalogues.items()
        }
        assert values[Language.EN] == values[Language.FR]
