"""What somebody tries who has not got the telephone."""

import math
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fastapi.testclient import TestClient
from httpx2 import Response

from service.core.settings import Settings
from service.main import create_app
from tests.chain import collected, number
from tests.conftest import settings_of_tests
from tests.persons import ask_code, code_sent_to, confirm
from tests.probe import refusal, rows
from tests.registry import Registry
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
        assert told.count((409, "verification_over")) == len(guesses) - 5
        left = [answer.json()["tries_left"] for answer in answers if answer.status_code == 422]
        assert sorted(left) == [0, 1, 2, 3, 4]
        assert refusal(confirm(client, begun["id"], f"{code:06}")) == (409, "verification_over")
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
    assert rows(dsn, "SELECT count(*) FROM verification WHERE tries_left > 0") == [(1,)]


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


def rank_sum_z(some: list[float], others: list[float]) -> float:
    """How many standard deviations the Mann-Whitney statistic of two samples lies from what chance makes of it."""
    ranked = sorted([(value, True) for value in some] + [(value, False) for value in others])
    ranks = sum(rank for rank, (_, of_some) in enumerate(ranked, 1) if of_some)
    n, m = len(some), len(others)
    return (ranks - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def test_neither_answer_nor_time_tells_whether_a_number_is_known(registry: Registry, dsn: str) -> None:
    """Numbers in and out of a dataset are asked for in turn, and confirmed wrongly.

    By chance alone the statistic passes four standard deviations in one run of some 16,000.
    """
    collected(registry.broker(), range(100))
    begun_in: dict[bool, list[float]] = {True: [], False: []}
    guessed_in: dict[bool, list[float]] = {True: [], False: []}
    told: dict[bool, set[tuple[object, ...]]] = {True: set(), False: set()}
    with TestClient(create_app(generous(), dsn, with_worker=False)) as client:
        for turn in range(80):
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
        medians = {known: statistics.median(took[known]) for known in took}
        assert abs(rank_sum_z(took[True], took[False])) < 4, medians


def generous() -> Settings:
    """Settings under which one address may ask for many codes."""
    settings = settings_of_tests()
    return settings.model_copy(update={"verifications_per_address": 10_000, "sms_block_budget": 10_000})
