"""What changed from one state of a world to the next, worked out by comparing all rows."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from service.core.vocabulary import ChangeKind
from service.provenance.graph.draft import Difference
from service.provenance.graph.rows import KINDS, Rows
from service.provenance.snapshot import Snapshot
from tests.provenance import oracle
from tests.provenance.builders import World


def frozen_rows(world: World) -> Rows:
    """The rows of a world, which stay the same when the world goes on."""
    return Rows(**{name: tuple(found) for name, found in vars(oracle.rows_of(world)).items()})


def by_object(rows: Rows, kind: ChangeKind) -> dict[UUID, list[Any]]:
    """The rows of a kind by the object that they belong to."""
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in getattr(rows, KINDS[kind].field):
        groups[getattr(row, KINDS[kind].object_id)].append(row)
    return groups


def difference_of(before: Rows, after: Rows, more: Iterable[ChangeKind] = ()) -> Difference:
    """What changed. Of the kinds in `more` every object is given, changed or not."""
    objects, found = {}, {}
    for kind in ChangeKind:
        former, now = by_object(before, kind), by_object(after, kind)
        ids = [key for key in {*former, *now} if kind in more or former.get(key) != now.get(key)]
        objects[kind] = frozenset(ids)
        found[KINDS[kind].field] = [row for key in ids for row in now.get(key, ())]
    return Difference(objects, Rows(**found))


def require_equal(found: Snapshot, expected: Snapshot) -> None:
    """Refuse snapshots that differ anywhere."""
    assert found.graph.facts == expected.graph.facts
    assert found.visibility_index == expected.visibility_index
    assert found.graph == expected.graph
