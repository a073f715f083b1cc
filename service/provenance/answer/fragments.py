"""An answer rendered in pieces: what many numbers share is rendered once and copied into each document. Pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import NamedTuple

import orjson
from orjson import Fragment

from service.provenance.answer.origin_schemas import Origin
from service.provenance.answer.schemas import Answer, Holding

# The same JSON as pydantic's. Parts that come from other features are models, which are their fields.
to_json = partial(orjson.dumps, default=vars, option=orjson.OPT_UTC_Z)


def to_fragment(value: object) -> Fragment:
    """A piece of JSON to be kept. It is copied: orjson leaves kilobytes unused behind each of its own results."""
    return Fragment(bytes(memoryview(to_json(value))))


class Part(NamedTuple):
    """An origin or a holding: the dataset that it is about, and its rendered fields."""

    dataset_id: uuid.UUID
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class Fragments:
    """The rendered fields of a shared answer; `origins` and `holdings` are apart, since consent completes them."""

    fields: dict[str, object]
    origins: Sequence[Part]
    holdings: Sequence[Part]

    @property
    def size(self) -> int:
        """How many bytes of JSON these are."""
        return len(to_json([self.fields, *(part.fields for part in (*self.origins, *self.holdings))]))


def render_fragments(shared: Answer) -> Fragments:
    """Render what an answer shares with others."""
    rendered = {name: to_fragment(value) for name, value in shared if name not in ("origins", "holdings")}
    return Fragments(
        # In the documented order; what is missing comes with the number.
        dict.fromkeys(Answer.model_fields) | rendered,
        [_part(origin) for origin in shared.origins],
        [_part(holding) for holding in shared.holdings],
    )


def _part(view: Origin | Holding) -> Part:
    values = ((field.name, getattr(view, field.name)) for field in fields(view))
    return Part(view.dataset.id, {name: to_fragment(value) for name, value in values})
