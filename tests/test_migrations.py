"""The migrations lead up, down and up again, and end where the tables are."""

from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config

from service.command import schema
from service.core.errors import ConfigurationError


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


def test_up_down_up(empty_dsn: str) -> None:
    command.upgrade(_config(empty_dsn), "head")
    first = _objects(empty_dsn)
    assert {"dataset", "membership_block", "procrastinate_jobs"} <= first
    command.downgrade(_config(empty_dsn), "base")
    assert {name for name in _objects(empty_dsn) if "alembic_version" not in name} == set()
    command.upgrade(_config(empty_dsn), "head")
    assert _objects(empty_dsn) == first


def test_the_tables_are_what_the_models_say(dsn: str) -> None:
    command.check(_config(dsn))
    schema.require_current(dsn)


def test_each_file_is_named_by_its_revision() -> None:
    names = sorted(path.name for path in schema.scripts().glob("versions/*.py"))
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]


def test_an_unmigrated_database_is_refused(empty_dsn: str) -> None:
    with pytest.raises(ConfigurationError, match="filiation migrate"):
        schema.require_current(empty_dsn)


def test_a_block_that_fits_a_page_is_not_moved_out_of_its_row(dsn: str) -> None:
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
