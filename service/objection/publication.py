"""Publishing how organisations keep their deadlines (GDPR 12(3)): each closed quarter once, and frozen.

A publication is stored as it was published, and nothing computes it again. The exact counts are stored beside it, for
the organisation itself and the regulator.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from statistics import fmean, median
from typing import Any, Final

from sqlalchemy import func, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access.actor import Actor
from service.core.clock import now
from service.core.db import Database, run
from service.core.errors import Conflict, NotFound
from service.core.paging import Page, read_slice
from service.core.resources import Resources
from service.core.task_queue import task
from service.core.vocabulary import Role
from service.objection.figures import OUTCOMES, Counts, Publication, make_publication
from service.objection.models import DeadlineCount, DeadlinePublication
from service.objection.quarter import Quarter, due_quarters
from service.objection.schemas import ExactCounts, PublicationRef
from service.organisation.models import Organisation
from service.provenance.answer.references import OrganisationRef
from service.wording.language import paris_day

_log = logging.getLogger(__name__)

_HOLDERS: Final = (Role.COLLECTOR, Role.BROKER, Role.PARTY, Role.PROCESSOR)

# Who is listed depends on accounts alone. Objections that organisations record do not count: an organisation could
# record ten and see whose count rises. What happened after the cut is not seen, so a late publication says the same.
_MEASURE: Final = text("""
    SELECT organisation.id, legal_name, count(request.due_at) AS received,
           array_agg(days) FILTER (WHERE days IS NOT NULL AND state = 'completed' AND ended_at < due_at) AS in_time,
           array_agg(days) FILTER (WHERE days IS NOT NULL AND state = 'completed' AND ended_at >= due_at) AS late,
           array_agg(days) FILTER (WHERE days IS NOT NULL AND state = 'refused') AS refused,
           count(request.due_at) FILTER (WHERE days IS NULL) AS open
    FROM organisation LEFT JOIN (
        SELECT holder_id, state, ended_at, due_at,
               CASE WHEN ended_at < :as_of THEN extract(epoch FROM ended_at - received_at)::float8 / 86400 END AS days
        FROM relay JOIN objection ON objection.id = objection_id
        WHERE received_at >= :begins AND received_at < :ends
          AND objection.asserted_by_id IS NULL AND objection.kind <> 'contest'
    ) AS request ON holder_id = organisation.id
    WHERE admitted_at < :ends AND roles && CAST(:roles AS varchar[])
    GROUP BY organisation.id, legal_name
