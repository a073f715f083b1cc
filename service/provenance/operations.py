"""One function per operation on provenance."""

import uuid
from collections.abc import Mapping, Sequence
from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.access.models import Inspection
from service.access.visibility import Visibility, visible_to
from service.core.clock import now
from service.core.db import Database, connection_of
from service.core.errors import Forbidden, NotFound, Unprocessable
from service.core.vocabulary import DatasetState
from service.membership import bulk_read
from service.membership.descent.ancestors import Ancestors, read_ancestors
from service.membership.store import Contests, LookupResult
from service.number.keyring import KeyRing
from service.number.request_number import read_number
from service.provenance.answer.build import PreparedAnswer
from service.provenance.answer.schemas import LookupIn
from service.provenance.answering import answer_of
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.graph import datasets_counted, datasets_holding
from service.provenance.graph.released_holdings import datasets_counting
from service.provenance.graph.rows import NoticeRow
from service.provenance.lineage.schemas import ImpactOut, LineageOut
from service.provenance.lineage.views import PageOf, Reach, are_counts_shown, impact_view, lineage_view, read_place
from service.provenance.lineage.walk import (
    DatasetGroup,
    Direction,
    campaigns_sent_to,
    clients_holding,
    count_from_ancestor,
    datasets_reached,
    denied_among,
    is_collected_under,
    walk_lineage,
)
from service.provenance.snapshot import Snapshot, Snapshots


async def look_up_number(
    database: Database, snapshots: Snapshots, ring: KeyRing, actor: Actor, wanted: LookupIn
) -> PreparedAnswer:
    """What the caller may see of one number. A regulator's lookup is recorded with its reason.

    Raises:
        Unprocessable: the number cannot be read, or the reason is missing or contains what could be a number.
    """
    number = read_number(wanted.number, wanted.region)
    _check_reason(actor, wanted.reason)
    if actor.is_regulator:
        # Committed before anything is read, so that no answer is seen without a record.
        async with database.transaction() as session:
            session.add(_inspection(ring, actor, number, wanted.reason))
    snapshot, found = await snapshots.locate_all(ring, number)
    visibility_of = partial(visible_to, snapshot.visibility_index, actor)
    contests = found.contests if actor.is_regulator else _contests_shown(snapshot, found)
    return await answer_of(snapshot, found.memberships, found.erasures, visibility_of, contests)


def _contests_shown(snapshot: Snapshot, found: LookupResult) -> Contests:
    """The contests of origins in which the number counts.

    Who invents an origin with guessed numbers, which nobody released, must not learn whose person contests it.
    """
    if not found.contests:
        return found.contests
    graph, erasures = snapshot.graph, found.erasures
    known = datasets_holding(graph, (membership.dataset_id for membership in found.memberships), erasures)
    counting = datasets_counting(graph, datasets_counted(graph, known, erasures), erasures)
    return {dataset_id: contest for dataset_id, contest in found.contests.items() if dataset_id in counting}


def _check_reason(actor: Actor, reason: str | None) -> None:
    if reason is None and actor.is_regulator:
        raise Unprocessable("reason_required", "Give the reason of this lookup in `reason`. It is recorded.")


def _inspection(ring: KeyRing, actor: Actor, number: int, reason: str | None) -> Inspection:
    return Inspection(
        organisation_id=actor.organisation_id,
        api_key_id=actor.key_id,
        operation="look_up_number",
        number_fingerprint=ring.fingerprint("inspection", str(number).encode()),
        reason=reason,
    )


