"""What each transaction changed: recorded whatever wrote it, and with the version that it gave the graph."""

from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from service.core.facts import GraphRow
from service.core.vocabulary import ChangeKind
from service.models import metadata
from tests.builders import filled, hand_over, make_collection, make_notice, open_dataset
from tests.callers import Registry
from tests.inspection import rows


def graph_version(dsn: str) -> int:
    """The version of the graph."""
    return int(rows(dsn, "SELECT version FROM graph_version")[0][0])


def changes_after(dsn: str, serial: int) -> list[Any]:
    """The changes since a serial."""
    with psycopg.connect(dsn, row_factory=namedtuple_row) as connection:
        return connection.execute("SELECT * FROM change WHERE serial > %s ORDER BY serial", (serial,)).fetchall()


def last_serial(dsn: str) -> int:
    """The latest serial."""
    return int(rows(dsn, "SELECT coalesce(max(serial), 0) FROM change")[0][0])


def test_tables_of_the_graph_are_watched_for_every_operation(dsn: str) -> None:
    found = rows(
        dsn,
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger "
        "WHERE tgname IN ('record_insert', 'record_update', 'record_delete')",
    )
    of_graph = {mapper.class_.__tablename__ for mapper in _graph_mappers()}
    expected = {(table, f"record_{operation}") for table in of_graph for operation in ("insert", "update", "delete")}
    assert set(found) == expected
    assert of_graph == set(ChangeKind) <= set(metadata.tables)


def _graph_mappers() -> list[Any]:
    waiting, mapped = [GraphRow], []
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        if hasattr(found, "__mapper__"):
            mapped.append(found.__mapper__)
    return mapped


def test_transaction_with_several_facts_gives_all_its_changes_one_version(registry: Registry, dsn: str) -> None:
    broker, party = registry.broker(), registry.party()
    base = filled(broker, range(3))
    before, serial = graph_version(dsn), last_serial(dsn)
    transfer = hand_over(broker, base, party)
    found = changes_after(dsn, serial)
    assert {row.version for row in found} == {before + 1} == {graph_version(dsn)}
    assert {(row.kind, str(row.object_id)) for row in found} >= {
        ("transfer", transfer["id"]),
        ("transfer_statement", transfer["id"]),
        ("dataset", transfer["received_dataset_id"]),
        ("dataset_parent", transfer["received_dataset_id"]),
        ("ancestor_count", transfer["received_dataset_id"]),
    }
    sides = {row.kind: set(row.organisation_ids) for row in found}
    assert sides["transfer"] == sides["transfer_statement"] == sides["dataset"] == {broker.id, party.id}
    statement = next(row for row in found if row.kind == "transfer_statement")
    assert [str(row_id) for row_id in statement.row_ids] == [transfer["statements"][0]["id"]]


def test_statement_by_hand_is_recorded_and_gives_the_graph_a_version(registry: Registry, dsn: str) -> None:
    dataset = open_dataset(registry.broker())
    for statement, kinds in (
        ("UPDATE dataset SET name = 'other'", [("dataset", "update")]),
        ("UPDATE dataset SET name = 'other'", []),
        ("UPDATE dataset SET reconciling = true, dialect = '{}'", []),
        ("UPDATE dataset SET name = name WHERE false", []),
        ("DELETE FROM dataset", [("dataset", "delete")]),
    ):
        before, serial = graph_version(dsn), last_serial(dsn)
        rows(dsn, statement)
        found = changes_after(dsn, serial)
        assert [(row.kind, row.operation) for row in found] == kinds, statement
        assert {str(row.object_id) for row in found} <= {dataset["id"]}
        assert graph_version(dsn) == before + len(kinds)


def test_rows_of_one_statement_and_object_are_one_change(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    notice = make_notice(collector, collector.id)
    serial = last_serial(dsn)
    partners = [{"name": f"Partner {place}"} for place in range(300)]
    body = {"occurred_at": "2024-01-01T00:00:00Z", "valid_from_on": "2024-01-01", "partners": partners}
    made = collector.post(f"/v1/notices/{notice['id']}/partner-lists", body)
    found = {row.kind: row for row in changes_after(dsn, serial)}
    assert len(changes_after(dsn, serial)) == 2
    assert str(found["partner"].object_id) == made["id"]
    assert str(found["partner_list"].object_id) == notice["id"]
    assert found["partner_list"].organisation_ids == [collector.id]


def test_register_organisation_leaves_graph_version_and_its_admission_bumps_it_once(
    registry: Registry, dsn: str
) -> None:
    broker, operator = registry.broker(), registry.operator()
    before, serial = graph_version(dsn), last_serial(dsn)
    named = broker.post("/v1/organisations", {"legal_name": "N", "country": "FR", "roles": ["collector"]})
    assert graph_version(dsn) == before
    assert [(row.kind, row.version) for row in changes_after(dsn, serial)] == [("organisation", None)]
    for _ in range(2):
        operator.post("/v1/keys", {"organisation_id": named["id"], "scopes": ["facts:read"]})
        assert graph_version(dsn) == before + 1


def test_transaction_that_is_rolled_back_leaves_no_change(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    before, count = graph_version(dsn), len(changes_after(dsn, 0))
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE organisation SET legal_name = 'other'")
        connection.rollback()
    assert (graph_version(dsn), len(changes_after(dsn, 0))) == (before, count)
    notice = make_notice(collector, collector.id)
    make_collection(collector, collector.id, notice["id"])
    assert graph_version(dsn) == before + 2
