"""One number's answer as JSON, put together from rendered pieces.

It equals the JSON of the value that `build_answer` builds, but takes a fraction of the time.
"""

import uuid

from service.provenance.answer.build import PreparedAnswer
from service.provenance.answer.fragments import to_json


def render_answer(prepared: PreparedAnswer) -> bytes:
    """The answer as JSON."""
    fragments = prepared.shared.fragments
    own = {
        "as_of": prepared.as_of,
        "origins": [part.fields | _consent(prepared, part.dataset_id) for part in fragments.origins],
        "holdings": [part.fields | _consented_at(prepared, part.dataset_id) for part in fragments.holdings],
    }
    return to_json(fragments.fields | own)


def _consent(prepared: PreparedAnswer, dataset_id: uuid.UUID) -> dict[str, object]:
    own = prepared.consent(dataset_id)
    row, known = own.partner_list, prepared.shared.known
    rendered = prepared.cache.partner_list(prepared.facts, known, row) if row else None
    return {
        "consented_at": own.consented_at,
        "consent_record_id": own.consent_record_id,
        "partner_list": rendered,
        "partner_list_basis": own.partner_list_basis,
        "contest": prepared.contest(dataset_id),
    }


def _consented_at(prepared: PreparedAnswer, dataset_id: uuid.UUID) -> dict[str, object]:
    membership = prepared.stored.get(dataset_id)
    return {"consented_at": membership.consented_at} if membership else {}
