"""From the number to the session: each error is shown beside its field, and nothing has to be typed twice."""

from fastapi.testclient import TestClient

from service.messaging.models import MessageState
from tests.builders import number
from tests.direct_client import DirectClient
from tests.inspection import rows
from tests.persons import report_message
from tests.portal.reading import Reader
from tests.web.reading import HOST, text_of


def test_submit_number_that_gets_no_code_shows_the_error_at_its_field(reader: Reader) -> None:
    wrong = []
    for typed, text in (
        ("", "Saisissez votre numéro"),
        ("bonjour", "Nous n’arrivons pas à lire ce numéro"),
        ("0" * 64, "Nous n’arrivons pas à lire ce numéro"),
        ("\x00", "Nous n’arrivons pas à lire ce numéro"),
        ("01 99 00 12 34", "Nous n’envoyons de code qu’aux mobiles"),
    ):
        reader.open("/")
        page = reader.send("/", number=typed)
        shown = (
            page.url.path == "/"
            and text in text_of(page.text)
            and "<title>Erreur" in page.text
            and 'aria-describedby="number-hint number-error" aria-invalid="true" autofocus' in page.text
            and reader.form("/").values["number"] == typed
        )
        if not shown or "number-error" in reader.open("/").text:
            wrong.append(typed)
    assert wrong == []


def test_submit_number_in_english_sends_an_english_message(reader: Reader) -> None:
    assert reader.enter("/en").url.path == "/en/since"
    assert "code" in reader.messages()[0]


def test_submit_wrong_code_shows_the_tries_left_until_there_are_none(reader: Reader) -> None:
    reader.ask()
    right = reader.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for left in range(4, 0, -1):
        assert f"Essais restants : {left}" in text_of(reader.send("/code", code=wrong, step="confirm").text)
    assert "Ce code ne vaut plus" in reader.send("/code", code=wrong, step="confirm").text
    assert "Ce code ne vaut plus" in reader.send("/code", code=right, step="confirm").text


def test_submit_something_else_than_a_code_costs_no_try(reader: Reader) -> None:
    reader.ask()
    for typed in ("", "12", "abcdef", "1234567"):
        assert "Saisissez le code" in reader.send("/code", code=typed, step="confirm").text
    code = reader.code()
    assert reader.send("/code", code=f" {code[:3]} {code[3:]} ", step="confirm").url.path == "/depuis"


def test_load_code_page_again_sends_no_second_message(reader: Reader) -> None:
    reader.ask()
    reader.send("/code", code="", step="confirm")
    reader.open("/code")
    assert len(reader.messages()) == 1


def test_ask_for_a_new_code_at_once_has_to_wait(reader: Reader) -> None:
    reader.ask()
    assert "Attendez" in reader.send("/code", step="again").text
    assert len(reader.messages()) == 1


def test_ask_for_too_many_codes_shows_the_time_to_wait(reader: Reader) -> None:
    for _ in range(3):
        assert reader.ask().url.path == "/code"
    page = reader.ask()
    assert page.url.path == "/"
    assert "Trop de codes ont été demandés. Réessayez dans" in text_of(page.text)


def test_code_page_says_whether_the_message_arrived_and_unknown_without_a_report(client: TestClient, dsn: str) -> None:
    caller = DirectClient(client.app, base_url=HOST, client=("192.0.2.7", 50_000))
    caller.portal = client.portal
    elsewhere = Reader(caller, number(1))
    assert "Nous ignorons si le message est arrivé" in text_of(elsewhere.ask().text)
    ((message_id,),) = rows(dsn, "SELECT id::text FROM message")
    report_message(dsn, message_id, MessageState.FAILED)
    assert "n’a pas pu être remis" in text_of(elsewhere.open("/code").text)
    elsewhere.ask("/en")
    assert "Whether the message has arrived is unknown" in text_of(elsewhere.open("/en/code").text)
    ((message_id,),) = rows(dsn, "SELECT id::text FROM message WHERE state = 'unknown'")
    report_message(dsn, message_id, MessageState.DELIVERED)
    assert "Your operator reports that the message has arrived." in text_of(elsewhere.open("/en/code").text)


def test_code_page_without_a_number_leads_home(reader: Reader) -> None:
    assert reader.open("/code").url.path == "/"


def test_submit_date_that_is_not_a_past_day_shows_the_error(reader: Reader) -> None:
    reader.enter()
    for typed, text in (
        ("", "Choisissez une date"),
        ("31/02/2020", "Cette date n’existe pas"),
        ("2999-01-01", "Cette date est à venir"),
    ):
        page = reader.send("/depuis", since=typed, step="save")
        assert page.url.path == "/depuis", typed
        assert text in text_of(page.text), typed


def test_submit_date_in_each_spelling_is_kept_for_the_session(reader: Reader) -> None:
    reader.enter()
    for typed in ("2021-09-01", "01/09/2021", "1.9.2021"):
        assert reader.send("/depuis", since=typed, step="save").url.path == "/reponse", typed
        assert "1er septembre 2021" in text_of(reader.open("/reponse").text), typed
        assert reader.open("/depuis").text.count('value="2021-09-01"') == 1, typed
        reader.send("/depuis", step="skip")
        assert "Vous n’avez pas indiqué" in reader.open("/reponse").text, typed
        reader.open("/depuis")