""")


async def _measure(session: AsyncSession, quarter: Quarter) -> list[tuple[OrganisationRef, Counts]]:
    """Count the requests that each organisation received in a quarter, by what became of them before its cut."""
    begins, ends = quarter.span
    period = {"begins": begins, "ends": ends, "as_of": quarter.as_of, "roles": list(_HOLDERS)}
    rows = (await run(session, _MEASURE, period)).all()
    measured = []
    for row in sorted(rows, key=lambda row: (row.legal_name.casefold(), row.id)):
        answered = {name: tuple(getattr(row, name) or ()) for name in ("in_time", "late", "refused")}
        totals = {name: len(days) for name, days in answered.items()}
        counts = Counts(received=row.received, **totals, withdrawn=0, open=row.open, days=answered)
        measured.append((OrganisationRef(id=row.id, legal_name=row.legal_name), counts))
    return measured


async def publish_due(session: AsyncSession, moment: datetime) -> list[str]:
    """Publish each quarter that is due at a moment and has not been published, and return these quarters.

    The first is the quarter in which the first organisation obtained an account.
    """
    first = await session.scalar(select(func.min(col(Organisation.admitted_at))))
    if first is None:
        return []
    known = set((await session.exec(select(DeadlinePublication.quarter))).all())
    missing = [quarter for quarter in due_quarters(paris_day(first), moment) if str(quarter) not in known]
    for quarter in missing:
        counted = await _measure(session, quarter)
        publication = make_publication(quarter, 1, quarter.published_on, None, counted)
        await _store(session, publication, counted)
    return [str(quarter) for quarter in missing]


@task("publish_deadlines", cron="7 * * * *")
async def publish_deadlines(resources: Resources) -> None:
    """Publish the quarters that have become due."""
    async with resources.get(Database).transaction() as session:
        for quarter in await publish_due(session, now()):
            _log.info("The figures of %s were published.", quarter)


async def correct_publication(session: AsyncSession, quarter: str, reason: str, today: date) -> Publication:
    """Count a published quarter again, up to the same cut, and publish the result as a new version.

    Raises:
        NotFound: the quarter has not been published.
        Conflict: the figures are the same as in the last version.
    """
    last = Publication.model_validate_json((await _find(session, quarter, None)).document)
    counted = await _measure(session, Quarter.parse(quarter))
    publication = make_publication(Quarter.parse(quarter), last.version + 1, today, reason, counted)
    if (publication.organisations, publication.total) == (last.organisations, last.total):
        raise Conflict(
            "nothing_to_correct",
            f"The public figures of {quarter} would not change, so no version was published. Correct the data first.",
        )
    await _store(session, publication, counted)
    return publication


async def _store(
    session: AsyncSession, publication: Publication, counted: Sequence[tuple[OrganisationRef, Counts]]
) -> None:
    row = DeadlinePublication(
        **publication.model_dump(include={"quarter", "version", "published_on"}),
        correction_reason=publication.reason,
        document=publication.model_dump_json(),
    )
    session.add(row)
    await session.flush()
    for organisation, counts in counted:
        if not counts.is_consistent:
            _log.error("The counts of organisation %s do not add up in %s.", organisation.id, publication.quarter)
        answers = [day for days in counts.days.values() for day in days]
        exact: dict[str, Any] = {name: getattr(counts, name) for name in ("received", *OUTCOMES)}
        exact_row = DeadlineCount(
            publication_id=row.id,
            organisation_id=organisation.id,
            **exact,
            median_days=median(answers) if answers else None,
            mean_days=fmean(answers) if answers else None,
        )
        session.add(exact_row)
    await session.flush()


async def list_publications(session: AsyncSession) -> list[PublicationRef]:
    """Every version of every published quarter, the newest first."""
    order = col(DeadlinePublication.quarter).desc(), col(DeadlinePublication.version).desc()
    rows = await session.exec(select(DeadlinePublication).order_by(*order))
    return [PublicationRef(**row.model_dump(), reason=row.correction_reason) for row in rows]


async def read_document(session: AsyncSession, quarter: str, version: int | None) -> str:
    """A publication in JSON as it was published: a version of it, or the newest.

    Raises:
        NotFound: it has not been published.
    """
    return (await _find(session, quarter, version)).document


async def _find(session: AsyncSession, quarter: str, version: int | None) -> DeadlinePublication:
    query = select(DeadlinePublication).where(DeadlinePublication.quarter == quarter)
    if version is not None:
        query = query.where(DeadlinePublication.version == version)
    row = (await session.exec(query.order_by(col(DeadlinePublication.version).desc()).limit(1))).one_or_none()
    if row is None:
        raise NotFound("published quarter")
    return row


async def list_exact_counts(
    session: AsyncSession, actor: Actor, quarter: str, version: int | None, after: uuid.UUID | None, limit: int
) -> Page[ExactCounts]:
    """The exact counts of a published quarter: the caller's own, or each organisation's for a regulator.

    Raises:
        NotFound: the quarter has not been published.
    """
    publication = await _find(session, quarter, version)
    query = select(DeadlineCount, Organisation.legal_name).join(Organisation)
    query = query.where(DeadlineCount.publication_id == publication.id)
    if not actor.is_regulator:
        query = query.where(DeadlineCount.organisation_id == actor.organisation_id)
    rows = await read_slice(session, query, after, limit, DeadlineCount.id)
    return rows.page(
        ExactCounts(
            **row.model_dump(),
            organisation=OrganisationRef(id=row.organisation_id, legal_name=legal_name),
        )
        for row, legal_name in rows
    )