async def get_dataset_lineage(
    database: Database,
    snapshots: Snapshots,
    actor: Actor,
    dataset_id: uuid.UUID,
    direction: Direction,
    depth: int | None,
    after: str | None,
    limit: int,
) -> LineageOut:
    """What a dataset comes from and what was made from it, as far as the caller may see.

    Raises:
        NotFound: the dataset does not exist, or the caller may not see it.
        Unprocessable: no page ends with this cursor.
    """
    place = None if after is None else read_place(after)
    async with database.snapshot() as reading:
        snapshot = await snapshots.current(reading)
        visibility, facts = visible_to(snapshot.visibility_index, actor), snapshot.graph.facts
        if dataset_id not in visibility.datasets:
            raise NotFound("dataset")
        denied = None
        if are_counts_shown(visibility, dataset_id) and facts.datasets[dataset_id].state == DatasetState.SEALED:
            origins = denied_among(facts, (dataset_id, *facts.ancestor_counts.get(dataset_id, ())))
            denied = await _count_collected(reading, facts, (dataset_id,), origins)
    found = walk_lineage(snapshot.graph, dataset_id, direction, depth, visibility.datasets | visibility.bare)
    return lineage_view(snapshot.graph, visibility, dataset_id, found, PageOf(place, limit), denied)


async def get_notice_impact(database: Database, snapshots: Snapshots, actor: Actor, notice_id: uuid.UUID) -> ImpactOut:
    """The impact of a notice. The authority sees all of it, the collector one hop on from what it holds.

    Raises:
        NotFound: the notice does not exist, or the caller may not see it.
        Forbidden: the caller may see the notice, but not its impact.
    """
    async with database.snapshot() as reading:
        snapshot = await snapshots.current(reading)
        facts, visibility = snapshot.graph.facts, visible_to(snapshot.visibility_index, actor)
        notice = _find_notice(facts, visibility, actor, notice_id)
        counts = datasets_reached(facts, notice.first_id, visibility.datasets | visibility.bare)
        clients, campaigns = clients_holding(facts, counts), campaigns_sent_to(facts, visibility.campaigns, counts)
        groups = {*clients.values(), *campaigns.values(), *((dataset_id,) for dataset_id in counts)}
        holding = facts.notice_counts.get(notice.first_id, ())
        collected = [id_ for id_ in holding if is_collected_under(facts, id_, notice.first_id)]
        denied = denied_among(facts, collected)
        distinct = {
            group: Reach(
                await _count_distinct(reading, notice.first_id, group, counts),
                await _count_collected(reading, facts, group, denied),
            )
            for group in groups
        }
    return impact_view(snapshot.graph, visibility, notice, counts, distinct, now())


def _find_notice(facts: FactIndex, visibility: Visibility, actor: Actor, notice_id: uuid.UUID) -> NoticeRow:
    notice = facts.notices.get(notice_id)
    if notice is not None and (visibility.whole or notice.collector_id == actor.organisation_id):
        return notice
    if notice is not None and any(
        is_collected_under(facts, dataset_id, notice.first_id) for dataset_id in visibility.datasets
    ):
        raise Forbidden(
            "impact_not_visible", "Only its collector and a supervisory authority can see the impact of a notice."
        )
    raise NotFound("notice")


async def _count_distinct(
    reading: AsyncSession, notice_id: uuid.UUID, group: DatasetGroup, counts: Mapping[uuid.UUID, int | None]
) -> int | None:
    """How many numbers of several datasets together come from a notice, each counted once. None while it is counted."""
    if len(group) == 1:
        return counts[group[0]]
    ancestors = await read_ancestors(reading, group)
    return await _trace(reading, ancestors, group, ancestors.datasets_by_notice().get(notice_id, []))


async def _count_collected(
    reading: AsyncSession, facts: FactIndex, group: DatasetGroup, collected: Sequence[uuid.UUID]
) -> int | None:
    """How many numbers of several datasets together come from these collected datasets. None while that is counted."""
    if not collected:
        return 0
    if any(dataset_id in facts.recounting for dataset_id in group):
        return None
    if len(group) == len(collected) == 1:
        return count_from_ancestor(facts, collected[0], group[0])
    return await _trace(reading, await read_ancestors(reading, group), group, collected)


async def _trace(
    reading: AsyncSession, ancestors: Ancestors, group: DatasetGroup, collected: Sequence[uuid.UUID]
) -> int:
    connection = await connection_of(reading)
    found = 0
    for shards in await bulk_read.ranges_to_trace(connection, ancestors.dag):
        found += (await bulk_read.trace_shards(connection, ancestors.dag, group, shards)).count(collected)
    return found
