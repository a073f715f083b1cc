"""STOP: a reply to a campaign's message, which objects to further messages. It never erases."""

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
from service.access.assertion import assertion_columns
from service.access.visible_rows import get_visible
from service.campaign.models import Campaign, CampaignDataset
from service.campaign.operations import read_cancellations
from service.core.clock import now
from service.core.db import Database
from service.core.errors import Conflict
from service.core.turns import in_turns
from service.core.vocabulary import ObjectionKind, ObjectionScope, ObjectionSource
from service.messaging.inbound import is_first_delivery
from service.messaging.messages import Inbound
from service.number.keyring import KeyRing
from service.objection.create import NewObjection, begin_recording, record_objections
from service.objection.current_holders import NumberHolders, holders_of_key
from service.objection.reporting import Report, Reporting, read_number
from service.objection.schemas import ReportOutcome, ReportResults, StopsIn
from service.provenance.graph.fact_index import Grouped
from service.provenance.graph.rows import CampaignRow
from service.provenance.snapshot import Snapshots

_STOP_WORDS: Final = frozenset({"STOP", "ARRET"})


def is_stop(text: str) -> bool:
    """Whether a reply begins with STOP or ARRET, ignoring case, accents, spaces and punctuation.

    Messages say "STOP au 38001", so people often reply with more than this word.
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    words = re.findall("[A-Z]+", plain.upper())
    return bool(words) and (words[0] in _STOP_WORDS or "".join(words) in _STOP_WORDS)


async def report_stops(
    session: AsyncSession,
    reporting: Reporting,
    actor: Actor,
    campaign_id: uuid.UUID,
    wanted: StopsIn,
) -> ReportResults:
    """Record STOP replies that a campaign's party or sender received, each relayed to every holder.

    Raises:
        NotFound: no campaign of the caller has this id.
        Unprocessable: the region is unknown, or a reply was sent in the future.
        TooManyRequests: the caller would record more objections today than it may.
        Conflict: the party cancelled the campaign.
    """
    campaign = await get_visible(session, Campaign, visibility.visible_campaigns(actor), campaign_id, "campaign")
    if await read_cancellations(session, [campaign.id]):
        raise Conflict(
            "campaign_cancelled",
            "This campaign was cancelled. If it was sent after all, register it again with `corrects_id`, and report "
            "the replies to that one.",
        )
    uses = select(CampaignDataset.dataset_id).where(col(CampaignDataset.campaign_id) == campaign.id)
    sent_to = frozenset((await session.exec(uses)).all())
    new_objections = [
        _stop(campaign, **assertion_columns(actor, reply.replied_at, f"replies.{place}.replied_at"))
        for place, reply in enumerate(wanted.replies)
    ]
    reported: list[int | ReportOutcome] = []
    async for reply in in_turns(wanted.replies):
        number = read_number(reply.number, wanted.region)
        is_other = reply.text is not None and not is_stop(reply.text)
        reported.append(ReportOutcome.NOT_A_STOP if is_other and isinstance(number, int) else number)

    def report(place: int, holders: NumberHolders) -> Report:
        reached = holders.ever
        if sent_to.isdisjoint(reached) or wanted.replies[place].replied_at < campaign.began_at:
            return ReportOutcome.NOT_MESSAGED
        return new_objections[place]

    return await reporting.record(actor, reported, report)


def _stop(campaign: Campaign | CampaignRow, **assertion: Any) -> NewObjection:
    return NewObjection(
        kind=ObjectionKind.OBJECTION,
        scope=ObjectionScope.EVERYTHING,
        source=ObjectionSource.STOP,
        campaign_id=campaign.id,
        received_by_id=campaign.party_id,
        **assertion,
    )


async def record_inbound_stop(
    database: Database, snapshots: Snapshots, ring: KeyRing, queue: App, message: Inbound
) -> None:
    """Record a STOP that our own gateway received, for each campaign that it answers. A repetition changes nothing.

    Another text, or a number that no campaign from this originator reached, leaves no trace. The STOP answers what was
    sent before the gateway received it, however long it waited there.
    """
    if not is_stop(message.text):
        return
    await snapshots.load()
    key = ring.pseudonym(message.number)
    async with database.transaction() as session:
        await begin_recording(session, ring, [key])
        holders = await holders_of_key(snapshots, key)
        # The gateway's clock may be ahead.
        moment = min(message.received_at, now())
        campaigns = _answered_campaigns(holders, message.originator, moment)
        if campaigns and await is_first_delivery(session, ring, message):
            wanted = [(holders, _stop(campaign, occurred_at=moment)) for campaign in campaigns]
            await record_objections(session, queue, ring, wanted)


def _answered_campaigns(holders: NumberHolders, originator: str, moment: datetime) -> list[CampaignRow]:
    """The campaign sent last to a number from an originator, or all of them if several began at the same time.

    A campaign of a party for which the number does not count is only taken if there is no other. Otherwise anybody
    could register a later one under the same originator, and the STOP would not reach the party that it answers. A
    cancelled one is only taken if there is no other either: the person did reply to a message.
    """
    facts = holders.snapshot.graph.facts
    sent = _begun_from(holders, facts.campaigns_of_dataset, originator, moment)
    sent = sent or _begun_from(holders, facts.unsent_campaigns_of_dataset, originator, moment)
    sent = [campaign for campaign in sent if holders.counted_for(campaign.party_id)] or sent
    last = max((campaign.began_at for campaign in sent), default=None)
    return [campaign for campaign in sent if campaign.began_at == last]


def _begun_from(
    holders: NumberHolders, campaigns_of: Grouped[uuid.UUID], originator: str, moment: datetime
) -> list[CampaignRow]:
    facts, held_at = holders.snapshot.graph.facts, holders.ever
    reached = {campaign for dataset_id in held_at for campaign in campaigns_of.get(dataset_id, ())}
    return [
        campaign
        for campaign in map(facts.campaign_versions.__getitem__, sorted(reached))
        if _bare(campaign.originator) == _bare(originator) and campaign.began_at <= moment
    ]


def _bare(originator: str) -> str:
    """An originator without case, plus sign, spaces and punctuation, since gateways and people write it variously."""
    return re.sub(r"[\W_]", "", originator).casefold()
