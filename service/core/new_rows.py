"""Many new rows of a table by one statement, whose text is the same for any number of them.

An object of the ORM for each row would cost ten times as much of the event loop. So would a parameter for each value,
because the driver reads the text of each such statement again.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import TextClause, text
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import run

# So many rows take the event loop for some milliseconds.
_AT_ONCE: Final = 1000


async def insert_rows(
    session: AsyncSession, table: type[SQLModel], rows: Sequence[Any], *, unless_there: bool = False
) -> None:
    """Insert rows into a table, by a statement for each thousand. `unless_there` leaves rows out that exist already.

    A row is a dataclass or a dictionary whose fields are columns of the table. A column without a field is null,
    whatever its default.
    """
    for at in range(0, len(rows), _AT_ONCE):
        packed = orjson.dumps(rows[at : at + _AT_ONCE], default=_bytea).decode()
        await run(session, _statement(table, unless_there), {"rows": packed})


@cache
def _statement(table: type[SQLModel], unless_there: bool) -> TextClause:
    name = str(table.__tablename__)
    columns = ", ".join(table.metadata.tables[name].columns.keys())
    return text(f"""
        INSERT INTO {name} ({columns})
        SELECT {columns} FROM json_populate_recordset(CAST(NULL AS {name}), CAST(:rows AS json))
        {"ON CONFLICT DO NOTHING" if unless_there else ""}
    """)  # noqa: S608  (names of our own tables)


def _bytea(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"a {type(value).__name__} is no value of a column")
    return "\\x" + value.hex()
