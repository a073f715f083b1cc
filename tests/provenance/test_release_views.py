"""What counts as a first upload and as released: the views in SQL and the functions over the graph say the same."""

import asyncio

from service.core.db import Database
from service.core.vocabulary import Role
from service.provenance.graph.released_holdings import is_first_upload, is_released
from tests.inspection import rows
from tests.provenance import oracle
from tests.provenance.builders import World
from tests.provenance.stored import store_world


def every_case() -> World:
    """Datasets that are collected, received by their sender's or their holder's word, derived; released and not."""
    world = World()
    broker, party = world.organisation(Role.BROKER), world.organisation(Role.PARTY)
    named = world.organisation(Role.COLLECTOR, account=False, named_by=broker)
    collection = world.collection(world.notice(named, broker), broker)
    collected = world.dataset(named, {1, 2}, collection=collection, asserted_by=broker)
    _, bought = world.transfer(collected, broker, asserted_by=broker)
    cut = world.dataset(broker, {2, 3}, [bought])
    transfer, _ = world.transfer(cut, party)
    again, _ = world.transfer(cut, party)
    for dataset in list(world.datasets):
        world.release(dataset)
    world.release(cut, withdrawn=True)
    world.release(collected, withdrawn=True)
    world.release(collected)
    world.dispute(transfer, {2, 9})
    world.transfer(cut, party)
    world.add_statement(again, "recipient", "denied")
    return world


def test_views_of_releases_say_the_same_as_the_graph(dsn: str) -> None:
    world = every_case()

    async def store() -> None:
        database = Database(dsn, pool_size=1)
        async with database.transaction() as session:
            await store_world(session, oracle.rows_of(world))
        await database.close()

    asyncio.run(store())
    facts = oracle.snapshot_of(world).graph.facts
    first = {dataset for dataset in world.datasets if is_first_upload(facts, dataset)}
    released = {dataset for dataset in world.datasets if is_released(facts, dataset)}
    assert {row[0] for row in rows(dsn, "SELECT dataset_id FROM first_upload")} == first
    assert {row[0] for row in rows(dsn, "SELECT dataset_id FROM released_dataset")} == released
    assert released == {dataset for dataset in world.datasets if oracle.is_released(world, dataset)}
    assert 0 < len(released) < len(world.datasets)
