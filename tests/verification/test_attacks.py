"""Attacks by somebody who does not have the telephone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from httpx2 import Response

from service.core.settings import Settings
from service.main import create_app
from tests.builders import collected, number
from tests.callers import Registry
from tests.direct_client import DirectClient
from tests.inspection import refusal, rows
from tests.persons import ask_code, code_sent_to, confirm
from tests.sockets import on_a_socket
from tests.statements import Statement, record_statements
from tests.verification.builders import limited, other_block

MINE = number(4600)


def at_once(calls: list[Callable[[], Response]]) -> list[Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_guess_in_parallel_allows_five_guesses(settings: Settings, dsn: str) -> None:
    with on_a_socket(create_app(settings, dsn)) as client:
        begun = ask_code(client, MINE).json()
        code = int(code_sent_to(dsn, MINE))
        guesses = [f"{(code + place) % 1_000_000:06}" for place in range(1, 25)]
        answers = at_once([partial(confirm, client, begun["id"], guess) for guess in guesses])
        refusals = [refusal(answer) for answer in answers]
        assert refusals.count((422, "code_wrong")) == 5
        assert refusals.count((409, "verification_ended")) == len(guesses) - 5
        left = [answer.json()["attempts_left"] for answer in answers if answer.status_code == 422]
        assert sorted(left) == [0, 1, 2, 3, 4]
        assert refusal(confirm(client, begun["id"], f"{code:06}")) == (409, "verification_ended")
    assert rows(dsn, "SELECT 1 FROM person_session") == []


def test_confirm_many_times_at_once_opens_one_session(settings: Settings, dsn: str) -> None:
    with on_a_socket(create_app(settings, dsn)) as client:
        begun = ask_code(client, MINE).json()
        code = code_sent_to(dsn, MINE)
        answers = at_once([lambda: confirm(client, begun["id"], code)] * 12)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    assert len(rows(dsn, "SELECT 1 FROM person_session")) == 1


def test_request_codes_at_once_respects_limits(dsn: str) -> None:
    with on_a_socket(create_app(limited(verifications_per_address=8), dsn)) as client:
        same = at_once([lambda: ask_code(client, MINE)] * 10)
        assert sorted(answer.status_code for answer in same) == [201] * 3 + [429] * 7
        others = at_once([partial(ask_code, client, number(last)) for last in range(12)])
        assert sorted(answer.status_code for answer in others) == [201] * 5 + [429] * 7
    assert rows(dsn, "SELECT count(*) FROM verification") == [(8,)]


def test_reserve_gives_one_code_to_many_who_ask_at_once(dsn: str) -> None:
    with on_a_socket(create_app(limited(codes_per_hour=5), dsn)) as client:
        for place in range(4):
            assert ask_code(client, other_block(place * 10_000)).status_code == 201

        def ask(place: int) -> Response:
            headers = {"X-Forwarded-For": f"203.0.{place}.1"}
            return client.post("/v1/verifications", json={"number": other_block(place * 10_000)}, headers=headers)

        answers = at_once([partial(ask, place) for place in range(10, 20)])
        assert sorted(answer.status_code for answer in answers) == [201] + [429] * 9


def test_request_codes_at_once_leaves_one_valid(settings: Settings, dsn: str) -> None:
    with on_a_socket(create_app(settings, dsn)) as client:
        at_once([lambda: ask_code(client, MINE)] * 3)
    assert rows(dsn, "SELECT count(*) FROM verification WHERE attempts_left > 0") == [(1,)]


def test_caller_behind_proxy_cannot_forge_its_address(dsn: str) -> None:
    """The proxy appends the caller's address to what the caller may have forged."""
    with on_a_socket(create_app(limited(verifications_per_address=4), dsn)) as client:

        def ask(last: int, forwarded: str) -> Response:
            headers = {"X-Forwarded-For": forwarded}
            return client.post("/v1/verifications", json={"number": number(last)}, headers=headers)

        for last in range(4):
            assert ask(last, f"198.51.100.{last}, 203.0.113.9").status_code == 201
        assert refusal(ask(5, "198.51.100.77, 203.0.113.9")) == (429, "address_limit")
        assert ask(5, "203.0.113.9, 198.51.100.77").status_code == 201


def test_request_and_confirm_do_not_depend_on_whether_the_number_is_known(
    settings: Settings, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a held and an unheld number, the responses are alike and the database does the same work.

    A statement that reads who holds a number would make one response slower than the other. Times themselves are not
    compared, because that needs a quiet machine.
    """
    with DirectClient(create_app(settings, dsn)) as client:
        collected(Registry(client, dsn).broker(), range(10))
    # Without a worker, which executes statements of its own.
    statements = record_statements(monkeypatch, dsn)
    with DirectClient(create_app(settings, dsn, with_worker=False)) as client:

        def observed(last_four: int) -> tuple[list[Statement], object]:
            statements.clear()
            begun = ask_code(client, number(last_four))
            guess = confirm(client, begun.json()["id"], "000000")
            return statements.copy(), (begun.status_code, sorted(begun.json()), refusal(guess), sorted(guess.json()))

        observed(1)  # the first request opens connections
        held, unheld = observed(2), observed(5002)
    assert len(held[0]) > 3
    assert held == unheld
