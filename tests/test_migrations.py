"""The migrations lead up, down and up again, and end where the tables are."""

import re
from collections.abc import Iterator, Sequence
from threading import Timer
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import ARRAY, Column, Enum, LargeBinary, String

from service.command import schema
from service.core.errors import ConfigurationError
from service.models import metadata

# Columns that share the name of a closed list and hold free text, or any BCP 47 tag.
FREE_TEXT = {
    ("inspection", "operation"),
    ("inspection", "reason"),
    ("campaign_cancellation", "reason"),
    ("dataset_correction", "reason"),
    ("evidence_withdrawal", "reason"),
    ("dataset_statement", "reason"),
    ("organisation_statement", "reason"),
    ("notice", "language"),
}


def _config(dsn: str) -> Config:
    config = Config(toml_file="pyproject.toml")
    config.attributes["dsn"] = dsn
    return config


def _objects(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "UNION SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace"
        ).fetchall()
    return {name for (name,) in rows}


def test_migrate_down_and_up_again_gives_the_same_objects(empty_dsn: str) -> None:
    command.upgrade(_config(empty_dsn), "head")
    first = _objects(empty_dsn)
    assert {"dataset", "membership_block", "procrastinate_jobs"} <= first
    command.downgrade(_config(empty_dsn), "base")
    assert {name for name in _objects(empty_dsn) if "alembic_version" not in name} == set()
    command.upgrade(_config(empty_dsn), "head")
    assert _objects(empty_dsn) == first


@pytest.mark.parametrize("held_seconds", [1.0, 60.0])
def test_migration_of_tables_in_use_tries_again_and_says_so_in_the_end(
    dsn: str, held_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILIATION_MIGRATION_LOCK_SECONDS", "0.2")
    monkeypatch.setattr(schema, "_PAUSES_SECONDS", (0.5, 1.0))
    complete = _objects(dsn)
    command.downgrade(_config(dsn), "-1")
    before = _objects(dsn)
    with psycopg.connect(dsn) as holding:
        holding.execute("LOCK TABLE notice IN ROW EXCLUSIVE MODE")
        releasing = Timer(held_seconds, holding.rollback)
        releasing.start()
        if held_seconds < 2:
            assert schema.upgrade(dsn).before == "0011"
            assert _objects(dsn) == complete
        else:
            with pytest.raises(ConfigurationError, match=r"^The tables are in use .* again\.$"):
                schema.upgrade(dsn)
            assert _objects(dsn) == before
        releasing.cancel()
        releasing.join()


def test_migrations_create_what_the_models_declare(dsn: str) -> None:
    command.check(_config(dsn))
    schema.require_current(dsn)


def _closed_lists() -> Iterator[tuple[str, str, Sequence[str]]]:
    """Table, column and values of each column of a closed list."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            values = _values_of(column)
            if values is not None:
                yield table.name, column.name, values


def _values_of(column: Column[Any]) -> Sequence[str] | None:
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return kind.enums if isinstance(kind, Enum) else None


def test_columns_of_closed_lists_are_checked_for_exactly_their_values(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'")
        checks = {name: sorted(re.findall(r"'([^']*)'", definition)) for name, definition in found}
    declared = {f"ck_{table}_{column}": sorted(values) for table, column, values in _closed_lists()}
    assert {name: checks.get(name) for name in declared} == declared


def test_text_columns_do_not_share_the_name_of_a_closed_list() -> None:
    closed = {column for _, column, _ in _closed_lists()}
    others = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name in closed and isinstance(column.type, String) and _values_of(column) is None
    }
    assert others == FREE_TEXT


def test_columns_of_bytes_are_left_out_of_statistics(dsn: str) -> None:
    declared = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
            "WHERE attstattarget = 0 AND attnum > 0 AND relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    partitions = {(name, column) for name, column in found if name.startswith("membership_block_")}
    assert set(found) - partitions == declared - {("objection", "mark")}
    assert len(partitions) == 8


def test_migration_files_are_named_by_their_revision() -> None:
    names = sorted(path.name for path in schema.migrations_folder().glob("versions/*.py"))
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]


def test_require_current_without_migrations_is_refused(empty_dsn: str) -> None:
    with pytest.raises(ConfigurationError, match="filiation migrate"):
        schema.require_current(empty_dsn)


def test_block_that_fits_a_page_stays_in_its_row(dsn: str) -> None:
    def moved(connection: psycopg.Connection[Any]) -> Any:
        found = connection.execute(
            "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'membership_block_own'::regclass"
        ).fetchone()
        return found and found[0]

    with psycopg.connect(dsn) as connection:
        add = (
            "INSERT INTO membership_block (shard, level, lead, segment_id, merged, keys, consented_at) "
            "VALUES (0, 5, 0, %s, false, %s, %s)"
        )
        connection.execute(add, (1, bytes(4000), bytes(4100)))
        assert moved(connection) == 0
        # The one block that does not fit is that of a number which thousands of datasets hold.
        connection.execute(add, (2, bytes(4000), bytes(4200)))
        assert moved(connection) > 0
