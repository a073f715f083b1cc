"""Shows how a file would be read, before anything of it counts. Nothing of it is kept."""

import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Final

from fastapi import Depends, Query
from pydantic import AwareDatetime
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.collection.operations import find_collection
from service.core.clock import now
from service.core.errors import Unprocessable
from service.core.time_zone import TimeZone
from service.dataset.date_order import PartDates, check_part
from service.dataset.declaration import Declared
from service.dataset.models import Dataset
from service.dataset.operations import find_own_dataset, read_part_dates
from service.dataset.part_columns import PartColumns, check_places, shown_columns
from service.dataset.part_form import consent_period, part_form, settled_dialect, zone_of
from service.dataset.part_reading import batches_of, reading
from service.dataset.part_record import require_open
from service.dataset.parts import Uploads
from service.dataset.schemas import (
    TIME_ZONE_DESCRIPTION,
    ColumnOut,
    PreviewedLine,
    PreviewedReason,
    PreviewedReject,
    PreviewOut,
    Region,
)
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.number.rejection import REASONS, REJECT_EXPLANATIONS, FieldCounts, RejectReason, explain_reject
from service.sandbox.batch import Batch
from service.sandbox.form import PartForm
from service.sandbox.frames import End
from service.usage.uploads import UploadUsage

_MOST_LINES: Final = 100_000
_SHOWN: Final = 10
_SHOWN_DIGITS: Final = 4
# A preview does not say which part it is of.
_NO_NUMBER: Final = 0
_DIGIT: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Previewed:
    """What a preview is of: a dataset that there is, or one that would be registered so."""

    dataset_id: uuid.UUID | None
    default_region: str
    time_zone: str | None
    collection_id: uuid.UUID | None
    occurred_at: datetime | None


def _previewed(
    dataset_id: Annotated[
        uuid.UUID | None, Query(description="An open dataset that the part is for. It decides the rest.")
    ] = None,
    default_region: Annotated[Region, Query(description="As the dataset would have it.")] = "FR",
    time_zone: Annotated[TimeZone | None, Query(description=TIME_ZONE_DESCRIPTION)] = None,
    collection_id: Annotated[
        uuid.UUID | None, Query(description="As the dataset would have it. Without one no consent is read.")
    ] = None,
    occurred_at: Annotated[AwareDatetime | None, Query(description="As the dataset would have it.")] = None,
) -> Previewed:
    return Previewed(dataset_id, default_region, time_zone, collection_id, occurred_at)


PreviewedPart = Annotated[Previewed, Depends(_previewed)]


async def preview_part(
    uploads: Uploads,
    usage: UploadUsage,
    actor: Actor,
    declared: Declared,
    previewed: Previewed,
    body: AsyncIterator[bytes],
) -> PreviewOut:
    """How the first lines of a part would be read.

    Raises:
        NotFound: there is no such dataset or collection of the caller.
        Conflict: the dataset takes no parts.
        Unprocessable: the body cannot be read.
        TooManyRequests: the organisation may not upload as much.
        Overloaded: too many parts are being read.
    """
    async with uploads.database.transaction() as session:
        form = await _form(session, actor, declared, previewed)
    await usage.begin()
    found = _Found()
    try:
        async with (
            reading(uploads.pool, actor.organisation_id, form, usage.counted(body), lambda _: None) as reader,
            aclosing(batches_of(uploads.pool, reader)) as received,
        ):
            async for batches in received:
                for batch in batches:
                    found.add(batch)
        assert reader.end is not None
        if previewed.dataset_id is not None:
            async with uploads.database.transaction() as session:
                await _check_order(session, previewed.dataset_id, declared.date_format, reader.end)
                await check_places(session, previewed.dataset_id, PartColumns.of(None, reader.end))
    except UnreadablePart as refusal:
        raise Unprocessable(refusal.slug, refusal.detail) from refusal
    return found.out(reader.end, form)


