"""A stolen copy of the database: every column of every table, and what a thief can read in it."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import psycopg
from psycopg import sql

from service.membership import blocks, encryption
from service.membership.blocks import BlockColumns
from service.number.keyring import KeyRing
from tests.builders import FICTION
from tests.conftest import MASTER_SECRET

RING: Final = KeyRing(bytes.fromhex(MASTER_SECRET))
# Any spelling of a number from the range for fiction, which begins with 06 39 98, and of its first six digits.
SPELLING = re.compile(r"(?:\+|00)?(?:33|0)?[\s.]*(?:\(0\))?[\s.]*6[\s.]*39[\s.]*98(?:[\s.-]*\d){4}(?!\d)")
SPELLING_BYTES = re.compile(rb"6[ .]?39[ .]?98(?:[ .-]?\d){4}")
_PREFIX = re.compile(r"(?<![0-9a-zA-Z])(?:\+?33\s?6\s?39[\s.]?9|06[\s.]?39[\s.]?98|63998)\d*")
# The same digits in base64, at each of the three places that they may have in a text.
_BASE64 = tuple(
    base64.b64encode(b" " * skipped + digits)[4 * bool(skipped) : 4 * ((skipped + len(digits)) // 3)].decode()
    for digits in (b"336399800", b"063998000")
    for skipped in range(3)
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?")


@dataclass(frozen=True)
class Column:
    """A column of a table, with every value that is not null."""

    table: str
    name: str
    type: str
    values: list[Any]

    @property
    def texts(self) -> Iterator[str]:
        """The values as the dump writes them."""
        for value in self.values:
            if isinstance(value, (dict, list)):
                yield json.dumps(value, default=str, ensure_ascii=False)
            elif not isinstance(value, bytes):
                yield str(value)

    @property
    def contents(self) -> list[bytes]:
        """The values of a column of bytes."""
        return [value for value in self.values if isinstance(value, bytes)]


_TABLES: Final = """
    SELECT quote_ident(nspname), quote_ident(relname), array_agg(attname ORDER BY attnum),
           array_agg(format_type(atttypid, NULL) ORDER BY attnum)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relkind IN ('r', 'm', 'S') AND attnum > 0 AND NOT attisdropped
      AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg_toast%'
    GROUP BY 1, 2 ORDER BY 1, 2
"""


def columns_of(dsn: str) -> list[Column]:
    """Every column of every table, sequence and materialised view, of whatever schema, by walking the catalogue."""
    found = []
    with psycopg.connect(dsn) as connection:
        for schema, table, names, types in connection.execute(_TABLES).fetchall():
            query = sql.SQL("SELECT * FROM {}.{}").format(sql.SQL(schema), sql.SQL(table))
            rows = connection.execute(query).fetchall()
            for at, (name, type_) in enumerate(zip(names, types, strict=True)):
                found.append(Column(table, name, type_, [row[at] for row in rows if row[at] is not None]))
    return found


@dataclass(frozen=True)
class Consents:
    """What lines state of consents: Unix seconds, and record ids."""

    seconds: frozenset[int]
    record_ids: frozenset[str]


def consents_in(dsn: str) -> Consents:
    """All that blocks and staged runs state, read with the key."""
    seconds: set[int] = set()
    record_ids: set[str] = set()
    with psycopg.connect(dsn) as connection, connection.cursor(binary=True) as cursor:
        query = "SELECT segment_id, level, lead, keys, holders, consented_at, record_ids FROM membership_block"
        rows = cursor.execute(query).fetchall()
        runs = [
            blocks.unpack_blocks(encryption.decrypt_blocks(RING, [segment], [BlockColumns(*columns)]))[0]
            for segment, *columns in rows
        ]
        query = "SELECT dataset_id, shard, upload, run, number_count, content FROM staged_run"
        runs += [
            encryption.decrypt_staged(RING, dataset_id, (shard, upload, number), count, content)
            for dataset_id, shard, upload, number, count, content in cursor.execute(query).fetchall()
        ]
    for run in runs:
        seconds.update([] if run.consented_at is None else run.consented_at.tolist())
        record_ids.update([] if run.record_ids is None else filter(None, run.record_ids.tolist()))
    return Consents(frozenset(seconds - {0}), frozenset(record_ids))


def contains_number(value: object) -> bool:
    """Whether a value holds a number of the range for fiction in any form, in digits, base64 or as an integer."""
    if not isinstance(value, bytes):
        text = str(value)
        return SPELLING.search(text) is not None or any(code in text for code in _BASE64)
    return (
        _integers_within(value)
        or SPELLING_BYTES.search(value) is not None
        or any(code.encode() in value for code in _BASE64)
    )


def _integers_within(value: bytes) -> bool:
    for offset in range(min(8, len(value))):
        cut = value[offset : offset + (len(value) - offset) // 8 * 8]
        for order in (">u8", "<u8"):
            word = np.frombuffer(cut, order)
            if bool(np.any((word >= FICTION) & (word < FICTION + 10_000))):
                return True
    return False


def number_prefixes(column: Column) -> list[str]:
    """The texts of a column that hold the first six digits of a number of the range for fiction, or more."""
    if column.type in ("uuid", "timestamp with time zone", "bytea"):
        return [value.decode(errors="replace") for value in column.contents if _PREFIX.fullmatch(_readable(value))]
    return [text for text in column.texts if _PREFIX.search(text)]


def _readable(value: bytes) -> str:
    return value.decode("ascii", errors="replace")


def moments_among(column: Column, seconds: frozenset[int]) -> list[str]:
    """The moments in the texts and times of a column that are one of `seconds`, whole minutes left out."""
    found = []
    for text in column.texts:
        for moment in _MOMENT.findall(text):
            read = datetime.fromisoformat(moment)
            second = int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
            if second in seconds and second % 60:
                found.append(text)
    return found


def share_of_seconds(column: Column, seconds: frozenset[int]) -> float:
    """How much of a column of bytes or integers reads as one of `seconds`, beyond what chance gives, from 0 to 1.

    Each of the eight readings is tried: words of four bytes in both orders, from each of the first four bytes.
    """
    wanted = np.array(sorted(seconds), np.uint32)
    if any(isinstance(value, int) and value in seconds for value in column.values):
        return 1.0
    worst = 0.0
    for order in (">u4", "<u4"):
        for offset in range(4):
            cuts = [value[offset : offset + (len(value) - offset) // 4 * 4] for value in column.contents]
            words = np.frombuffer(b"".join(cuts), order)
            if len(words):
                hits = int(np.isin(words.astype(np.uint32), wanted).sum())
                # In random bytes a hit is rare: two of them are allowed in any column.
                worst = max(worst, max(hits - 2, 0) / len(words))
    return worst
