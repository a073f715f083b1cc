"""The shared answers that one process keeps, each until something changes that it was made from.

Time changes answers too: a campaign that was planned is sent from its beginning on. So each holds in a period. Pure.
"""

import uuid
from collections import OrderedDict
from collections.abc import Container
from datetime import datetime
from typing import Final, NamedTuple

from orjson import Fragment

from service.access.visibility import Visibility
from service.core.erasures import Erasures
from service.provenance.answer.fragments import to_fragment
from service.provenance.answer.origin_views import partner_list_view
from service.provenance.answer.reads import Reads, recorded_facts
from service.provenance.answer.shared import SharedAnswer, make_shared_answer
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.graph import Graph
from service.provenance.graph.rows import PartnerListRow

# A dataset that a number was erased from, and when.
Erased = tuple[uuid.UUID, datetime]
_NOTHING_ERASED: Final[frozenset[Erased]] = frozenset()

# Some thousand answers of the usual size: more than a registry has kinds of numbers that are asked about at one time.
# In memory, an answer takes two to three times its JSON, since its value is kept too.
MOST_BYTES: Final = 64 * 1024 * 1024


class AnswerKey(NamedTuple):
    """What a shared answer depends on."""

    visibility: Visibility
    datasets: frozenset[uuid.UUID]
    erased: frozenset[Erased]

    @property
    def size(self) -> int:
        """About how many facts the answer tells."""
        return len(self.visibility.datasets) + len(self.visibility.transfers) + len(self.visibility.campaigns)


class _PartnerList(NamedTuple):
    """A rendered partner list, and what it was made from."""

    rendered: Fragment
    reads: Reads


class AnswerCache:
    """The shared answers of one graph that were asked for last, as far as `most_bytes` of rendered JSON go.

    What is kept depends only on what callers see. If it depended on every holder of a number, the time of an answer
    would show others' holdings.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._answers: OrderedDict[AnswerKey, SharedAnswer] = OrderedDict()
        # By the list, and by whether the caller may see who asserts it and through which processor.
        self._partner_lists: dict[tuple[uuid.UUID, bool, bool], _PartnerList] = {}

    def after(self, changed: Reads) -> "AnswerCache":
        """What is kept for the next graph, in which the entries `changed` differ.

        Requests that still read the graph before go on using, and filling, the cache of that graph.
        """
        following = AnswerCache(self._most_bytes)
        for key, shared in self._answers.items():
            if shared.reads.isdisjoint(changed):
                following._answers[key] = shared
                following._bytes += shared.size
        following._partner_lists = {
            key: kept for key, kept in self._partner_lists.items() if kept.reads.isdisjoint(changed)
        }
        return following

    def __len__(self) -> int:
        return len(self._answers)

    def kept(self, key: AnswerKey, moment: datetime) -> SharedAnswer | None:
        """The shared answer of a key as of a moment, if it is kept."""
        shared = self._answers.get(key)
        if shared is None or not shared.holds.covers(moment):
            return None
        self._answers.move_to_end(key)
        return shared

    def keep(self, key: AnswerKey, shared: SharedAnswer) -> SharedAnswer:
        """Keep an answer, unless another request kept it meanwhile. It takes the place of one of another period."""
        former = self._answers.get(key)
        if former is not None:
            if former.holds == shared.holds:
                return former
            self._bytes -= former.size
        self._answers[key] = shared
        self._bytes += shared.size
        while self._bytes > self._most_bytes:
            _, forgotten = self._answers.popitem(last=False)
            self._bytes -= forgotten.size
        return shared

    def partner_list(self, facts: FactIndex, known: Container[uuid.UUID], row: PartnerListRow) -> Fragment:
        """A rendered partner list. It may have a thousand names, and is in force in the answers of many callers."""
        key = row.id, row.asserted_by_id in known, row.asserted_through_id in known
        kept = self._partner_lists.get(key)
        if kept is None:
            reads: set[int] = set()
            recorded = recorded_facts(facts, reads)
            # The list itself is one of its notice's.
            recorded.partner_lists_of_notice.get(row.notice_id)
            rendered = to_fragment(partner_list_view(recorded, known, row))
            kept = self._partner_lists[key] = _PartnerList(rendered, frozenset(reads))
        return kept.rendered


def answer_key(graph: Graph, visibility: Visibility, datasets: frozenset[uuid.UUID], erasures: Erasures) -> AnswerKey:
    """What a shared answer depends on, for a caller with this visibility."""
    erased = _shown_erasures(graph, visibility, erasures) if erasures else _NOTHING_ERASED
    return AnswerKey(visibility, _shown_datasets(graph, visibility, datasets), erased)


def make_answer(graph: Graph, key: AnswerKey, moment: datetime) -> SharedAnswer:
    """The shared answer of a key as of a moment."""
    return make_shared_answer(graph, key.visibility, key.datasets, moment, dict(key.erased))


def _shown_datasets(graph: Graph, visibility: Visibility, datasets: frozenset[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Those of `datasets` that an answer depends on: the visible ones, and both ends of visible transfers."""
    return visibility.datasets.union(
        *(graph.datasets_of_transfer[transfer_id] & datasets for transfer_id in visibility.transfers)
    )


def _shown_erasures(graph: Graph, visibility: Visibility, erasures: Erasures) -> frozenset[Erased]:
    """The erasures that an answer depends on: of visible datasets, and of what visible transfers handed over.

    What a recipient did with its own copy afterwards does not concern the sender.
    """
    handed_over = {graph.facts.transfers[transfer_id].dataset_id for transfer_id in visibility.transfers}
    return frozenset(
        (dataset_id, erased_at)
        for dataset_id, erased_at in erasures.items()
        if dataset_id in visibility.datasets or dataset_id in handed_over
    )
