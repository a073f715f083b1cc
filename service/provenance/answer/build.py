"""One number's answer as a value: the answer that it shares with many numbers, completed by its own consents. Pure.

The same functions serve every kind of caller. A caller is a function from the datasets that hold the number, or held it
before an erasure, to what is visible of them and around them.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.access.visibility import Visibility
from service.core.erasures import Erasures
from service.membership.store import NO_CONTESTS, Contests, Membership
from service.provenance.answer.cache import AnswerCache, AnswerKey, answer_key, make_answer
from service.provenance.answer.origin_schemas import ContestView, Origin
from service.provenance.answer.origin_views import Consent, consent_of, partner_list_view
from service.provenance.answer.schemas import Answer, Holding
from service.provenance.answer.shared import SharedAnswer
from service.provenance.graph.fact_index import FactIndex
from service.provenance.graph.graph import Graph, datasets_counted, datasets_holding

VisibilityOf = Callable[[frozenset[uuid.UUID], Erasures], Visibility]
"""What a caller may see, given the datasets that hold a number or held it, and its erasures."""


@dataclass(frozen=True, slots=True)
class PreparedAnswer:
    """Everything that one number's answer is made of, for `build_answer` and for `render_answer`.

    `stored` are the number's memberships, by dataset, and `contests` what its person contests.
    """

    facts: FactIndex
    cache: AnswerCache
    shared: SharedAnswer
    stored: Mapping[uuid.UUID, Membership]
    as_of: datetime
    contests: Contests

    @property
    def is_empty(self) -> bool:
        """Whether the caller is shown nothing: the same if nobody holds the number and if only others do."""
        shared = self.shared.answer
        return not any((shared.origins, shared.chains, shared.holdings, shared.transfers, shared.campaigns))

    def consent(self, dataset_id: uuid.UUID) -> Consent:
        """The number's own consent in a collected dataset."""
        return consent_of(self.facts, dataset_id, self.stored.get(dataset_id))

    def contest(self, dataset_id: uuid.UUID) -> ContestView | None:
        """The word of the person that they did not give the agreement which a collected dataset states."""
        found = self.contests.get(dataset_id)
        return ContestView(contested_at=found.contested_at, answered_at=found.answered_at) if found else None


def prepare_answer(
    graph: Graph,
    cache: AnswerCache,
    stored: Sequence[Membership],
    erasures: Erasures,
    visibility_of: VisibilityOf,
    as_of: datetime,
) -> PreparedAnswer:
    """Find what the answer about a number is made of, given its memberships and erasures. `cache` is of `graph`."""
    key = key_of_answer(graph, stored, erasures, visibility_of)
    shared = cache.kept(key, as_of) or cache.keep(key, make_answer(graph, key, as_of))
    return complete_answer(graph, cache, shared, stored, as_of)


def key_of_answer(
    graph: Graph, stored: Sequence[Membership], erasures: Erasures, visibility_of: VisibilityOf
) -> AnswerKey:
    """What the shared answer about a number depends on."""
    datasets = datasets_holding(graph, (membership.dataset_id for membership in stored), erasures)
    counted = datasets_counted(graph, datasets, erasures)
    visibility = visibility_of(counted, erasures)
    if not visibility.whole:
        return answer_key(graph, visibility, counted, erasures)
    # To the number's person and to the authority, what was withdrawn stays visible.
    return answer_key(graph, visibility_of(datasets, erasures), datasets, erasures)


def complete_answer(
    graph: Graph,
    cache: AnswerCache,
    shared: SharedAnswer,
    stored: Sequence[Membership],
    as_of: datetime,
    contests: Contests = NO_CONTESTS,
) -> PreparedAnswer:
    """The answer about a number, of which the shared part is found."""
    by_dataset = {membership.dataset_id: membership for membership in stored}
    return PreparedAnswer(graph.facts, cache, shared, by_dataset, as_of, contests)


def build_answer(prepared: PreparedAnswer) -> Answer:
    """The answer as a value. Other answers have parts of it in common, so change none of them."""
    shared = prepared.shared.answer
    own: dict[str, Any] = {
        "as_of": prepared.as_of,
        "origins": list(_origins(prepared, shared.origins)),
        "holdings": list(_holdings(prepared, shared.holdings)),
    }
    return Answer.model_construct(**dict(shared) | own)


def _origins(prepared: PreparedAnswer, origins: Sequence[Origin]) -> Iterator[Origin]:
    known = prepared.shared.known
    for origin in origins:
        own = prepared.consent(origin.dataset.id)
        view = partner_list_view(prepared.facts, known, own.partner_list) if own.partner_list else None
        yield replace(origin, **own._asdict() | {"partner_list": view, "contest": prepared.contest(origin.dataset.id)})


def _holdings(prepared: PreparedAnswer, holdings: Sequence[Holding]) -> Iterator[Holding]:
    for holding in holdings:
        membership = prepared.stored.get(holding.dataset.id)
        yield replace(holding, consented_at=membership.consented_at if membership else None)
