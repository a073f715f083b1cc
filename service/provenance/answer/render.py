"""One number's answer as JSON, put together from rendered pieces.

It is the JSON of the value that `build_answer` builds. To build the value and render it whole takes many times as long.
"""

import uuid

from service.provenance.answer.answer import PreparedAnswer
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
    listed = own.partner_list
    rendered = prepared.cache.partner_list(prepared.facts, prepared.shared.known, listed) if listed else None
    return own._asdict() | {"partner_list": rendered}


def _consented_at(prepared: PreparedAnswer, dataset_id: uuid.UUID) -> dict[str, object]:
    held = prepared.stored.get(dataset_id)
    return {"consented_at": held.consented_at} if held else {}
