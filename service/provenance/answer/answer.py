"""One number's answer, as it is sent: its case, which many numbers share, and what is its own. Pure.

The same function serves every kind of caller; the one that asks is a function from the datasets that hold the number,
or did before it was erased from them, to what of them, and around them, is seen.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from service.access.visibility import Visibility
from service.core.erasures import Erasures
from service.membership.store import Membership
from service.provenance.answer.cache import AnswerCache, render
from service.provenance.answer.views import consent
from service.provenance.graph.facts import Records
from service.provenance.graph.graph import Graph, holding

Eyes = Callable[[frozenset[uuid.UUID], Erasures], Visibility]


def answer(
    graph: Graph, cases: AnswerCache, held: Sequence[Membership], ended: Erasures, eyes: Eyes, as_of: datetime
) -> bytes:
    """The answer about a number that the datasets of `held` store, as `eyes` see it: an `Answer` in JSON.

    `ended` are the datasets that it was erased from; `cases` are those of the same graph.
    """
    holders = holding(graph, (one.dataset_id for one in held), ended)
    case = cases.find(graph, eyes(holders, ended), holders, ended)
    own = {one.dataset_id: one for one in held}
    origins = [
        part.fields | _consent(graph.records, cases, case.known, part.dataset_id, own.get(part.dataset_id))
        for part in case.origins
    ]
    holdings = [part.fields | _consented_at(own.get(part.dataset_id)) for part in case.holdings]
    return render(case.alike | {"as_of": as_of, "origins": origins, "holdings": holdings})


def _consent(
    records: Records, cases: AnswerCache, known: Collection[uuid.UUID], dataset_id: uuid.UUID, stored: Membership | None
) -> dict[str, object]:
    found = consent(records, dataset_id, stored)
    listed = cases.partner_list(records, known, found.partner_list) if found.partner_list else None
    return found._asdict() | {"partner_list": listed}


def _consented_at(stored: Membership | None) -> dict[str, object]:
    return {"consented_at": stored.consented_at} if stored else {}
