"""The texts that the demonstration prints."""

from service.demo import output, progress
from tests.phrases import phrases_of, values_in


def test_phrases_take_the_same_values_in_both_languages() -> None:
    for catalogue in (progress.PHRASES, output.PHRASES):
        french, english = (
            {name: values_in(phrase) for name, phrase in phrases_of(phrases)}
            for phrases in (catalogue.fr, catalogue.en)
        )
        assert french == english
