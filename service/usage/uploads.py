"""What an upload counts: its bytes as they arrive, and its lines and staged numbers as they are read.

Each step reserves before it goes on, in a short transaction of its own. So an upload over a limit ends at that step,
and the caller keeps nothing of it. What was received counts, because reading it cost as much as if it were kept. Only a
part that is sent again with the same bytes counts for nothing.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import Database
from service.core.errors import TooManyRequests
from service.core.settings import Settings
from service.core.vocabulary import UsageKind
from service.usage.quotas import reserve, settle

# Of a body of unknown length, so many bytes are reserved at once, or a thousandth of the limit.
_BYTES_AT_ONCE: Final = 16 * 1024 * 1024
# All staged numbers are counted again after so many. Uploads at the same time may exceed the limit by this, each.
_STAGED_AT_ONCE: Final = 1_000_000
# Numbers stay staged until their dataset is sealed, which nobody can foretell.
_STAGED_PAUSE: Final = timedelta(minutes=10)

_STAGED: Final = text("""
    SELECT coalesce(sum(staged_run.number_count), 0) FROM staged_run JOIN dataset ON dataset.id = dataset_id
    WHERE asserted_by_id = :organisation_id
""")

_OPEN: Final = text("SELECT count(*) FROM dataset WHERE asserted_by_id = :organisation_id AND state = 'open'")


async def check_open_datasets(session: AsyncSession, settings: Settings, organisation_id: uuid.UUID) -> None:
    """Check the number of an organisation's open datasets, the one that was just registered included.

    Raises:
        TooManyRequests: it has too many.
    """
    limit = settings.open_datasets
    if int(await session.scalar(_OPEN, {"organisation_id": organisation_id}) or 0) > limit:
        raise TooManyRequests(
            "open_dataset_quota",
            f"Your organisation may have {limit:,} open datasets. Nothing of this call was recorded. Seal one, then "
            "try again.",
            _STAGED_PAUSE,
        )


@dataclass
class UploadUsage:
    """The usage of one upload. `body_bytes` is its length, if the client has said it."""

    database: Database
    settings: Settings
    organisation_id: uuid.UUID
    body_bytes: int | None
    _reserved: Counter[tuple[UsageKind, date]] = field(default_factory=Counter)
    _received: int = 0
    _room: int = -1
    _since_look: int = 0
    _repeated: bool = False

    async def begin(self) -> None:
        """Check what can be checked before the body is read.

        Raises:
            TooManyRequests: the organisation may not upload as much today, or may not stage further numbers.
        """
        async with self.database.transaction(durable=False) as session:
            await self._look_at_staged(session, 0)
            day = await self._reserve_in(session, UsageKind.BYTES, self.body_bytes) if self.body_bytes else None
        if self.body_bytes and day:
            self._reserved[UsageKind.BYTES, day] += self.body_bytes

    async def counted(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The body, whose bytes are counted as they arrive."""
        async for received in body:
            self._received += len(received)
            missing = self._received - self._total(UsageKind.BYTES)
            if missing > 0:
                ahead = min(_BYTES_AT_ONCE, self.settings.bytes_per_day // 1000)
                await self._reserve(UsageKind.BYTES, max(missing, ahead))
            yield received

    async def count_lines(self, lines: int) -> None:
        """Count lines before they are kept."""
        if lines:
            await self._reserve(UsageKind.LINES, lines)

    async def count_numbers(self, numbers: int) -> None:
        """Count numbers before they are staged.

        Raises:
            TooManyRequests: the organisation has as many staged numbers as it may.
        """
        self._since_look += numbers
        if self._since_look > min(self._room, _STAGED_AT_ONCE):
            async with self.database.transaction() as session:
                await self._look_at_staged(session, numbers)

    async def _look_at_staged(self, session: AsyncSession, numbers: int) -> None:
        limit = self.settings.staged_numbers
        staged = int(await session.scalar(_STAGED, {"organisation_id": self.organisation_id}) or 0)
        self._room, self._since_look = limit - staged, numbers
        if numbers > self._room or self._room <= 0:
            raise TooManyRequests(
                "staged_quota",
                f"Your organisation may have {limit:,} uploaded numbers in datasets that are not sealed. Nothing of "
                "this part was kept. Seal such datasets, then send it again.",
                _STAGED_PAUSE,
            )

    def repeat(self) -> None:
        """The part was there already, so that the upload counts for nothing."""
        self._repeated = True

    def _total(self, kind: UsageKind) -> int:
        return sum(amount for (counted, _), amount in self._reserved.items() if counted is kind)

    async def _reserve(self, kind: UsageKind, amount: int) -> None:
        # Another process may see it a moment late after a crash of the server, which no limit is worth a wait for.
        async with self.database.transaction(durable=False) as session:
            day = await self._reserve_in(session, kind, amount)
        self._reserved[kind, day] += amount

    async def _reserve_in(self, session: AsyncSession, kind: UsageKind, amount: int) -> date:
        return await reserve(session, self.settings, self.organisation_id, kind, amount)

    async def settle(self) -> None:
        """Take back what was reserved in vain."""
        unused = {place: self._unused(place[0], amount) for place, amount in sorted(self._reserved.items())}
        if not any(unused.values()):
            return
        async with self.database.transaction(durable=False) as session:
            for (kind, day), amount in unused.items():
                if amount:
                    await settle(session, self.settings, self.organisation_id, kind, day, amount)

    def _unused(self, kind: UsageKind, amount: int) -> int:
        spare = self._total(UsageKind.BYTES) - self._received if kind is UsageKind.BYTES else 0
        return amount if self._repeated else min(amount, spare)


@asynccontextmanager
async def counted_upload(
    database: Database, settings: Settings, organisation_id: uuid.UUID, body_bytes: int | None
) -> AsyncIterator[UploadUsage]:
    """The usage of an upload, which is settled at the end, however that comes about."""
    usage = UploadUsage(database, settings, organisation_id, body_bytes)
    try:
        yield usage
    finally:
        await asyncio.shield(usage.settle())
