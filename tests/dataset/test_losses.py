"""What is handed over after an erasure is counted without what was erased, and sight ends with the last number left."""

from typing import Any

import psycopg
import pytest

from service.core.db import Database
from service.dataset.erasure import exclude_holder
from service.membership.fsck.report import Violation
from service.number.keyring import KeyRing
from tests.builders import FICTION, collected, filled, hand_over, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import MASTER_SECRET
from tests.dataset.builders import check_memberships, take_off_losses, with_database
from tests.inspection import rows

LATER = {"occurred_at": "2024-03-01T00:00:00Z"}


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(bytes.fromhex(MASTER_SECRET))


def erase(dsn: str, ring: KeyRing, holder: Caller, *last_fours: int) -> None:
    """A holder erases numbers, as when it completes their relays. Losses wait until they are taken off."""

    async def work(database: Database) -> None:
        async with database.transaction() as session:
            for key in sorted(ring.pseudonym(FICTION + last) for last in last_fours):
                await exclude_holder(session, ring, key, holder.id)

    with_database(dsn, work)


def left(dsn: str, dataset: Any) -> dict[str, int]:
    """What is left in a dataset: of its numbers, its orphans, and by ancestor."""
    of_dataset = "SELECT numbers_left, orphans_left FROM dataset WHERE id = %s"
    ((numbers, orphans),) = rows(dsn, of_dataset, dataset["id"])
    of_ancestors = "SELECT ancestor_id, count_left FROM ancestor_count WHERE dataset_id = %s"
    return {"numbers": numbers, "orphans": orphans} | {str(a): n for a, n in rows(dsn, of_ancestors, dataset["id"])}


def test_transfer_after_an_erasure_counts_only_what_is_handed_over(registry: Registry, dsn: str, ring: KeyRing) -> None:
    shop, broker = registry.collector(), registry.broker()
    source = collected(shop, [1, 2])
    erase(dsn, ring, shop, 1)
    transfer = hand_over(shop, source, broker)
    assert transfer["number_count"] == 1
    received = broker.get(f"/v1/datasets/{transfer['received_dataset_id']}")
    assert (received["number_count"], received["orphan_count"]) == (1, 0)
    lineage = broker.get(f"/v1/datasets/{received['id']}/lineage")
    assert {node["common_count"] for node in lineage["nodes"]} == {1}
    assert [edge["number_count"] for edge in lineage["edges"]] == [1]
    (notice,) = broker.get("/v1/notices")["items"]
    reached = shop.get(f"/v1/notices/{notice['id']}/impact")["datasets"]
    assert [dataset["number_count"] for dataset in reached] == [2, 1]
    # What was sealed stays counted as it was.
    assert shop.get(f"/v1/datasets/{source['id']}")["number_count"] == 2


def test_transfer_of_which_all_numbers_were_erased_gives_its_recipient_no_sight_upstream(
    registry: Registry, dsn: str, ring: KeyRing
) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    source = collected(shop, [1])
    bought = hand_over(shop, source, broker)
    erase(dsn, ring, broker, 1)
    take_off_losses(dsn)
    sold = hand_over(broker, {"id": bought["received_dataset_id"]}, party, **LATER)
    assert sold["number_count"] == 0
    assert [row["id"] for row in party.get("/v1/datasets")["items"]] == [sold["received_dataset_id"]]


def test_erasure_lowers_own_counts_within_a_minute_and_no_others(registry: Registry, dsn: str, ring: KeyRing) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    source = collected(shop, [1, 2, 3])
    bought = {"id": hand_over(shop, source, broker)["received_dataset_id"]}
    cut = filled(broker, [1, 2, 9], derived_from=[bought["id"]], **LATER)
    sold = {"id": hand_over(broker, cut, party, **LATER)["received_dataset_id"]}
    erase(dsn, ring, broker, 1, 9)
    before = rows(dsn, "SELECT version FROM graph_version")
    take_off_losses(dsn)
    assert left(dsn, cut) == {"numbers": 1, "orphans": 0, bought["id"]: 1, source["id"]: 1}
    assert left(dsn, bought) == {"numbers": 2, "orphans": 0, source["id"]: 2}
    assert left(dsn, sold) == {"numbers": 3, "orphans": 1, cut["id"]: 3, bought["id"]: 2, source["id"]: 2}
    assert left(dsn, source) == {"numbers": 3, "orphans": 0}
    # Nobody's sight changed, so that the graph did not either.
    assert rows(dsn, "SELECT version FROM graph_version") == before
    assert rows(dsn, "SELECT count(*) FROM loss") == [(0,)]
    printed = broker.get(f"/v1/datasets/{cut['id']}/lineage?direction=upstream")["nodes"]
    assert [node["common_count"] for node in printed] == [2, 2, 3]


