"""A market of many organisations, datasets and transfers, in which a party received the union of what a broker bought.

What nobody asks about is written by SQL, since the API would take minutes for it. Only its facts exist, no numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString, NamedTuple

import psycopg

from benchmarks import files
from benchmarks.callers import Caller, admit_callers
from benchmarks.registration import make_collection, register, seal_dataset
from benchmarks.service import Service
from benchmarks.trade import make_transfer
from service.core.vocabulary import Role

UNITED: Final = 50
"""Datasets that the union is made of. Each came by a transfer."""

_LINES: Final = 400
_MADE_AT = "2024-02-15T00:00:00Z"

# Organisations that hold a dataset each, and datasets that were handed over between them.
_STATEMENTS: Final[tuple[LiteralString, ...]] = (
    "SET session_replication_role = replica",
    """
    INSERT INTO organisation (id, asserted_by_id, occurred_at, recorded_at, legal_name, country, roles)
    SELECT gen_random_uuid(), (SELECT min(id::text)::uuid FROM organisation), now(), now(), 'N ' || n, 'FR', '{broker}'
    FROM generate_series(1, %(organisations)s) AS n
    """,
    """
    INSERT INTO dataset (id, asserted_by_id, occurred_at, recorded_at, holder_id, name, content, state, default_region,
                         time_zone, reconciling)
    SELECT gen_random_uuid(), id, now(), now(), id, 'D', 'uploaded', 'open', 'FR', 'Europe/Paris', false
    FROM organisation WHERE legal_name LIKE 'N %%'
    """,
    """
    CREATE TEMP TABLE handed_over AS
    SELECT gen_random_uuid() AS transfer_id, gen_random_uuid() AS sold_id, gen_random_uuid() AS bought_id,
           sides[1 + n %% 5000] AS sender_id, sides[1 + (n + 7) %% 5000] AS recipient_id
    FROM generate_series(1, %(transfers)s) AS n,
         (SELECT array_agg(id) AS sides FROM (SELECT id FROM organisation WHERE legal_name LIKE 'N %%' LIMIT 5000) AS o)
    """,
    """
    INSERT INTO dataset (id, asserted_by_id, occurred_at, recorded_at, holder_id, name, content, state, default_region,
                         time_zone, reconciling, number_count, orphan_count, sealed_at)
    SELECT dataset_id, sender_id, now(), now(), holder_id, 'D', content, 'sealed', 'FR', 'Europe/Paris', false, 9, 9,
           now()
    FROM handed_over CROSS JOIN LATERAL (
        VALUES (sold_id, sender_id, 'uploaded'), (bought_id, recipient_id, 'shared')
    ) AS made (dataset_id, holder_id, content)
    """,
    """
    INSERT INTO transfer (id, asserted_by_id, occurred_at, recorded_at, sender_id, recipient_id, dataset_id,
                          received_dataset_id, purpose, lawful_basis, sender_role, recipient_role, targeting,
                          number_count)
    SELECT transfer_id, sender_id, now(), now(), sender_id, recipient_id, sold_id, bought_id, 'political_canvassing',
           'consent', 'controller', 'controller', '[]', 9
    FROM handed_over
    """,
    """
    INSERT INTO transfer_statement (id, asserted_by_id, occurred_at, recorded_at, transfer_id, side, status)
    SELECT gen_random_uuid(), sender_id, now(), now(), transfer_id, 'sender', 'declared' FROM handed_over
    """,
    "INSERT INTO dataset_parent (dataset_id, parent_id, transfer_id) SELECT bought_id, sold_id, transfer_id "
    "FROM handed_over",
    "UPDATE graph_version SET version = version + 1",
    "RESET session_replication_role",
    "ANALYZE",
)


class Market(NamedTuple):
    """Who trades in the market, the union that the party received, and its numbers."""

    shop: Caller
    broker: Caller
    party: Caller
    union: Any
    received_id: str
    numbers: files.Numbers


@contextmanager
def registered_market(service: Service, organisations: int, datasets: int) -> Iterator[Market]:
    """The market, with about so many organisations and so many datasets in half as many transfers."""
    with admit_callers(service, Role.COLLECTOR, Role.BROKER, Role.PARTY) as (shop, broker, party):
        collection = make_collection(shop)
        bought = [_buy(service, shop, broker, collection, place) for place in range(UNITED)]
        body = {"occurred_at": _MADE_AT, "holder_id": broker.id, "name": "Base", "content": "union"}
        union = broker.post("/v1/datasets", body | {"derived_from": bought})
        seal_dataset(broker, union["id"])
        received = make_transfer(broker, union, party)["received_dataset_id"]
        transfers = datasets // 2 - UNITED
        with psycopg.connect(service.dsn) as connection:
            for statement in _STATEMENTS:
                connection.execute(statement, {"organisations": organisations, "transfers": transfers})
        numbers = files.numbers(_LINES // 2, (UNITED - 1) * _LINES // 2)
        yield Market(shop, broker, party, union, received, numbers)


def _buy(service: Service, shop: Caller, broker: Caller, collection: str, place: int) -> str:
    """A dataset that the broker got from the shop. Neighbours overlap by half, so that most numbers are in two."""
    file = files.write_file(service.folder / "bought.csv", place * _LINES // 2, _LINES, with_consents=True)
    dataset = register(service, shop, file, collection_id=collection)
    return str(make_transfer(shop, dataset, broker)["received_dataset_id"])
