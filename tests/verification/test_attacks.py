"""What somebody tries who has not got the telephone."""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fastapi.testclient import TestClient
from httpx2 import Response

from service.core.settings import Settings
from service.main import create_app
from tests.builders import collected, number
from tests.callers import Registry
from tests.conftest import settings_of_tests
from tests.inspection import refusal, rows
from tests.persons import ask_code, code_sent_to, confirm
from tests.sockets import on_a_socket
from tests.verification.test_limits import limited

MINE = number(4600)


def at_once(calls: list[Callable[[], Response]]) -> list[Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_parallel_guesses_are_five_guesses(settings: Settings, dsn: str) -> None:
    with on_a_socket(create_app(settings, dsn)) as client:
        begun = ask_code(client, MINE).json()
        code = int(code_sent_to(dsn, MINE))
        guesses = [f"{(code + place) % 1_000_000:06}" for place in range(1, 25)]
        answers = at_once([partial(confirm, client, begun["id"], guess) for guess in guesses])
        told = [refusal(answer) for answer in answers]
        assert told.count((422, "code_wrong")) == 5
        assert told.count((409, "verification_ended")) == len(guesses) - 5
        left = [answer.json()["attempts_left"] for answer in answers if answer.status_code == 422]
        assert sorted(left) == [0, 1, 2, 3, 4]
        assert refusal(confirm(client, begun["id"], f"{code:06}")) == (409, "verification_ended")
    assert rows(dsn, "SELECT 1 FROM person_session") == []


def test_the_right_code_sent_many_times_at_once_gives_one_session(settings: Settings, dsn: str) -> None:
    with on_a_socket(create_app(settings, dsn)) as client:
        begun = ask_code(client, MINE).json()
        code = code_sent_to(dsn, MINE)
        answers = at_once([lambda: confirm(client, begun["id"], code)] * 12)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    assert len(rows(dsn, "SELECT 1 FROM person_session")) == 1


def test_codes_asked_for_at_once_are_counted_one_after_the_other(dsn: str) -> None:
    with on_a_socket(create_app(limited(verifications_per_address=8), dsn)) as client:
        same = at_once([lambda: ask_code(client, MINE)] * 10)
        assert sorted(answer.status_code for answer in same) == [201] * 3 + [429] * 7
        others = at_once([partial(ask_code, client, number(last)) for last in range(12)])
        assert sorted(answer.status_code for answer in others) == [201] * 5 + [429] * 7
    assert rows(dsn, "SELECT count(*) FROM verification") == [(8,)]


def test_of_codes_asked_for_at_once_one_is_good(settings: Settings, dsn: str) -> None:
    with on_a_socket(create_app(settings, dsn)) as client:
        at_once([lambda: ask_code(client, MINE)] * 3)
    assert rows(dsn, "SELECT count(*) FROM verification WHERE attempts_left > 0") == [(1,)]


def test_a_caller_behind_a_proxy_cannot_pass_for_others(dsn: str) -> None:
    """The proxy adds the caller's address at the right of what the caller may have made up."""
    with on_a_socket(create_app(limited(verifications_per_address=4), dsn)) as client:

        def ask(last: int, forwarded: str) -> Response:
            headers = {"X-Forwarded-For": forwarded}
            return client.post("/v1/verifications", json={"number": number(last)}, headers=headers)

        for last in range(4):
            assert ask(last, f"198.51.100.{last}, 203.0.113.9").status_code == 201
        assert refusal(ask(5, "198.51.100.77, 203.0.113.9")) == (429, "address_limit")
        assert ask(5, "203.0.113.9, 198.51.100.77").status_code == 201


def signed_rank_z(differences: list[float]) -> float:
    """How many standard deviations Wilcoxon's statistic of paired differences lies from what chance makes of it."""
    ranked = enumerate(sorted(filter(None, differences), key=abs), 1)
    signs = [(rank, difference > 0) for rank, difference in ranked]
    n = len(signs)
    above = sum(rank for rank, positive in signs if positive)
    return (above - n * (n + 1) / 4) / math.sqrt(n * (n + 1) * (2 * n + 1) / 24)


def test_neither_answer_nor_time_tells_whether_a_number_is_known(registry: Registry, dsn: str) -> None:
    """Numbers in and out of a dataset are asked for by turns, and confirmed wrongly; each pair is compared.

    By chance alone the statistic passes four standard deviations in one run of some 8,000 (two are made). Three quick
    questions to the database about known numbers made it pass five, on a busy machine.
    """
    collected(registry.broker(), range(100))
    begun_in: dict[bool, list[float]] = {True: [], False: []}
    guessed_in: dict[bool, list[float]] = {True: [], False: []}
    told: dict[bool, set[tuple[object, ...]]] = {True: set(), False: set()}
    with TestClient(create_app(generous(), dsn, with_worker=False)) as client:
        for turn in range(100):
            for known in (turn % 2 == 0, turn % 2 != 0):
                wanted = number(turn if known else 5000 + turn)
                began = time.perf_counter()
                begun = ask_code(client, wanted)
                begun_in[known].append(time.perf_counter() - began)
                began = time.perf_counter()
                guess = confirm(client, begun.json()["id"], "000000")
                guessed_in[known].append(time.perf_counter() - began)
                told[known].add((begun.status_code, *sorted(begun.json()), *refusal(guess)))
    assert told[True] == told[False]
    for took in (begun_in, guessed_in):
        differences = [here - there for here, there in zip(took[True], took[False], strict=True)]
        assert abs(signed_rank_z(differences)) < 4


def generous() -> Settings:
    """Settings under which one address may ask for many codes."""
    settings = settings_of_tests()
    return settings.model_copy(update={"verifications_per_address": 10_000, "sms_block_budget": 10_000})