def test_holder_that_erased_the_last_number_of_a_supplier_no_longer_sees_it(
    registry: Registry, dsn: str, ring: KeyRing
) -> None:
    first, second, broker = registry.collector(), registry.collector(), registry.broker()
    sources = collected(first, [1]), collected(second, [2])
    for shop, source in zip((first, second), sources, strict=True):
        hand_over(shop, source, broker)
    parents = [row["id"] for row in broker.get("/v1/datasets")["items"] if row["holder_id"] == str(broker.id)]
    base = broker.seal(open_dataset(broker, content="union", derived_from=parents, **LATER)["id"])
    erase(dsn, ring, broker, 1)
    take_off_losses(dsn)
    seen = {row["id"] for row in broker.get("/v1/datasets")["items"]}
    assert seen == {*parents, base["id"], sources[1]["id"]}
    # What it was a side of, it still sees, with whom it dealt.
    assert len(broker.get("/v1/transfers")["items"]) == 2
    assert broker.request("GET", f"/v1/datasets/{sources[0]['id']}").status_code == 404
    lineage = broker.get(f"/v1/datasets/{base['id']}/lineage?direction=upstream")
    assert sources[0]["id"] not in str(lineage)


def test_acknowledgement_after_a_denial_counts_what_is_taken_over_then(
    registry: Registry, dsn: str, ring: KeyRing
) -> None:
    shop, broker = registry.collector(), registry.broker()
    source = collected(shop, [1, 2, 3, 4])
    transfer = hand_over(shop, source, broker)
    received = {"id": transfer["received_dataset_id"]}
    erase(dsn, ring, broker, 4)
    path = f"/v1/transfers/{transfer['id']}/statements"
    broker.post(path, {"status": "denied", **LATER})
    erase(dsn, ring, shop, 1)
    broker.post(path, {"status": "acknowledged", **LATER})
    take_off_losses(dsn)
    assert broker.get(f"/v1/datasets/{received['id']}")["number_count"] == 3
    assert broker.get(f"/v1/transfers/{transfer['id']}")["number_count"] == 4
    assert left(dsn, received) == {"numbers": 2, "orphans": 0, source["id"]: 2}


def findings(dsn: str) -> set[tuple[str, str]]:
    """What `filiation fsck` finds, by kind and dataset."""
    return {(str(found.kind), str(found.dataset_id)) for found in check_memberships(dsn).findings}


def test_fsck_makes_counts_again_and_finds_those_that_differ(registry: Registry, dsn: str, ring: KeyRing) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    source = collected(shop, [1, 2, 3, 4])
    bought = {"id": hand_over(shop, source, broker)["received_dataset_id"]}
    cut = filled(broker, [1, 2, 3, 9], derived_from=[bought["id"]], **LATER)
    erase(dsn, ring, shop, 2, 3)
    erase(dsn, ring, broker, 1, 3, 9)
    sold = hand_over(broker, cut, party, **LATER)
    assert findings(dsn) == set()
    take_off_losses(dsn)
    assert findings(dsn) == set()
    received = sold["received_dataset_id"]
    damages = {
        "UPDATE ancestor_count SET count_left = 0 WHERE dataset_id = %s": Violation.COUNT_LEFT,
        "DELETE FROM notice_count WHERE dataset_id = %s": Violation.COUNT_LEFT,
        "UPDATE dataset SET orphans_left = 1, orphan_count = 1 WHERE id = %s": Violation.COUNT_LEFT,
        "UPDATE dataset SET numbers_left = 0, number_count = 0 WHERE id = %s": Violation.COUNT_AT_SEALING,
    }
    for damage, kind in damages.items():
        with psycopg.connect(dsn) as connection:
            connection.execute(damage, [received])
        assert (str(kind), received) in findings(dsn), damage
