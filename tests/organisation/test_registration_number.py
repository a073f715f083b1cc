"""Registration numbers: which spellings are one, by the rules of their country."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.organisation.registration_number import comparison_key, shown_number

# Numbers of registers and, where the country has it, the same with the prefix of its VAT number.
SPELLINGS = {
    "AU": ("83 914 571 673",),
    "BE": ("0428.759.497", "BE 0428.759.497", "BE 428759497"),
    "BR": ("16.727.230/0001-97",),
    "CH": ("CHE-107.787.577", "CHE-107.787.577 MWST", "CHE-107.787.577 IVA"),
    "CZ": ("25123891", "CZ 25123891"),
    "DE": ("Aachen HRA 11223", "HRA 11223 Aachen"),
    "DK": ("13585628", "DK 13585628"),
    "ES": ("B-58378431", "ES B58378431"),
    "FI": ("2077474-0", "FI 20774740"),
    "FR": ("303 265 045", "FR 40 303 265 045"),
    "IT": ("00743110157", "IT 00743110157"),
    "NO": ("995 525 828", "NO 995 525 828 MVA"),
    "RO": ("18547290", "RO 185 472 90"),
    "SE": ("1234567897", "SE 123456789701"),
    # No rules are known of these registers.
    "BF": ("BF-1",),
    "GB": ("SC 123456",),
    "PL": ("0000 127 206",),
}
WRITTEN = [(country, spelling) for country, spellings in SPELLINGS.items() for spelling in spellings]
BETWEEN = st.sampled_from(["", " ", "\u00a0", "\u202f", "-", "\u2011", "\u2013", ".", ". ", "\u200b"])


@st.composite
def written_again(draw: st.DrawFn) -> tuple[str, str, str]:
    """A country, a number of it, and another spelling of the same number."""
    country, number = draw(st.sampled_from(WRITTEN))
    again = "".join(sign if sign in " -./" else sign + draw(BETWEEN) for sign in number)
    # The parts of a number with a court are words.
    return country, number, (number if country == "DE" else again).swapcase()


def test_number_with_the_prefix_of_its_tax_is_the_number_of_the_register() -> None:
    keys = {country: {comparison_key(country, number) for number in of} for country, of in SPELLINGS.items()}
    assert {country: found for country, found in keys.items() if len(found) > 1} == {}


@given(written_again())
def test_number_in_another_case_and_grouping_is_the_same(written: tuple[str, str, str]) -> None:
    country, number, again = written
    assert comparison_key(country, again) == comparison_key(country, number)


@given(st.sampled_from(sorted({*SPELLINGS, "AR", "KR", "LV", "US", "ZZ"})), st.text(min_size=1, max_size=30))
def test_key_of_any_number_is_its_own_key(country: str, number: str) -> None:
    try:
        key = comparison_key(country, number)
    except ValueError:
        assume(False)
    assert key == comparison_key(country, key)
    assert key == comparison_key(country, shown_number(country, number))


@given(st.sampled_from([row for row in WRITTEN if row[0] not in ("DE", "BF", "GB", "PL")]), st.data())
def test_number_with_one_digit_changed_is_refused_or_another(written: tuple[str, str], data: st.DataObject) -> None:
    country, number = written
    at = data.draw(st.sampled_from([place for place, sign in enumerate(number) if sign.isdigit()]))
    other = number[:at] + str((int(number[at]) + data.draw(st.integers(1, 9))) % 10) + number[at + 1 :]
    try:
        key = comparison_key(country, other)
    except ValueError:
        return
    assert key != comparison_key(country, number)


def test_number_with_a_wrong_check_digit_is_refused() -> None:
    wrong = {
        "BE": "0428.759.498",
        "CH": "CHE-107.787.578",
        "DK": "13585629",
        "FR": "303265046",
        "IT": "00743110158",
        "NO": "995525829",
    }
    for country, number in wrong.items():
        with pytest.raises(ValueError, match="check digit") as refused:
            comparison_key(country, number)
        assert number not in str(refused.value)


def test_number_of_another_register_of_the_country_is_accepted() -> None:
    """A German VAT number or an Italian one of the REA has no rule here, and is compared as it is written."""
    assert comparison_key("DE", "HRB 86 891") == "HRB86891"
    assert comparison_key("IT", "MI-1234567") == "MI1234567"
    assert comparison_key("PL", "0000127206") == "0000127206"


@pytest.mark.parametrize("number", ["-", " . ", "\u200b", "\u2013 \u00a0"])
def test_number_without_letters_and_digits_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="letters or digits"):
        comparison_key("BF", number)
