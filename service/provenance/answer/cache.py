"""A case: what one caller is told alike of every number that lies in the same hands. Made and rendered once. Pure.

Millions of numbers lie in the same few datasets, and all that differs from one to the next is when its person
consented. Cases belong to one state of the graph and are forgotten with it.
"""

import uuid
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

import orjson
from orjson import Fragment

from service.access.visibility import Visibility
from service.core.erasures import NO_ERASURES, Erasures
from service.core.vocabulary import Role
from service.provenance.answer.anomalies import contradictions, orphan_view
from service.provenance.answer.references import CampaignRef
from service.provenance.answer.schemas import (
    Answer,
    CampaignView,
    Holding,
    Origin,
    Recipient,
    Through,
    TransferView,
)
from service.provenance.answer.summary import summarise
from service.provenance.answer.views import (
    AnswerContext,
    campaign_view,
    chain_view,
    erasure_view,
    holding_view,
    organisation,
    origin,
    partners_in_force,
    transfer_view,
)
from service.provenance.graph.facts import Records
from service.provenance.graph.graph import Graph, chains, orphans
from service.provenance.graph.rows import PartnerListRow, TransferRow

# In JSON, as everything else here is sent. Parts that come from other features are models, which are their fields.
render = partial(orjson.dumps, default=vars, option=orjson.OPT_UTC_Z)

# A dataset that a number was erased from, and when.
End = tuple[uuid.UUID, datetime]
_NO_ENDS: Final[frozenset[End]] = frozenset()

# Some thousand cases of the usual size: more than a registry has kinds of numbers that are asked about at one time.
MOST_BYTES: Final = 64 * 1024 * 1024


class Part(NamedTuple):
    """A part of an answer that a number's own consent completes: the dataset it is about, and its rendered fields."""

    dataset_id: uuid.UUID
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class SharedAnswer:
    """The rendered fields of the answer; `origins` and `holdings` lack what is a number's own.

    `known` are the organisations that the caller may see named.
    """

    known: Collection[uuid.UUID]
    alike: dict[str, object]
    origins: Sequence[Part]
    holdings: Sequence[Part]

    @property
    def size(self) -> int:
        """How many bytes of JSON it keeps."""
        return len(render([self.alike, *(part.fields for part in (*self.origins, *self.holdings))]))


class AnswerCache:
    """The cases of one graph that were asked about last, as far as `most_bytes` go.

    What is kept depends on nothing but what callers see: were it on all that holds a number, then how long an answer
    takes would tell of others' holdings.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._cases: OrderedDict[tuple[Visibility, frozenset[uuid.UUID], frozenset[End]], SharedAnswer] = OrderedDict()
        # By the list, and by whether the caller may learn who asserts it and through whom.
        self._partner_lists: dict[tuple[uuid.UUID, bool, bool], Fragment] = {}

    def __len__(self) -> int:
        return len(self._cases)

    def find(self, graph: Graph, seen: Visibility, holders: frozenset[uuid.UUID], ended: Erasures) -> SharedAnswer:
        """The case of a caller that sees `seen` of a number which `holders` hold or, being among `ended`, did."""
        ends = _ends_witnessed(graph, seen, ended) if ended else _NO_ENDS
        key = seen, _witnessed(graph, seen, holders), ends
        case = self._cases.get(key)
        if case is not None:
            self._cases.move_to_end(key)
            return case
        case = self._cases[key] = make_shared_answer(graph, seen, key[1], dict(ends))
        self._bytes += case.size
        while self._bytes > self._most_bytes:
            _, forgotten = self._cases.popitem(last=False)
            self._bytes -= forgotten.size
        return case

    def partner_list(self, records: Records, known: Collection[uuid.UUID], row: PartnerListRow) -> Fragment:
        """A partner list, rendered: it may have a thousand names, and is in force in the cases of many callers."""
        key = row.id, row.asserted_by_id in known, row.asserted_through_id in known
        if key not in self._partner_lists:
            self._partner_lists[key] = Fragment(render(partners_in_force(records, known, row)))
        return self._partner_lists[key]


def _witnessed(graph: Graph, seen: Visibility, holders: frozenset[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Those of `holders` of which something is told: datasets that are seen, and the ends of transfers that are."""
    return seen.datasets.union(*(graph.ends[one] & holders for one in seen.transfers))


def _ends_witnessed(graph: Graph, seen: Visibility, ended: Erasures) -> frozenset[End]:
    """As far as something is told of them: of datasets that are seen, and of what was handed over in transfers seen.

    What a recipient did with its own copy since is no business of the sender's.
    """
    given = {graph.records.transfers[one].dataset_id for one in seen.transfers}
    return frozenset((one, moment) for one, moment in ended.items() if one in seen.datasets or one in given)


