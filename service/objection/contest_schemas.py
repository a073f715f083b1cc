"""Requests and responses about contests: a person says that an agreement was not theirs, and is answered."""

import uuid

from pydantic import AwareDatetime, BaseModel, Field

from service.core.facts import RequestBody
from service.core.text import Note, RecordReference
from service.provenance.answer.references import OrganisationRef


class ContestIn(RequestBody):
    """That the person did not give the agreement which one origin of their number states."""

    dataset_id: uuid.UUID = Field(
        description="The collected dataset of that origin, as `origins` of your answer names it."
    )


class ContestAnswerIn(RequestBody):
    """What a collector answers to a contest: the record that it keeps of the agreement."""

    answer_text: Note = Field(
        examples=["Nous conservons la case cochée, avec la date et l'adresse IP."],
        description="What the person will read.",
    )
    consent_record_id: RecordReference | None = Field(
        default=None, description="Your reference for the record of the agreement."
    )


class ContestAnswerView(BaseModel):
    """A collector's answer to a contest."""

    organisation: OrganisationRef
    answer_text: str = Field(examples=["Nous conservons la case cochée, avec la date et l'adresse IP."])
    consent_record_id: str | None
    recorded_at: AwareDatetime


class ContestedOrigin(BaseModel):
    """The origin that a contest is about."""

    dataset_id: uuid.UUID
    collector: OrganisationRef
