"""The phrases of an answer on the terminal, in both languages."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from service.command.answer_words import PHRASES, format_period, terminal_language
from service.wording.language import PARIS, Language
from tests.phrases import phrases_of, values_in


def test_phrases_take_the_same_values_in_both_languages() -> None:
    values = {
        language: {name: values_in(phrase) for name, phrase in phrases_of(PHRASES.of(language))}
        for language in Language
    }
    assert values[Language.EN] == values[Language.FR]


def test_terminal_language_is_that_of_the_locale_if_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "")
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    languages = {"fr_FR.UTF-8": "fr", "FR": "fr", "en_GB.UTF-8": "en", "de_DE": "en", "": "en"}
    found = {}
    for locale in languages:
        monkeypatch.setenv("LANG", locale)
        found[locale] = terminal_language().value
    assert found == languages


def test_format_period_names_the_zone_of_its_times() -> None:
    began, ended = datetime(2024, 6, 6, 21, 0, tzinfo=UTC), datetime(2024, 6, 6, 22, 30, tzinfo=UTC)
    martinique = ZoneInfo("America/Martinique")
    periods = [
        format_period(language, began, ended, zone).replace("\u00a0", " ")
        for zone in (PARIS, martinique)
        for language in (Language.EN, Language.FR)
    ]
    assert periods == [
        "between 6 June 2024 at 23:00 and 7 June 2024 at 00:30 (Paris time)",
        "entre le 6 juin 2024 à 23 h 00 et le 7 juin 2024 à 0 h 30 (heure de Paris)",
        "6 June 2024, between 17:00 and 18:30 (America/Martinique time)",
        "6 juin 2024, entre 17 h 00 et 18 h 30 (heure du fuseau America/Martinique)",
    ]
