"""From the number to the session: each mistake is told beside its field, and nothing is typed twice."""

import pytest

from tests.portal.reading import Reader, text_of


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Saisissez votre numéro"),
        ("bonjour", "Nous n’arrivons pas à lire ce numéro"),
        ("0" * 64, "Nous n’arrivons pas à lire ce numéro"),
        ("\x00", "Nous n’arrivons pas à lire ce numéro"),
        ("01 99 00 12 34", "Nous n’envoyons de code qu’aux mobiles"),
    ],
    ids=["nothing", "words", "zeros", "NUL", "no mobile"],
)
def test_a_number_that_will_not_do_is_told_at_its_field_and_kept(reader: Reader, typed: str, says: str) -> None:
    reader.open("/")
    page = reader.send("/", number=typed)
    assert page.url.path == "/"
    assert says in text_of(page.text)
    assert "<title>Erreur" in page.text
    assert 'aria-describedby="number-hint number-error" aria-invalid="true" autofocus' in page.text
    assert reader.form("/").values["number"] == typed
    # It was said, and is not said again.
    assert "number-error" not in reader.open("/").text


def test_the_number_is_asked_for_in_english_too(reader: Reader) -> None:
    assert reader.enter("/en").url.path == "/en/since"
    assert "code" in reader.messages()[0]


def test_a_wrong_code_tells_how_many_tries_are_left_until_none_is(reader: Reader) -> None:
    reader.ask()
    right = reader.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for left in range(4, 0, -1):
        assert f"Essais restants : {left}" in text_of(reader.send("/code", code=wrong, step="confirm").text)
    assert "Ce code ne vaut plus" in reader.send("/code", code=wrong, step="confirm").text
    assert "Ce code ne vaut plus" in reader.send("/code", code=right, step="confirm").text


def test_what_is_no_code_costs_no_try(reader: Reader) -> None:
    reader.ask()
    for typed in ("", "12", "abcdef", "1234567"):
        assert "Saisissez le code" in reader.send("/code", code=typed, step="confirm").text
    code = reader.code()
    assert reader.send("/code", code=f" {code[:3]} {code[3:]} ", step="confirm").url.path == "/depuis"


def test_loading_a_page_again_sends_nothing_again(reader: Reader) -> None:
    reader.ask()
    reader.send("/code", code="", step="confirm")
    reader.open("/code")
    assert len(reader.messages()) == 1


def test_a_new_code_has_to_be_waited_for_and_voids_the_one_before(reader: Reader) -> None:
    reader.ask()
    assert "Attendez" in reader.send("/code", step="again").text
    assert len(reader.messages()) == 1


def test_the_limit_is_told_with_the_time_to_wait(reader: Reader) -> None:
    for _ in range(3):
        assert reader.ask().url.path == "/code"
    page = reader.ask()
    assert page.url.path == "/"
    assert "Trop de codes ont été demandés. Réessayez dans" in text_of(page.text)


def test_without_a_number_there_is_no_code_to_type(reader: Reader) -> None:
    assert reader.open("/code").url.path == "/"


@pytest.mark.parametrize(
    ("typed", "says"),
    [("", "Choisissez une date"), ("31/02/2020", "Cette date n’existe pas"), ("2999-01-01", "Cette date est à venir")],
)
def test_a_date_that_will_not_do_is_told(reader: Reader, typed: str, says: str) -> None:
    reader.enter()
    page = reader.send("/depuis", since=typed, step="save")
    assert page.url.path == "/depuis"
    assert says in text_of(page.text)


@pytest.mark.parametrize("typed", ["2021-09-01", "01/09/2021", "1.9.2021"])
def test_a_date_is_kept_for_the_session(reader: Reader, typed: str) -> None:
    reader.enter()
    assert reader.send("/depuis", since=typed, step="save").url.path == "/reponse"
    assert "1er septembre 2021" in text_of(reader.open("/reponse").text)
    assert reader.open("/depuis").text.count('value="2021-09-01"') == 1
    reader.send("/depuis", step="skip")
    assert "Vous n’avez pas indiqué" in reader.open("/reponse").text
