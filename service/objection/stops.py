"""STOP: a reply to a message of a campaign that ends all further ones. It never erases."""

import re
import unicodedata
import uuid
from datetime import datetime
from typing import Any, Final

from procrastinate import App
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.access import visibility
from service.access.actor import Actor
from service.access.assertion import asserted
from service.access.visible_rows import get_visible
from service.campaign.models import Campaign, CampaignDataset
from service.core.clock import now
from service.core.db import Database
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource
from service.number.keyring import KeyRing
from service.objection.create import NewObjection, lock_objections, record
from service.objection.current_holders import NumberHolders, holders_of_number
from service.objection.operations import Found, find_holders, record_reports
from service.objection.schemas import ReportOutcome, ReportResults, StopsIn
from service.provenance.graph.rows import CampaignRow
from service.provenance.graph.snapshot import Snapshots

_WORDS: Final = frozenset({"STOP", "ARRET"})


def is_stop(text: str) -> bool:
    """Whether a reply begins with STOP or ARRET, in any case and whatever accents, blanks or signs are between.

    Messages say "STOP au 38001", so that people answer with more than the word.
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    words = re.findall("[A-Z]+", plain.upper())
    return bool(words) and (words[0] in _WORDS or "".join(words) in _WORDS)


async def report_stops(
    session: AsyncSession,
    snapshots: Snapshots,
    ring: KeyRing,
    queue: App,
    actor: Actor,
    campaign_id: uuid.UUID,
    wanted: StopsIn,
) -> ReportResults:
    """Record the replies to a campaign that its party or its sender received, each relayed to every holder.

    Raises:
        NotFound: there is no such campaign, or it is another's.
        Unprocessable: one is said to have been sent in the future.
    """
    campaign = await get_visible(session, Campaign, visibility.visible_campaigns(actor), campaign_id, "campaign")
    uses = select(CampaignDataset.dataset_id).where(col(CampaignDataset.campaign_id) == campaign.id)
    sent_to = frozenset((await session.exec(uses)).all())
    acts = [
        _stop(campaign.id, **asserted(actor, reply.replied_at, f"replies.{at}.replied_at"))
        for at, reply in enumerate(wanted.replies)
    ]
    await lock_objections(session)
    found: list[Found] = []
    for reply, act in zip(wanted.replies, acts, strict=True):
        holding = await find_holders(snapshots, ring, reply.number, wanted.region)
        if holding is None:
            found.append(ReportOutcome.UNREADABLE)
        elif reply.text is not None and not is_stop(reply.text):
            found.append(ReportOutcome.NOT_A_STOP)
        elif sent_to.isdisjoint(holding.datasets | holding.erased_from) or reply.replied_at < campaign.began_at:
            found.append(ReportOutcome.NOT_MESSAGED)
        else:
            found.append((holding, act))
    return await record_reports(session, queue, ring, found)


def _stop(campaign_id: uuid.UUID, **told: Any) -> NewObjection:
    return NewObjection(
        kind=ObjectionKind.OBJECTION,
        scope=ObjectionScope.EVERYTHING,
        source=ObjectionSource.STOP,
        campaign_id=campaign_id,
        **told,
    )


async def record_inbound_stop(
    database: Database, snapshots: Snapshots, ring: KeyRing, queue: App, number: int, originator: str, text: str
) -> None:
    """Record a reply that came in through our own gateway, on the campaign or campaigns that it answers.

    Any other text, and a number that no campaign from there reached, leaves no trace.
    """
    if not is_stop(text):
        return
    async with database.transaction() as session:
        await lock_objections(session)
        holding = await holders_of_number(snapshots, ring, number)
        moment = now()
        acts = [_stop(campaign.id, occurred_at=moment) for campaign in _answered(holding, originator, moment)]
        await record(session, queue, ring, [(holding, act) for act in acts])


def _answered(holding: NumberHolders, originator: str, moment: datetime) -> list[CampaignRow]:
    """The campaign sent last to a number from an originator; all of them, if several began at the same time."""
    records, held_at = holding.snapshot.graph.facts, holding.datasets | holding.erased_from
    reached = {campaign for dataset in held_at for campaign in records.campaigns_of_dataset.get(dataset, ())}
    sent = [
        campaign
        for campaign in map(records.campaigns.__getitem__, sorted(reached))
        if _spelt(campaign.originator) == _spelt(originator) and campaign.began_at <= moment
    ]
    last = max((campaign.began_at for campaign in sent), default=None)
    return [campaign for campaign in sent if campaign.began_at == last]


def _spelt(originator: str) -> str:
    """An originator without what gateways and people write it with: a plus, blanks, capitals."""
    return re.sub(r"[\W_]", "", originator).casefold()
