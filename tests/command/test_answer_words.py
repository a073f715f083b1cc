"""Both languages say everything, with the same values."""

import string
from datetime import UTC, date, datetime
from typing import get_args, get_type_hints
from zoneinfo import ZoneInfo

import pytest

from service.command.answer_words import PHRASES, TERMS, format_day, format_period, terminal_language
from service.core.vocabulary import (
    Channel,
    LawfulBasis,
    Mechanism,
    OrphanReason,
    ProcessingRole,
    Purpose,
    TransferStatus,
)
from service.provenance.answer.schemas import Contradiction
from service.wording.language import Language


def _fields(phrase: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name}


def test_both_languages_have_the_same_phrases_with_the_same_values() -> None:
    english, french = PHRASES[Language.EN], PHRASES[Language.FR]
    assert {name: _fields(phrase) for name, phrase in english.items()} == {
        name: _fields(phrase) for name, phrase in french.items()
    }


@pytest.mark.parametrize("language", Language)
def test_every_value_of_the_closed_lists_has_words(language: Language) -> None:
    lists = (Channel, LawfulBasis, Mechanism, ProcessingRole, Purpose, OrphanReason)
    values = {str(one) for closed in lists for one in closed}
    assert set(TERMS[language]) == values
    assert {f"status_{status}" for status in TransferStatus} <= set(PHRASES[language])
    assert set(get_args(get_type_hints(Contradiction)["kind"])) <= set(PHRASES[language])


@pytest.mark.parametrize(
    ("locale", "language"), [("fr_FR.UTF-8", "fr"), ("FR", "fr"), ("en_GB.UTF-8", "en"), ("de_DE", "en"), ("", "en")]
)
def test_the_locale_decides(monkeypatch: pytest.MonkeyPatch, locale: str, language: str) -> None:
    monkeypatch.setenv("LC_ALL", "")
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", locale)
    assert terminal_language() == language


def test_days_and_windows_are_written_as_people_write_them() -> None:
    assert format_day(Language.FR, date(2024, 6, 6)) == "06/06/2024"
    assert format_day(Language.EN, date(2024, 6, 6)) == "6 June 2024"


def test_a_window_is_told_in_a_zone_which_is_named() -> None:
    began, ended = datetime(2024, 6, 6, 21, 0, tzinfo=UTC), datetime(2024, 6, 6, 22, 30, tzinfo=UTC)
    paris, martinique = ZoneInfo("Europe/Paris"), ZoneInfo("America/Martinique")
    assert format_period(Language.EN, began, ended, paris) == "6 June 2024 23:00-7 June 2024 00:30 (Europe/Paris time)"
    assert format_period(Language.FR, began, ended, paris) == "06/06/2024 23:00-07/06/2024 00:30 (heure de Paris)"
    there = "06/06/2024 17:00-18:30 (heure du fuseau America/Martinique)"
    assert format_period(Language.FR, began, ended, martinique) == there
