"""A small trade in numbers, registered through the API.

Three shops collect, a broker merges their datasets, and each of two parties receives an extract.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks import files
from benchmarks.callers import Caller, admit_callers
from benchmarks.registration import make_collection, register, seal_dataset
from benchmarks.service import Service
from service.core.vocabulary import Role

DATASETS = 11
"""Datasets of a trade: three collected, three received, their union, two extracts and what the parties received."""

CHAINS = 50
"""Chains of a number that so many shops collected. Each has four datasets."""

_SHOPS = (Role.COLLECTOR,) * 3
_SMALL_FILE_LINES = 100
_EXTRACTED_AT = "2024-03-01T00:00:00Z"


class Trade(NamedTuple):
    """The organisations of a trade, and the numbers that the first party received. Two shops collected each number."""

    shops: list[Caller]
    broker: Caller
    party: Caller
    numbers: files.Numbers


@contextmanager
def registered_trade(service: Service, memberships: int) -> Iterator[Trade]:
    """The trade, with about `memberships` memberships in all its datasets together."""
    with admit_callers(service, *_SHOPS, Role.BROKER, Role.PARTY, Role.PARTY) as (*shops, broker, first, second):
        eighth = memberships // 8
        received = []
        for index, shop in enumerate(shops):
            # Neighbours overlap by half, so that most numbers were collected twice.
            dataset = _register_collected(service, shop, index * eighth, 2 * eighth)
            received.append(make_transfer(shop, dataset, broker)["received_dataset_id"])
        base = _register_union(broker, received)
        for index, party in enumerate((first, second)):
            extract = _register_uploaded(service, broker, (index + 1) * eighth, eighth, derived_from=[base["id"]])
            _register_campaign(party, make_transfer(broker, extract, party)["received_dataset_id"])
        yield Trade(shops, broker, first, files.numbers(eighth, eighth))


def _register_collected(service: Service, shop: Caller, begin: int, count: int) -> Any:
    file = files.write_file(service.folder / "collected.csv", begin, count, with_consents=True)
    return register(service, shop, file, collection_id=make_collection(shop))


def _register_uploaded(service: Service, holder: Caller, begin: int, count: int, **fields: Any) -> Any:
    file = files.write_file(service.folder / "uploaded.csv", begin, count, with_consents=False)
    return register(service, holder, file, occurred_at=_EXTRACTED_AT, **fields)


def _register_union(broker: Caller, parents: list[str]) -> Any:
    body = {
        "occurred_at": "2024-02-15T00:00:00Z",
        "holder_id": broker.id,
        "name": "Base SMS",
        "content": "union",
        "derived_from": parents,
    }
    union = broker.post("/v1/datasets", body)
    seal_dataset(broker, union["id"])
    return union


@contextmanager
def trade_with_many_chains(service: Service) -> Iterator[tuple[Caller, int]]:
    """A party and a number that reached it from `CHAINS` collections, each time through another extract of a broker."""
    with admit_callers(service, *(Role.COLLECTOR,) * CHAINS, Role.BROKER, Role.PARTY) as (*shops, broker, party):
        file = files.write_file(service.folder / "small.csv", 0, _SMALL_FILE_LINES, with_consents=True)

        def trade_of_shop(shop: Caller) -> None:
            collected = register(service, shop, file, collection_id=make_collection(shop))
            received = make_transfer(shop, collected, broker)["received_dataset_id"]
            extract = register(service, broker, file, occurred_at=_EXTRACTED_AT, derived_from=[received])
            make_transfer(broker, extract, party)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(trade_of_shop, shops))
        yield party, int(files.numbers(0, 1)[0])


def make_transfer(sender: Caller, dataset: Any, recipient: Caller) -> Any:
    """The transfer of a sealed dataset, twelve hours after it was made."""
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


def _register_campaign(party: Caller, dataset_id: str) -> None:
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
