"""What a second namer states of an organisation's name and contact: shown as its word until the organisation speaks."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import run
from service.disclosure.subject_answer import StatedByAnother
from service.provenance.answer.schemas import Answer

# The latest word of each, about organisations for which the word of another counts.
_STATED: Final = text("""
    SELECT DISTINCT ON (statement.organisation_id, statement.asserted_by_id)
           statement.organisation_id, namer.legal_name AS namer, statement.legal_name, statement.privacy_contact
    FROM organisation_statement AS statement
    JOIN organisation AS named ON named.id = statement.organisation_id
    JOIN organisation AS namer ON namer.id = statement.asserted_by_id
    WHERE named.id = ANY(:ids) AND namer.id = ANY(:ids)
      AND named.stated_by_id NOT IN (named.id, namer.id) AND 'legal_name' = ANY(statement.stated)
    ORDER BY statement.organisation_id, statement.asserted_by_id, statement.recorded_at DESC, statement.id DESC
""")


async def read_other_namers(session: AsyncSession, answer: Answer) -> dict[uuid.UUID, Sequence[StatedByAnother]]:
    """By organisation, what others state of it, in the order of their ids.

    Only what is said by those on the number's paths: otherwise anybody could put an address of its own before persons
    whose numbers it never had.
    """
    found: dict[uuid.UUID, list[StatedByAnother]] = defaultdict(list)
    for row in await run(session, _STATED, {"ids": list(set(_organisations_in(answer)))}):
        found[row.organisation_id].append(StatedByAnother(row.namer, row.legal_name, row.privacy_contact))
    return dict(found)


def _organisations_in(answer: Answer) -> Iterator[uuid.UUID]:
    for origin in answer.origins:
        yield origin.collector.id
    yield from (holding.dataset.holder.id for holding in answer.holdings)
    yield from (erasure.dataset.holder.id for erasure in answer.erasures)
    for transfer in answer.transfers:
        yield from (transfer.sender.id, transfer.recipient.id)
    campaigns = [*answer.campaigns, *answer.campaigns_not_sent]
    for campaign in campaigns:
        yield campaign.party.id
        if campaign.sender:
            yield campaign.sender.id
    facts = [*answer.origins, *answer.holdings, *answer.erasures, *answer.transfers, *campaigns]
    yield from (fact.asserted_by.id for fact in facts if fact.asserted_by)
