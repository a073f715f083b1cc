"""A number is proved by the code that was sent to it, and by nothing else."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from fastapi.testclient import TestClient
from phonenumbers import PhoneNumberType

from service.verification.codes import message
from service.wording.language import Language
from tests.builders import number
from tests.callers import Registry
from tests.inspection import defer, refusal, rows
from tests.persons import ask_code, code_in, code_sent_to, confirm, outbox, prove
from tests.verification.test_limits import example

MINE, OTHER = number(4600), number(5200)
# 3GPP TS 23.038, 6.2.1: what one byte of seven bits can say.
GSM = set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿") | set(
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)


def wrong(code: str) -> str:
    """A code, but another one."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_the_right_code_gives_a_session(client: TestClient, dsn: str) -> None:
    begun = ask_code(client, "06 39 98 46 00")
    assert begun.status_code == 201
    expires_in = datetime.fromisoformat(begun.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=4) < expires_in <= timedelta(minutes=5)
    session = confirm(client, begun.json()["id"], code_sent_to(dsn, MINE))
    assert session.status_code == 201
    assert session.json()["token"].startswith("fis_")
    person = {"Authorization": f"Bearer {session.json()['token']}"}
    assert client.put("/v1/session", json={"owned_since": "2021-09-01"}, headers=person).json() == {
        "owned_since": "2021-09-01",
        "expires_at": session.json()["expires_at"],
    }


def test_a_code_may_be_written_with_a_blank(client: TestClient, dsn: str) -> None:
    begun = ask_code(client, MINE).json()
    code = code_sent_to(dsn, MINE)
    assert confirm(client, begun["id"], f" {code[:3]} {code[3:]} ").status_code == 201


@pytest.mark.parametrize("language", Language)
def test_the_message_names_the_service_says_not_to_share_and_is_one_sms(language: Language) -> None:
    text = message("012345", language)
    assert text.startswith("Filiation")
    assert code_in(text) == "012345"
    assert ("Ne le donnez à personne" if language is Language.FR else "Share it with nobody") in text
    assert len(text) <= 160
    assert set(text) <= GSM


def test_the_message_is_in_the_language_asked_for(client: TestClient, dsn: str) -> None:
    ask_code(client, MINE, language="en")
    ask_code(client, MINE)
    french, english = outbox(dsn)
    assert "votre code" in french.text
    assert "your code" in english.text
    assert f"+{french.number}" == f"+{english.number}" == MINE


@pytest.mark.parametrize(
    ("spelling", "slug"),
    [
        ("bonjour", "number_rejected"),
        ("06 39 98 46", "number_rejected"),
        (example("FR", PhoneNumberType.FIXED_LINE), "number_not_served"),
        (example("GB", PhoneNumberType.MOBILE), "number_not_served"),
        (example("FR", PhoneNumberType.PREMIUM_RATE), "number_not_served"),
        (f"+{33_700_000_000 + 123_456}", "number_not_served"),  # a machine's
    ],
)
def test_who_gets_no_code(client: TestClient, dsn: str, spelling: str, slug: str) -> None:
    answer = ask_code(client, spelling)
    assert refusal(answer) == (422, slug)
    assert spelling not in answer.text
    assert outbox(dsn) == []


def test_a_region_without_numbers_is_refused(client: TestClient) -> None:
    assert refusal(ask_code(client, "0639984600", region="XX")) == (422, "region_unknown")


def test_a_wrong_code_is_refused_and_says_how_many_tries_are_left(client: TestClient, dsn: str) -> None:
    begun = ask_code(client, MINE).json()
    code = code_sent_to(dsn, MINE)
    for left in (4, 3, 2, 1):
        answer = confirm(client, begun["id"], wrong(code))
        assert refusal(answer) == (422, "code_wrong")
        assert answer.json()["attempts_left"] == left
    assert confirm(client, begun["id"], code).status_code == 201


def test_after_five_wrong_ones_the_right_code_is_refused(client: TestClient, dsn: str) -> None:
    begun = ask_code(client, MINE).json()
    code = code_sent_to(dsn, MINE)
    for _ in range(5):
        assert refusal(confirm(client, begun["id"], wrong(code))) == (422, "code_wrong")
    assert refusal(confirm(client, begun["id"], code)) == (409, "verification_ended")


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "١٢٣٤٥٦", ""])
def test_what_is_no_code_costs_no_try(client: TestClient, dsn: str, code: str) -> None:
    begun = ask_code(client, MINE).json()
    assert refusal(confirm(client, begun["id"], code)) == (422, "invalid_request")
    assert rows(dsn, "SELECT attempts_left FROM verification") == [(5,)]


def test_a_code_is_good_once(client: TestClient, dsn: str) -> None:
    begun = ask_code(client, MINE).json()
    code = code_sent_to(dsn, MINE)
    assert confirm(client, begun["id"], code).status_code == 201
    assert refusal(confirm(client, begun["id"], code)) == (409, "verification_ended")


def test_a_code_is_good_for_five_minutes(client: TestClient, dsn: str) -> None:
    begun = ask_code(client, MINE).json()
    rows(dsn, "UPDATE verification SET expires_at = now() - interval '1 second'")
    assert refusal(confirm(client, begun["id"], code_sent_to(dsn, MINE))) == (409, "verification_ended")


