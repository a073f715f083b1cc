"""A small trade in numbers, told through the API: three shops collect, a broker merges, two parties take a cut each."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks import files
from benchmarks.calling import Caller, callers
from benchmarks.registering import make_collection, register, seal
from benchmarks.service import Service
from service.core.vocabulary import Role

DATASETS = 11
"""How many a trade makes: three collected and received, their union, two cuts of it and what the parties received."""

CHAINS = 50
"""Chains of a number that nearly every shop has collected. Each goes through four datasets."""

_SHOPS = (Role.COLLECTOR,) * 3
_SMALL = 100
_CUT_AT = "2024-03-01T00:00:00Z"


class Trade(NamedTuple):
    """Who trades, and which numbers the first party got: two shops collected each of them."""

    shops: list[Caller]
    broker: Caller
    party: Caller
    numbers: files.Numbers


@contextmanager
def trading(service: Service, memberships: int) -> Iterator[Trade]:
    """The trade, with about so many numbers stored in all its datasets together."""
    with callers(service, *_SHOPS, Role.BROKER, Role.PARTY, Role.PARTY) as (*shops, broker, first, second):
        eighth = memberships // 8
        received = []
        for n, shop in enumerate(shops):
            # Neighbours overlap by half, so that most numbers were collected twice.
            dataset = _collected(service, shop, n * eighth, 2 * eighth)
            received.append(hand_over(shop, dataset, broker)["received_dataset_id"])
        base = _union(broker, received)
        for n, party in enumerate((first, second)):
            cut = _uploaded(service, broker, (n + 1) * eighth, eighth, derived_from=[base["id"]])
            _campaign(party, hand_over(broker, cut, party)["received_dataset_id"])
        yield Trade(shops, broker, first, files.numbers(eighth, eighth))


def _collected(service: Service, shop: Caller, begin: int, count: int) -> Any:
    file = files.write(service.folder / "collected.csv", begin, count, with_consents=True)
    return register(service, shop, file, collection_id=make_collection(shop))


def _uploaded(service: Service, holder: Caller, begin: int, count: int, **facts: Any) -> Any:
    file = files.write(service.folder / "uploaded.csv", begin, count, with_consents=False)
    return register(service, holder, file, occurred_at=_CUT_AT, **facts)


def _union(broker: Caller, parents: list[str]) -> Any:
    body = {
        "occurred_at": "2024-02-15T00:00:00Z",
        "holder_id": broker.id,
        "name": "Base SMS",
        "content": "union",
        "derived_from": parents,
    }
    made = broker.post("/v1/datasets", body)
    seal(broker, made["id"])
    return made


@contextmanager
def many_chains(service: Service) -> Iterator[tuple[Caller, int]]:
    """A party, and a number that reached it from `CHAINS` collections, each time by a broker's cut of its own."""
    with callers(service, *(Role.COLLECTOR,) * CHAINS, Role.BROKER, Role.PARTY) as (*shops, broker, party):
        file = files.write(service.folder / "small.csv", 0, _SMALL, with_consents=True)

        def trade(shop: Caller) -> None:
            collected = register(service, shop, file, collection_id=make_collection(shop))
            received = hand_over(shop, collected, broker)["received_dataset_id"]
            cut = register(service, broker, file, occurred_at=_CUT_AT, derived_from=[received])
            hand_over(broker, cut, party)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(trade, shops))
        yield party, int(files.numbers(0, 1)[0])


def hand_over(sender: Caller, dataset: Any, recipient: Caller) -> Any:
    """The transfer of a sealed dataset, on the day after it was made."""
    return sender.post(
        "/v1/transfers",
        {
            "occurred_at": dataset["occurred_at"].replace("T00", "T12"),
            "dataset_id": dataset["id"],
            "recipient_id": recipient.id,
            "purpose": "political_canvassing",
            "lawful_basis": "consent",
            "sender_role": "controller",
            "recipient_role": "controller",
            "contract": "Contrat de location 2024-118",
            "targeting": [{"criterion": "âge", "selection": "30-60 ans"}],
        },
    )


def _campaign(party: Caller, dataset_id: str) -> None:
    party.post(
        "/v1/campaigns",
        {
            "party_id": party.id,
            "name": "Européennes, dernier appel",
            "originator": "38001",
            "message_text": "Dimanche 9 juin, votez ! STOP au 38001",
            "began_at": "2024-06-06T10:00:00+02:00",
            "ended_at": "2024-06-06T12:00:00+02:00",
            "dataset_ids": [dataset_id],
        },
    )
