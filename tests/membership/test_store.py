"""The store compared with plain Python: staging, loading, lookups and bulk reads."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from service.core.clock import now
from service.core.db import Database
from service.core.erasures import NO_ERASURES
from service.core.ids import uuid7
from service.core.vocabulary import Content
from service.membership import blocks, bulk_read, runs, store
from service.membership.descent.dag import Node
from service.membership.exclusion import exclude
from service.membership.runs import Digest
from service.membership.store import LoadedRange, Membership, Stored
from service.number.keyring import KeyMismatchError, KeyRing, Keys, unpack_keys
from tests.inspection import rows
from tests.membership.builders import Line, from_unix, load_staged, new_dataset, stage_numbers, store_numbers
from tests.membership.model import lines_by_number

Connection = AsyncConnection[Any]
InTransaction = Callable[[Callable[[Connection], Awaitable[None]]], None]

# All shards, divided as reads may divide them.
RANGES = (range(5), range(5, 6), range(6, blocks.SHARDS))
BY_SHARD = [range(shard, shard + 1) for shard in range(blocks.SHARDS)]

# A part is a list of chunks, and a dataset has parts.
Chunk = list[Line]

SOME = [33639980000 + n for n in range(12)]
lines = st.tuples(
    st.sampled_from(SOME), st.sampled_from([0, 1, 1_600_000_000, 2**32 - 1]), st.none() | st.text(max_size=9)
)
parts = st.lists(st.lists(st.lists(lines, max_size=8), max_size=2), max_size=3)


async def stored_in(connection: Connection, ring: KeyRing, key: bytes) -> list[Membership]:
    """Every dataset that stores a key."""
    return (await store.lookup(connection, ring, key)).memberships


async def stage_chunk(
    connection: Connection, ring: KeyRing, dataset_id: uuid.UUID, part: int, number: int, chunk: Chunk
) -> None:
    record_ids = np.full(len(chunk), None, np.object_)
    record_ids[:] = [line[2] for line in chunk]
    run = runs.sorted_run(
        ring.pseudonyms(np.array([line[0] for line in chunk], np.int64)),
        np.array([line[1] for line in chunk], np.uint32),
        record_ids,
    )
    await store.stage(connection, ring, dataset_id, part, number, run)


async def numbers_of(connection: Connection, ring: KeyRing, dataset_id: uuid.UUID) -> list[int]:
    found: list[int] = []
    for shards in RANGES:
        keys = (await bulk_read.keys_in_shards(connection, [dataset_id], shards))[dataset_id]
        found += ring.numbers(keys).tolist()
    return sorted(found)


@settings(max_examples=25, deadline=None)
@given(datasets=st.lists(parts, min_size=1, max_size=3))
def test_lookup_after_uploads_agrees_with_a_dictionary(
    datasets: list[list[list[Chunk]]], ring: KeyRing, in_transaction: InTransaction
) -> None:
    async def test(connection: Connection) -> None:
        expected: dict[uuid.UUID, dict[int, Line]] = {}
        for uploaded in datasets:
            dataset_id = await new_dataset(connection)
            for part, chunks in enumerate(uploaded):
                for number, chunk in enumerate(chunks):
                    await stage_chunk(connection, ring, dataset_id, part, number, chunk)
            everything = [line for chunks in uploaded for chunk in chunks for line in chunk]
            loaded = await load_staged(connection, ring, dataset_id)
            best = expected[dataset_id] = lines_by_number(everything)
            assert sum(shard.digest.count for shard in loaded) == len(best)
            assert sum(shard.duplicates for shard in loaded) == len(everything) - len(best)
            known = [line[1] for line in best.values() if line[1]]
            firsts = [shard.first_consented_at for shard in loaded if shard.first_consented_at]
            lasts = [shard.last_consented_at for shard in loaded if shard.last_consented_at]
            assert min(firsts, default=None) == from_unix(min(known, default=0))
            assert max(lasts, default=None) == from_unix(max(known, default=0))
        for number in SOME:
            assert sorted(await stored_in(connection, ring, ring.pseudonym(number))) == sorted(
                Membership(dataset_id, from_unix(best[number][1]), best[number][2])
                for dataset_id, best in expected.items()
                if number in best
            )

    in_transaction(test)


def test_lookup_unknown_number_still_returns_the_version(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        await connection.execute("UPDATE graph_version SET version = 7")
        assert await store.lookup(connection, ring, ring.pseudonym(SOME[0])) == (7, [], {}, {})

    in_transaction(test)


def test_lookup_many_gives_each_key_its_own_in_their_order_with_its_erasures(
    ring: KeyRing, in_transaction: InTransaction
) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await store_numbers(connection, ring, SOME[:3])
        erased, *others = (ring.pseudonym(number) for number in (SOME[1], SOME[7], SOME[2], SOME[0], SOME[2]))
        moment = now()
        await exclude(connection, erased, [dataset_id], moment)
        found = await store.lookup_many(connection, [erased, *others])
        stored = Stored([dataset_id], NO_ERASURES)
        assert found.numbers == [
            Stored([dataset_id], {dataset_id: moment}), Stored([], NO_ERASURES), stored, stored, stored
        ]  # fmt: skip

    in_transaction(test)


async def look_up_one(connection: Connection, key: bytes) -> None:
    await store.lookup(connection, KeyRing(bytes(32)), key)


async def look_up_many(connection: Connection, key: bytes) -> None:
    await store.lookup_many(connection, [key, key])


@pytest.mark.parametrize("look_up", [look_up_one, look_up_many])
def test_lookup_planned_while_there_was_no_block_does_not_read_all_blocks_later(
    look_up: Callable[[Connection, bytes], Awaitable[None]], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[str] = []
    rows_of = store.rows_of

    async def explained(connection: Connection, query: Any, parameters: Any) -> AsyncIterator[tuple[Any, ...]]:
        plans.extend([row[0] async for row in rows_of(connection, f"EXPLAIN {query}", parameters)])
        async for row in rows_of(connection, query, parameters):
            yield row

    async def plan() -> None:
        database = Database(dsn)
        await database.vacuum("membership_block")
        await database.without_transaction(lambda connection: look_up(connection, bytes(16)))
        await database.close()

    rows(dsn, "ANALYZE membership_block")
    monkeypatch.setattr(store, "rows_of", explained)
    asyncio.run(plan())
    assert any("Index Scan using membership_block_own" in line for line in plans)
    assert not any("Seq Scan on membership_block" in line for line in plans)


def test_lookup_among_ten_thousand_numbers_finds_each_only_where_it_is(
    ring: KeyRing, in_transaction: InTransaction
) -> None:
    async def test(connection: Connection) -> None:
        base = range(33639980000, 33639990000)
        odd = await store_numbers(connection, ring, base[1::2])
        tail = await store_numbers(connection, ring, base[-50:])
        wanted = [*base[:20], *base[-70:]]
        together = (await store.lookup_many(connection, [ring.pseudonym(number) for number in wanted])).numbers
        for number, stored in zip(wanted, together, strict=True):
            found = await stored_in(connection, ring, ring.pseudonym(number))
            expected = {odd} if number % 2 else set()
            expected |= {tail} if number in base[-50:] else set()
            assert {membership.dataset_id for membership in found} == set(stored.dataset_ids) == expected
        assert await numbers_of(connection, ring, odd) == list(base[1::2])

    in_transaction(test)


# At one level throughout, 348,000 numbers would make rows a little over a third of a page: 24 bytes a number.
@pytest.mark.parametrize("count", [348_000, 480_000])
def test_load_large_dataset_fills_pages(count: int, ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        # A new file, without the rows that earlier tests left.
        await connection.execute("TRUNCATE membership_block")
        await store_numbers(connection, ring, range(33_600_000_000, 33_600_000_000 + count))
        cursor = await connection.execute("SELECT pg_total_relation_size('membership_block_own')::float8")
        row = await cursor.fetchone()
        assert row is not None
        assert row[0] / count < 18

    in_transaction(test)


def test_stage_part_again_replaces_only_that_part(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await new_dataset(connection)
        await stage_chunk(connection, ring, dataset_id, 1, 0, [(SOME[0], 0, None)])
        await stage_chunk(connection, ring, dataset_id, 2, 0, [(SOME[1], 0, None)])
        await store.unstage(connection, dataset_id, 2)
        await stage_chunk(connection, ring, dataset_id, 2, 0, [(SOME[2], 0, None)])
        await load_staged(connection, ring, dataset_id)
        assert await numbers_of(connection, ring, dataset_id) == [SOME[0], SOME[2]]

    in_transaction(test)


def test_load_equal_duplicates_in_any_order_of_arrival_keeps_the_first_line(
    ring: KeyRing, in_transaction: InTransaction
) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await new_dataset(connection)
        for part, run in ((2, 1), (1, 2), (1, 1), (2, 2)):
            await stage_chunk(connection, ring, dataset_id, part, run, [(SOME[0], 5, f"{part}-{run}")])
        await load_staged(connection, ring, dataset_id)
        found = await stored_in(connection, ring, ring.pseudonym(SOME[0]))
        assert found == [Membership(dataset_id, from_unix(5), "1-1")]

    in_transaction(test)


def test_keys_in_shards_after_rows_were_rewritten_are_in_order(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await store_numbers(connection, ring, range(33639980000, 33639990000))
        # An update writes the row again, after all others.
        await connection.execute("UPDATE membership_block SET keys = keys WHERE lead % 3 = 0")
        for shards in (*RANGES, *BY_SHARD):
            keys = (await bulk_read.keys_in_shards(connection, [dataset_id], shards))[dataset_id]
            assert len(keys) > 200
            assert keys.hi.tolist() == sorted(keys.hi.tolist())

    in_transaction(test)


def test_stage_run_or_load_range_twice_is_refused(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await stage_numbers(connection, ring, SOME)
        segment = await store.begin_segment(connection, dataset_id)
        await store.load_range(connection, ring, dataset_id, segment, range(blocks.SHARDS))
        shard = ring.pseudonym(SOME[0])[0] >> 3
        with pytest.raises(psycopg.errors.UniqueViolation):
            async with connection.transaction():
                await store.load_range(connection, ring, dataset_id, segment, range(shard, shard + 1))
        with pytest.raises(psycopg.errors.UniqueViolation):
            async with connection.transaction():
                await stage_chunk(connection, ring, dataset_id, 1, 1, [(SOME[0], 0, None)])

    in_transaction(test)


def test_unstage_except_uploads_keeps_only_these(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await new_dataset(connection)
        for part in range(4):
            await stage_chunk(connection, ring, dataset_id, part, 0, [(SOME[part], 0, None)])
        await store.unstage_except(connection, dataset_id, [1, 3])
        await load_staged(connection, ring, dataset_id)
        assert await numbers_of(connection, ring, dataset_id) == [SOME[1], SOME[3]]

    in_transaction(test)


def test_lookup_before_a_load_is_completed_finds_nothing(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        gone, other = await stage_numbers(connection, ring, SOME), await store_numbers(connection, ring, SOME[:2])
        segment = await store.begin_segment(connection, gone)
        await store.load_range(connection, ring, gone, segment, range(blocks.SHARDS))
        assert await numbers_of(connection, ring, gone) == SOME
        assert await stored_in(connection, ring, ring.pseudonym(SOME[0])) == [Membership(other, None, None)]
        await store.unstage(connection, gone)
        await stage_chunk(connection, ring, gone, 1, 0, [(SOME[5], 0, None)])
        await store.drop_unfinished_segment(connection, gone)
        assert await numbers_of(connection, ring, gone) == []
        found = await stored_in(connection, ring, ring.pseudonym(SOME[0]))
        assert found == [Membership(other, None, None)]
        await load_staged(connection, ring, gone)
        assert await numbers_of(connection, ring, gone) == [SOME[5]]

    in_transaction(test)


@pytest.mark.parametrize("ranges", [RANGES, BY_SHARD], ids=["ranges", "shards"])
def test_content_in_shards_gives_extra_and_missing_numbers_of_a_received_file(
    ring: KeyRing, in_transaction: InTransaction, ranges: Sequence[range]
) -> None:
    async def test(connection: Connection) -> None:
        left, right = await store_numbers(connection, ring, SOME[:5]), await store_numbers(connection, ring, SOME[3:8])
        merged = uuid7()
        dag = {
            left: Node(Content.UPLOADED),
            right: Node(Content.UPLOADED),
            merged: Node(Content.UNION, (left, right)),
        }
        received = await stage_numbers(connection, ring, [*SOME[1:9], SOME[9], SOME[9]])
        extra, missing = [], []
        for shards in ranges:
            declared = await bulk_read.content_in_shards(connection, dag, merged, shards)
            uploaded = await store.staged_keys(connection, ring, received, shards)
            extra += ring.numbers(uploaded[~runs.isin_sorted(uploaded, declared)]).tolist()
            missing += ring.numbers(declared[~runs.isin_sorted(declared, uploaded)]).tolist()
        assert (extra, missing) == ([SOME[9], SOME[8]], [SOME[0]])

    in_transaction(test)


@pytest.mark.parametrize("ranges", [RANGES, BY_SHARD], ids=["ranges", "shards"])
def test_trace_shards_of_stored_datasets_gives_counts_and_orphans(
    ring: KeyRing, in_transaction: InTransaction, ranges: Sequence[range]
) -> None:
    async def test(connection: Connection) -> None:
        first, second = (
            await store_numbers(connection, ring, SOME[:6]),
            await store_numbers(connection, ring, SOME[4:8]),
        )
        cut = await store_numbers(connection, ring, [*SOME[2:5], SOME[11]])
        merged, received = uuid7(), uuid7()
        dag = {
            first: Node(Content.UPLOADED),
            second: Node(Content.UPLOADED),
            merged: Node(Content.UNION, (first, second)),
            cut: Node(Content.UPLOADED, (merged,)),
            received: Node(Content.SHARED, (cut,)),
        }
        counts = dict.fromkeys(dag, 0)
        orphans: list[int] = []
        for shards in ranges:
            ancestry = await bulk_read.trace_shards(connection, dag, [received], shards)
            counts = {name: counts[name] + count for name, count in ancestry.counts().items()}
            orphans += ring.numbers(ancestry.keys[ancestry.orphans([first, second])]).tolist()
        assert counts == {first: 3, second: 1, merged: 3, cut: 4, received: 4}
        assert orphans == [SOME[11]]

    in_transaction(test)


def test_stored_rows_contain_no_readable_number_or_record_id(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await new_dataset(connection)
        await stage_chunk(connection, ring, dataset_id, 1, 0, [(SOME[0], 1, "opt-in-4711")])
        segment = await store.begin_segment(connection, dataset_id)
        await store.load_range(connection, ring, dataset_id, segment, range(blocks.SHARDS))
        for columns, source in (
            ("content", "staged_run WHERE dataset_id = %s"),
            (
                "keys || record_ids",
                "membership_block WHERE segment_id = (SELECT segment_id FROM segment_member WHERE dataset_id = %s)",
            ),
        ):
            cursor = connection.cursor(binary=True)
            await cursor.execute(f"SELECT {columns} FROM {source}", (dataset_id,))
            (content,) = (await cursor.fetchall())[0]
            for readable in (b"opt-in", SOME[0].to_bytes(8), str(SOME[0]).encode()):
                assert readable not in content

    in_transaction(test)


def test_lookup_with_another_secret_cannot_decrypt_record_ids(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await new_dataset(connection)
        await stage_chunk(connection, ring, dataset_id, 1, 0, [(SOME[0], 1, "opt-in-4711")])
        await load_staged(connection, ring, dataset_id)
        with pytest.raises(KeyMismatchError):
            await stored_in(connection, KeyRing(bytes(32)), ring.pseudonym(SOME[0]))

    in_transaction(test)


def test_lookup_bytes_across_two_neighbouring_keys_finds_nothing(ring: KeyRing, in_transaction: InTransaction) -> None:
    left, right = bytes(8) + b"\1" * 8, bytes(8) + b"\2" * 8
    across = left[8:] + right[:8]

    async def holding(connection: Connection, *keys: bytes) -> uuid.UUID:
        dataset_id = await new_dataset(connection)
        run = runs.sorted_run(unpack_keys(b"".join(keys)))
        await store.stage(connection, ring, dataset_id, 1, 1, run)
        await load_staged(connection, ring, dataset_id)
        return dataset_id

    async def test(connection: Connection) -> None:
        await holding(connection, left, right)
        assert await stored_in(connection, ring, across) == []
        both = await holding(connection, left, right, across)
        assert await stored_in(connection, ring, across) == [Membership(both, None, None)]

    in_transaction(test)


def test_keys_in_shards_without_numbers_is_empty(ring: KeyRing, in_transaction: InTransaction) -> None:
    async def test(connection: Connection) -> None:
        dataset_id = await new_dataset(connection)
        keys = await bulk_read.keys_in_shards(connection, [dataset_id], range(1))
        assert isinstance(keys[dataset_id], Keys)
        assert len(keys[dataset_id]) == 0
        segment = await store.begin_segment(connection, dataset_id)
        loaded = await store.load_range(connection, ring, dataset_id, segment, range(blocks.SHARDS))
        assert loaded == LoadedRange(Digest(), 0, None, None)

    in_transaction(test)