async def _check_order(session: AsyncSession, dataset_id: uuid.UUID, stated: str | None, end: End) -> None:
    """Refuse a part whose dates are in another order than those of the parts that its dataset has.

    Raises UnreadablePart.
    """
    of_dataset = (await session.get_one(Dataset, dataset_id)).date_format
    part = PartDates(_NO_NUMBER, stated or of_dataset, stated is not None, end.order_counts, end.separators)
    check_part(part, await read_part_dates(session, dataset_id), of_dataset)


async def _form(session: AsyncSession, actor: Actor, declared: Declared, previewed: Previewed) -> PartForm:
    if previewed.dataset_id is None:
        if previewed.collection_id is not None:
            await find_collection(session, actor, previewed.collection_id)
        period = await consent_period(session, previewed.collection_id, previewed.occurred_at or now())
        zone = zone_of(previewed.default_region, previewed.time_zone, reads_consent=period is not None)
        return part_form(declared, None, previewed.default_region, zone, period, _MOST_LINES, _MOST_LINES)
    row = await find_own_dataset(session, actor, previewed.dataset_id)
    await require_open(session, row)
    period = await consent_period(session, row.collection_id, row.occurred_at)
    dialect = settled_dialect(row.dialect, declared.format)
    declared = declared._replace(date_format=declared.date_format or row.date_format)
    return part_form(declared, dialect, row.default_region, row.time_zone, period, _MOST_LINES, _MOST_LINES)


@dataclass
class _Found:
    """What the lines so far contain."""

    lines: int = 0
    accepted: int = 0
    consents: int = 0
    reasons: Counter[RejectReason] = field(default_factory=Counter)
    shown: list[PreviewedLine] = field(default_factory=list)
    rejects: list[PreviewedReject] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        self.lines += batch.lines
        self.accepted += len(batch.numbers)
        self.consents += 0 if batch.consented_at is None else int((batch.consented_at > 0).sum())
        self.reasons.update(REASONS[code - 1] for code in batch.refusals.reason.tolist())
        self.shown.extend(islice(_shown(batch), _SHOWN - len(self.shown)))
        self.rejects.extend(islice(_rejects(batch), _SHOWN - len(self.rejects)))

    def out(self, end: End, form: PartForm) -> PreviewOut:
        return PreviewOut(
            format=form.format,
            encoding=end.dialect.encoding,
            delimiter=end.dialect.delimiter if form.format is Format.CSV else None,
            has_header=end.has_header,
            hidden_rows=end.hidden_rows,
            whole=self.lines < _MOST_LINES,
            line_count=self.lines,
            accepted_count=self.accepted,
            rejected_count=self.lines - self.accepted,
            consent_count=self.consents,
            read_columns=[ColumnOut(**asdict(column)) for column in end.read_columns],
            ignored_columns=shown_columns(end),
            reasons=[
                PreviewedReason(reason=reason, explanation=REJECT_EXPLANATIONS[reason], count=count)
                for reason, count in self.reasons.most_common()
            ],
            lines=self.shown,
            rejects=self.rejects,
        )


def _shown(batch: Batch) -> Iterator[PreviewedLine]:
    for at, number in enumerate(batch.numbers[:_SHOWN].tolist()):
        seconds = 0 if batch.consented_at is None else int(batch.consented_at[at])
        record_id = None if batch.record_ids is None else batch.record_ids[at] or None
        yield PreviewedLine(
            number=_masked(f"+{number}"),
            consented_at=datetime.fromtimestamp(seconds, UTC) if seconds else None,
            consent_record_id=record_id and _masked(record_id),
        )


def _rejects(batch: Batch) -> Iterator[PreviewedReject]:
    refusals = batch.refusals
    columns = refusals.line.tolist(), refusals.reason.tolist(), refusals.fields.tolist(), refusals.raw
    for line, code, fields, raw in zip(*columns, strict=True):
        reason = REASONS[code - 1]
        explanation = explain_reject(reason, FieldCounts(*fields) if all(fields) else None)
        yield PreviewedReject(line=line, reason=reason, value=_masked(raw.decode()), explanation=explanation)


def _masked(text: str) -> str:
    """A text with a dot for each digit but the last four."""
    hidden = len(_DIGIT.findall(text)) - _SHOWN_DIGITS
    return _DIGIT.sub("•", text, count=hidden) if hidden > 0 else text
