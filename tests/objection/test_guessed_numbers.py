"""A stranger that seals guessed numbers learns nothing by them, and binds nobody, until the operator releases them.

All ways of holding a block are tried at once, by a stranger each.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from service.core.settings import Settings
from service.core.vocabulary import Role
from tests.builders import collected, filled, hand_over, make_collection, make_notice, number
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import rows, until
from tests.objection.builders import (
    Holders,
    create_objection,
    objections_of,
    register_campaign,
    relay_states,
    relays_to,
    several_holders,
)
from tests.webhook.receiver import Receiver, receiving

# The last number came to some strangers from the broker, and counts for them. Nobody else holds those from 10 on.
BLOCK = range(1, 31)
RECEIVED = 9
OBJECTED_BEFORE, OBJECTED_AFTER, HELD_BY_OTHERS, HELD_BY_NOBODY, REPLIED = 1, 2, 3, 25, 4


@pytest.fixture
def settings() -> Settings:
    """Settings of a service that calls loopback addresses."""
    return Settings(master_secret=SecretStr(MASTER_SECRET), webhook_allow_private=True, verifications_per_address=1000)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def unknown_organisation(registry: Registry) -> Caller:
    return registry.organisation(Role.PARTY, Role.BROKER, Role.COLLECTOR, released=False)


def invented_collector(holders: Holders, stranger: Caller) -> Any:
    named = {"legal_name": "Inventé SARL", "country": "FR", "roles": ["collector"]}
    invented = stranger.post("/v1/organisations", named)["id"]
    collection = make_collection(stranger, invented, make_notice(stranger, invented)["id"])
    base = filled(stranger, BLOCK, holder_id=invented, collection_id=collection["id"])
    return hand_over(stranger, base, stranger)["received_dataset_id"]


def itself_as_collector(holders: Holders, stranger: Caller) -> Any:
    return collected(stranger, BLOCK)["id"]


def second_account(holders: Holders, stranger: Caller) -> Any:
    accomplice = unknown_organisation(holders.registry)
    return hand_over(accomplice, collected(accomplice, BLOCK), stranger)["received_dataset_id"]


def extras_of_a_disputed_file(holders: Holders, stranger: Caller) -> Any:
    transfer = _bought(holders, stranger)
    stranger.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    stranger.put_part(transfer["received_dataset_id"], map(number, BLOCK))
    stranger.finish(stranger.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true"))
    return transfer["received_dataset_id"]


def cut_with_more_than_its_base(holders: Holders, stranger: Caller) -> Any:
    received = _bought(holders, stranger)["received_dataset_id"]
    return filled(stranger, BLOCK, derived_from=[received], occurred_at="2024-04-01T00:00:00Z")["id"]


def no_origin_at_all(holders: Holders, stranger: Caller) -> Any:
    return filled(stranger, BLOCK)["id"]


def _bought(holders: Holders, stranger: Caller) -> Any:
    base = next(item for item in holders.broker.get("/v1/datasets")["items"] if item["received_by_transfer_id"])
    cut = filled(holders.broker, [RECEIVED], derived_from=[base["id"]], occurred_at="2024-02-02T00:00:00Z")
    return hand_over(holders.broker, cut, stranger, occurred_at="2024-03-01T00:00:00Z")


WAYS: list[Callable[[Holders, Caller], Any]] = [
    invented_collector,
    itself_as_collector,
    second_account,
    extras_of_a_disputed_file,
    cut_with_more_than_its_base,
    no_origin_at_all,
]


def settled(dsn: str) -> None:
    """Wait until the worker has nothing left to do."""
    until(lambda: rows(dsn, "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')") == [(0,)])


def learned(stranger: Caller, subjects: list[str]) -> dict[str, Any]:
    """Everything that a stranger can read about objections to numbers that it holds."""
    flagged = {
        subject: stranger.request("GET", f"/v1/objections/flags/{subject}/numbers").status_code for subject in subjects
    }
    hooks = stranger.get("/v1/webhooks")["items"]
    return {
        "relays": relays_to(stranger),
        "flags": stranger.get("/v1/objections/flags"),
        "flagged": flagged,
        "events": [stranger.get(f"/v1/webhooks/{hook['id']}/deliveries") for hook in hooks],
    }


NOTHING: dict[str, Any] = {"items": [], "next": None}


def received(stranger: Caller, kind: str, day: str) -> list[str]:
    """The outcomes of objections that a stranger invents: of a number that others hold, and that nobody else holds."""
    numbers = [
        {"number": number(last), "occurred_at": f"2024-05-{day}T10:00:00Z"} for last in (HELD_BY_OTHERS, HELD_BY_NOBODY)
    ]
    answer = stranger.post("/v1/objections/received", {"kind": kind, "numbers": numbers})
    assert all(result["objection_id"] for result in answer["results"])
    return [result["outcome"] for result in answer["results"]]


def test_guessed_block_yields_nothing_until_released(registry: Registry, receiver: Receiver, dsn: str) -> None:
    holders, operator = several_holders(registry), registry.operator()
    create_objection(holders.person(OBJECTED_BEFORE))
    strangers = {way.__name__: unknown_organisation(registry) for way in WAYS}
    subjects: dict[str, list[str]] = {}
    for way in WAYS:
        stranger = strangers[way.__name__]
        stranger.post("/v1/webhooks", {"url": receiver.url})
        dataset = way(holders, stranger)
        subjects[way.__name__] = [dataset, register_campaign(stranger, dataset, originator="39999")["id"]]
    owner = holders.person(OBJECTED_AFTER)
    create_objection(owner)
    settled(dsn)
    _check_that_nothing_was_learned(strangers, subjects)
    seen = {relay["holder"]["id"]: relay for relay in objections_of(owner)[0]["relays"]}
    waits = [seen[str(stranger.id)] for stranger in strangers.values()]
    assert {(relay["state"], relay["due_at"]) for relay in waits} == {("waiting", None)}
    assert {relay["check"]["organisation"]["id"] for relay in waits} == {
        str(caller.id) for caller in strangers.values()
    }

    _check_that_nothing_recorded_reaches_others(holders, strangers, subjects)
    settled(dsn)
    assert receiver.got == []

    _release_everything(operator)
    for name, stranger in strangers.items():
        until(lambda stranger=stranger: OBJECTED_AFTER in _shown(stranger))  # type: ignore[misc]
        assert until(lambda stranger=stranger: stranger.get("/v1/objections/flags")["items"]), name  # type: ignore[misc]
        shown = stranger.get(f"/v1/objections/flags/{subjects[name][0]}/numbers")["items"]
        assert number(OBJECTED_BEFORE) in {item["number"] for item in shown}, name
    assert until(lambda: receiver.got)
    first = str(strangers[WAYS[0].__name__].id)
    (opened,) = (relay for relay in objections_of(owner)[0]["relays"] if relay["holder"]["id"] == first)
    assert opened["due_at"] > opened["received_at"] > opened["recorded_at"], "its month begins with the release"
    recorded = {number(HELD_BY_OTHERS), number(REPLIED)}
    assert until(lambda: recorded <= {relay["number"] for relay in relays_to(holders.party)})


def _check_that_nothing_was_learned(strangers: dict[str, Caller], subjects: dict[str, list[str]]) -> None:
    wrong = {}
    for name, stranger in strangers.items():
        expected = {
            "relays": [],
            "flags": NOTHING,
            "flagged": dict.fromkeys(subjects[name], 404),
            "events": [NOTHING],
        }
        found = learned(stranger, subjects[name])
        if found != expected:
            wrong[name] = found
    assert wrong == {}


def _check_that_nothing_recorded_reaches_others(
    holders: Holders, strangers: dict[str, Caller], subjects: dict[str, list[str]]
) -> None:
    before = relays_to(holders.party)
    wrong = {}
    for name, stranger in strangers.items():
        outcomes = [received(stranger, kind, "20") for kind in ("erasure", "objection", "objection")]
        for relay in relays_to(stranger):
            assert relay["number"] in (number(HELD_BY_OTHERS), number(HELD_BY_NOBODY)), "only what it reported itself"
            if relay["kind"] == "objection":
                stranger.post(f"/v1/objections/relays/{relay['id']}/complete")
        outcomes += [received(stranger, "objection", day) for day in ("20", "21")]
        reply = {"number": number(REPLIED), "replied_at": "2024-06-06T10:40:00+02:00"}
        stopped = stranger.post(f"/v1/campaigns/{subjects[name][1]}/stops", {"replies": [reply]})
        outcomes.append([stopped["results"][0]["outcome"]])
        expected = [["recorded"] * 2] * 2 + [["already_recorded"] * 2] * 2 + [["recorded"] * 2, ["recorded"]]
        if outcomes != expected:
            wrong[name] = outcomes
    assert wrong == {}
    assert relays_to(holders.party) == before
    for last in (HELD_BY_OTHERS, REPLIED):
        for objection in objections_of(holders.person(last)):
            states, recorder = relay_states(objection), objection["recorded_by"]["id"]
            assert (objection["relayed_at"], objection["closed_at"], objection["flags"]) == (None, None, [])
            assert objection["check"]["organisation"]["id"] == recorder, "the person reads what it waits for"
            assert set(states) <= {recorder}, "nothing was written for the others"
            assert set(states.values()) <= {"acknowledged", "completed"}, "it is bound itself at once"


def _release_everything(operator: Caller) -> None:
    for item in operator.get("/v1/releases/waiting")["items"]:
        operator.post(f"/v1/datasets/{item['dataset_id']}/release", {})


def _shown(stranger: Caller) -> set[int]:
    """The last digits of the numbers that a stranger is shown in its relays."""
    return {int(relay["number"][-4:]) for relay in relays_to(stranger) if relay["number"]}