def make_shared_answer(
    graph: Graph, seen: Visibility, holders: frozenset[uuid.UUID], ended: Erasures = NO_ERASURES
) -> SharedAnswer:
    """The case of a caller that sees `seen`, of a number which of all datasets that it is told of `holders` hold.

    Those of them that are among `ended` did so until then.
    """
    known = graph.records.organisations.keys() if seen.whole else _named(graph.records, seen)
    told = _alike(AnswerContext(graph, holders, seen, known, ended))
    alike = {name: Fragment(render(value)) for name, value in told if name not in ("origins", "holdings")}
    return SharedAnswer(
        known,
        # In the documented order; what is missing comes with the number.
        dict.fromkeys(Answer.model_fields) | alike,
        [_part(one) for one in told.origins],
        [_part(one) for one in told.holdings],
    )


def _part(shape: Origin | Holding) -> Part:
    named = ((field.name, getattr(shape, field.name)) for field in fields(shape))
    return Part(shape.dataset.id, {name: Fragment(render(value)) for name, value in named})


def _alike(matter: AnswerContext) -> Answer:
    """The answer about a number of which nothing is known but where it is, and not when it is asked about."""
    records, seen, rank, ended = matter.records, matter.seen, matter.graph.rank, matter.ended
    shown = [records.datasets[one] for one in sorted(seen.datasets, key=rank.__getitem__)]
    left = [row for row in shown if row.id not in ended]
    astray = orphans(matter.graph, seen.datasets, ended)
    paths, more = chains(matter.graph, seen.datasets | _delivered(matter), ended)
    transfers = [transfer_view(matter, row) for row in _in_time(matter)]
    campaigns = [
        campaign_view(matter, row)
        for row in sorted((records.campaigns[one] for one in seen.campaigns), key=lambda row: row.began_at)
    ]
    parts: dict[str, Any] = {
        "graph_version": matter.graph.version,
        "held": bool(left),
        "origins": [origin(matter, row, row.collection_id) for row in shown if row.collection_id],
        "chains": [chain_view(matter, chain) for chain in paths],
        "chains_truncated": more,
        "holdings": [holding_view(matter, row, orphan=row.id in astray) for row in left],
        "erasures": [erasure_view(matter, row) for row in shown if row.id in ended],
        "transfers": transfers,
        "recipients": _recipients(records, transfers, campaigns),
        "campaigns": campaigns,
        "orphans": [orphan_view(matter, row) for row in shown if row.id in astray],
        "contradictions": contradictions(transfers),
    }
    told = Answer.model_construct(**parts)
    told.summary = summarise(told)
    return told


def _named(records: Records, seen: Visibility) -> set[uuid.UUID]:
    """The organisations that stand in what is seen; a collector is the first holder of what it collected."""
    named = {records.datasets[one].holder_id for one in seen.datasets | seen.bare} | seen.viewers
    for one in seen.transfers:
        named |= {records.transfers[one].sender_id, records.transfers[one].recipient_id}
    for one in seen.campaigns:
        campaign = records.campaigns[one]
        named |= {campaign.party_id} | ({campaign.sender_id} if campaign.sender_id else set())
    return named


def _delivered(matter: AnswerContext) -> frozenset[uuid.UUID]:
    """The datasets one hop down that the number reached from one which the caller sees."""
    into = matter.records.transfer_into_dataset
    return frozenset(one for one in matter.seen.bare if into[one].dataset_id in matter.seen.datasets)


def _in_time(matter: AnswerContext) -> list[TransferRow]:
    rows = [matter.records.transfers[one] for one in matter.seen.transfers]
    return sorted(rows, key=lambda row: (row.occurred_at, row.id))


def _recipients(
    records: Records, transfers: Sequence[TransferView], campaigns: Sequence[CampaignView]
) -> list[Recipient]:
    through: dict[uuid.UUID, list[Through]] = {}
    for transfer in transfers:
        through.setdefault(transfer.recipient.id, []).append(
            Through(
                transfer_id=transfer.id,
                sender_id=transfer.sender.id,
                occurred_at=transfer.occurred_at,
                status=transfer.status,
                number_declared=transfer.number_declared,
                number_received=transfer.number_received,
            )
        )
    return [
        Recipient(
            organisation=organisation(records, recipient),
            kind="client" if Role.PARTY in records.organisations[recipient].roles else "hand",
            through=brought,
            campaigns=[CampaignRef(id=one.id, name=one.name) for one in campaigns if one.party.id == recipient],
        )
        for recipient, brought in through.items()
    ]