def test_a_code_is_good_for_its_own_verification_only(client: TestClient, dsn: str) -> None:
    mine, other = ask_code(client, MINE).json(), ask_code(client, OTHER).json()
    # Once in a million runs both have the same code, which would be no mistake.
    assert refusal(confirm(client, other["id"], code_sent_to(dsn, MINE))) == (422, "code_wrong")
    assert confirm(client, mine["id"], code_sent_to(dsn, MINE)).status_code == 201


def test_a_new_code_makes_older_ones_of_the_number_void(client: TestClient, dsn: str) -> None:
    first = ask_code(client, MINE).json()
    old = code_sent_to(dsn, MINE)
    other = ask_code(client, OTHER).json()
    second = ask_code(client, "+33 (0)6 39 98 46 00").json()
    assert refusal(confirm(client, first["id"], old)) == (409, "verification_ended")
    assert confirm(client, second["id"], code_sent_to(dsn, MINE)).status_code == 201
    assert confirm(client, other["id"], code_sent_to(dsn, OTHER)).status_code == 201


def test_a_verification_that_never_was_is_not_found(client: TestClient, unknown_id: object) -> None:
    assert refusal(confirm(client, str(unknown_id), "123456")) == (404, "not_found")


def test_a_day_to_come_is_refused_and_costs_no_try(client: TestClient, dsn: str) -> None:
    begun = ask_code(client, MINE).json()
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    answer = confirm(client, begun["id"], code_sent_to(dsn, MINE), owned_since=day)
    assert refusal(answer) == (422, "owned_since_in_future")
    person = prove(client, dsn, OTHER)
    assert refusal(person.request("PUT", "/v1/session", json={"owned_since": day})) == (422, "owned_since_in_future")
    assert rows(dsn, "SELECT attempts_left FROM verification ORDER BY id LIMIT 1") == [(5,)]


def test_the_session_knows_since_when_the_number_is_the_persons(client: TestClient, dsn: str) -> None:
    prove(client, dsn, MINE, owned_since="2022-03-04")
    assert [str(since) for (since,) in rows(dsn, "SELECT owned_since FROM person_session")] == ["2022-03-04"]


def test_a_session_that_is_ended_is_good_for_nothing(client: TestClient, dsn: str) -> None:
    person, other = prove(client, dsn, MINE), prove(client, dsn, OTHER)
    assert person.request("DELETE", "/v1/session").status_code == 204
    for method, body in (("PUT", {"owned_since": None}), ("DELETE", None)):
        assert refusal(person.request(method, "/v1/session", json=body)) == (401, "session_refused")
    assert other.request("PUT", "/v1/session", json={"owned_since": None}).status_code == 200


def test_a_session_is_good_for_half_an_hour(client: TestClient, dsn: str) -> None:
    person = prove(client, dsn, MINE)
    ((left,),) = rows(dsn, "SELECT expires_at - now() FROM person_session")
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    rows(dsn, "UPDATE person_session SET expires_at = now()")
    assert refusal(person.request("DELETE", "/v1/session")) == (401, "session_refused")


def test_a_key_of_an_organisation_is_no_session_and_a_session_is_no_key(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    assert refusal(broker.request("PUT", "/v1/session", json={})) == (401, "session_refused")
    person = prove(registry.client, dsn, MINE)
    assert refusal(person.request("GET", "/v1/datasets")) == (401, "key_refused")


def test_what_is_over_is_forgotten(client: TestClient, dsn: str) -> None:
    prove(client, dsn, MINE)
    ask_code(client, OTHER)
    ask_code(client, number(6000))
    rows(dsn, "UPDATE person_session SET expires_at = now() - interval '1 second'")
    rows(
        dsn,
        "UPDATE verification SET expires_at = now() - interval '1 hour', recorded_at = now() - interval '25 hours' "
        "WHERE id = (SELECT id FROM verification ORDER BY id DESC LIMIT 1)",
    )
    rows(dsn, "UPDATE verification SET expires_at = now() - interval '1 second'")
    for task in ("forget_sessions", "forget_verifications"):
        defer(dsn, task, timestamp=0)
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM procrastinate_jobs WHERE task_name LIKE 'forget_%%'").fetchone():
            connection.execute("SELECT pg_sleep(0.05)")
        assert connection.execute("SELECT 1 FROM person_session").fetchall() == []
        # The numbers are gone with the codes; the marks still count for the limits.
        assert connection.execute("SELECT number_encrypted FROM verification").fetchall() == [(b"",), (b"",)]


def test_no_number_code_or_token_lies_in_the_database(client: TestClient, dsn: str) -> None:
    person = prove(client, dsn, MINE)
    ask_code(client, OTHER)
    told = [code_sent_to(dsn, MINE), code_sent_to(dsn, OTHER), MINE[1:], OTHER[1:], person.token]
    everything: list[str] = []
    with psycopg.connect(dsn) as connection:
        for table in ("verification", "person_session", "message", "outbox_message"):
            found = connection.execute(f"SELECT * FROM {table}").fetchall()
            assert found
            everything += [str(value) for row in found for value in row]
    text = "\n".join(everything)
    assert [secret for secret in told if secret in text and len(secret) > 6] == []
    assert [code for code in told[:2] if f"'{code}'" in text] == []
