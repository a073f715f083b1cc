"""Datasets against erasures: the moments that are shown stand in the order in which things took effect."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.builders import filled, hand_over, number, open_dataset
from tests.callers import Caller
from tests.inspection import rows, until, waiting_for_locks
from tests.interleaving import held_at_commit
from tests.objection.builders import Holders, create_objection, relays_to

Begin = Callable[[], Any]


def sealing(holders: Holders) -> Begin:
    """The party uploads the number again and has the dataset sealed."""
    dataset = open_dataset(holders.party)
    holders.party.put_part(dataset["id"], [number(7)])

    def seal() -> Any:
        holders.party.seal(dataset["id"])
        return dataset["id"]

    return seal


def delivery(holders: Holders) -> Begin:
    """Another organisation hands the number over to the party."""
    seller = holders.registry.broker()
    dataset = filled(seller, [7])
    return lambda: hand_over(seller, dataset, holders.party)["received_dataset_id"]


BEGINNINGS = pytest.mark.parametrize("beginning", [sealing, delivery])


def complete_erasure(holder: Caller) -> Any:
    """Complete the erasure that was relayed to a holder first."""
    return holder.post(f"/v1/objections/relays/{relays_to(holder)[0]['id']}/complete")


def moments(dsn: str, dataset_id: str, holder: Caller) -> Any:
    """Whether the erasure ended before the dataset was sealed, and whether the dataset holds the number now."""
    query = "SELECT ended_at < (SELECT sealed_at FROM dataset WHERE id = %s) FROM relay WHERE ended_at IS NOT NULL"
    ((ended_before,),) = rows(dsn, query, dataset_id)
    held = {holding["dataset"]["id"] for holding in holder.lookup(number(7))["holdings"]}
    return ended_before, dataset_id in held


@BEGINNINGS
def test_complete_erasure_while_a_dataset_with_the_number_is_being_committed_reaches_it(
    holders: Holders, dsn: str, beginning: Callable[[Holders], Begin]
) -> None:
    begin = beginning(holders)
    create_objection(holders.person(7), kind="erasure")
    with ThreadPoolExecutor(2) as threads, held_at_commit(dsn, "dataset", "NEW.state = 'sealed'") as held:
        begun = threads.submit(begin)
        held.wait()
        ended = threads.submit(complete_erasure, holders.party)
        until(lambda: waiting_for_locks(dsn) == 2)
        assert not ended.done()
        held.release()
        dataset_id = begun.result()
        assert ended.result()["state"] == "completed"
    assert moments(dsn, dataset_id, holders.party) == (False, False)


@BEGINNINGS
def test_dataset_with_the_number_sealed_while_an_erasure_is_being_committed_is_later(
    holders: Holders, dsn: str, beginning: Callable[[Holders], Begin]
) -> None:
    begin = beginning(holders)
    create_objection(holders.person(7), kind="erasure")
    with ThreadPoolExecutor(2) as threads, held_at_commit(dsn, "relay", "NEW.state = 'completed'") as held:
        ended = threads.submit(complete_erasure, holders.party)
        held.wait()
        begun = threads.submit(begin)
        until(lambda: waiting_for_locks(dsn) == 2)
        assert not begun.done()
        held.release()
        assert ended.result()["state"] == "completed"
        dataset_id = begun.result()
    assert moments(dsn, dataset_id, holders.party) == (True, True)
