"""Request and response bodies of notices, partner lists, evidence, collections and what collectors state of them."""

import uuid
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from service.core.facts import FactIn, FactOut, RequestBody
from service.core.instant import Day
from service.core.text import Line, Note, Quotation, Sentence
from service.core.time_zone import TimeZone
from service.core.vocabulary import Channel, CollectorStatus, Mechanism, Purpose

Language = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class PartnerIn(RequestBody):
    """A name on a partner list."""

    name: Line = Field(examples=["Contact Direct SAS"], description="As printed on the list.")
    organisation_id: uuid.UUID | None = Field(
        default=None, description="The organisation that the name means, if known."
    )


class PartnerListIn(FactIn):
    """The recipients named to a person, from a day on. A new list ends the earlier one; no list ever changes."""

    valid_from_on: Day = Field(examples=["2023-09-01"])
    partners: list[PartnerIn] = Field(
        default_factory=list, max_length=10_000, examples=[[{"name": "Contact Direct SAS"}]]
    )
    categories: list[Line] = Field(
        default_factory=list, max_length=100, examples=[["partis politiques et candidats"]],
        description="Recipients named by category only.",
    )  # fmt: skip
    corrects_id: uuid.UUID | None = Field(default=None, description="The list that this one corrects, if any.")

    @model_validator(mode="after")
    def _not_empty(self) -> "PartnerListIn":
        if not self.partners and not self.categories:
            raise ValueError("a partner list must name partners or categories of partners")
        return self


class PartnerOut(BaseModel):
    """A name on a partner list."""

    name: str = Field(examples=["Contact Direct SAS"])
    organisation_id: uuid.UUID | None


class PartnerListOut(FactOut):
    """A partner list."""

    notice_id: uuid.UUID
    valid_from_on: date
    partners: list[PartnerOut]
    categories: list[str] = Field(examples=[["partis politiques et candidats"]])
    corrects_id: uuid.UUID | None


class NoticeIn(FactIn):
    """The wording that a form shows, verbatim."""

    collector_id: uuid.UUID = Field(description="The organisation whose form it is.")
    code: Line = Field(examples=["EM-1"], description="The collector's own name for this notice.")
    replaces_id: uuid.UUID | None = Field(default=None, description="The notice that this new version replaces.")
    corrects_id: uuid.UUID | None = Field(
        default=None,
        description="Your notice that this one corrects, if it does not say what was shown. It takes the place of that "
        "one, with its version, lists, evidence and collections. The old one keeps its address.",
    )
    language: Language = Field(examples=["fr"], description="The language of the wording (BCP 47).")
    wording: Quotation = Field(examples=["☐ Oui, Enseigne Maison peut transmettre mon numéro à Contact Direct SAS…"])
    mechanism: Mechanism = Field(examples=["double_opt_in"])
    purposes: list[Purpose] = Field(min_length=1, examples=[["commercial_canvassing", "political_canvassing"]])
    valid_from_on: Day = Field(examples=["2022-01-01"], description="The first day on which the form showed it.")
    valid_until_on: Day | None = Field(default=None, description="The last day; null as long as it is shown.")
    time_zone: TimeZone | None = Field(
        default=None, description="The time zone of the days of this notice. Default: that of its collector."
    )
    partner_list: PartnerListIn | None = Field(default=None, description="The first partner list, if the form had one.")

    @model_validator(mode="after")
    def _in_order(self) -> "NoticeIn":
        if self.valid_until_on is not None and self.valid_until_on < self.valid_from_on:
            raise ValueError("valid_until_on must not be before valid_from_on")
        if self.corrects_id is not None and (self.replaces_id, self.partner_list) != (None, None):
            raise ValueError("a correction keeps what the notice replaces and its partner lists: leave them out")
        return self


class WithdrawalIn(FactIn):
    """That a piece of evidence does not show the form as it was."""

    reason: Sentence = Field(
        examples=["La capture montre une autre page que le formulaire."],
        description="A sentence of 10 to 300 characters, without a phone number, that the persons concerned may read.",
    )


class WithdrawalOut(FactOut):
    """The word of the organisation that uploaded a piece of evidence that it does not show the form as it was."""

    evidence_id: uuid.UUID
    reason: str = Field(examples=["La capture montre une autre page que le formulaire."])


class EvidenceOut(FactOut):
    """A screenshot of the form."""

    notice_id: uuid.UUID
    media_type: Literal["image/png", "image/jpeg", "image/webp", "application/pdf"]
    sha256: str = Field(
        description="SHA-256 of the bytes, in hexadecimal.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    byte_count: int = Field(examples=[183_204])
    withdrawal: WithdrawalOut | None


class NoticeOut(FactOut):
    """A notice with its partner lists, oldest first, and its evidence."""

    collector_id: uuid.UUID
    code: str = Field(examples=["EM-1"])
    replaces_id: uuid.UUID | None = Field(description="The notice that it replaces, if you see that notice too.")
    corrects_id: uuid.UUID | None = Field(description="The notice that it corrects.")
    corrected_by_id: uuid.UUID | None = Field(description="The notice that corrects this one, which no longer counts.")
    first_id: uuid.UUID = Field(
        description="The notice with which its corrections began: its own id if it corrects none. Lists and evidence "
        "name that one."
    )
    version: int = Field(examples=[1])
    language: str = Field(examples=["fr"])
    wording: str = Field(examples=["☐ Oui, Enseigne Maison peut transmettre mon numéro à Contact Direct SAS…"])
    mechanism: Mechanism = Field(examples=["double_opt_in"])
    purposes: list[Purpose] = Field(examples=[["commercial_canvassing", "political_canvassing"]])
    valid_from_on: date
    valid_until_on: date | None
    time_zone: str = Field(examples=["Europe/Paris"])
    partner_lists: list[PartnerListOut]
    evidence: list[EvidenceOut]


class CollectionIn(FactIn):
    """The gathering of numbers under one notice."""

    collector_id: uuid.UUID
    notice_id: uuid.UUID
    channel: Channel
    address: Line = Field(
        examples=["https://www.enseigne-maison.example/fidelite"], description="The page, shop or place."
    )
    began_on: Day = Field(examples=["2023-10-02"])
    ended_on: Day | None = Field(default=None, description="The last day; null as long as it goes on.")
    corrects_id: uuid.UUID | None = Field(
        default=None,
        description="The collection of yours that this one corrects. It stays recorded and no longer counts.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "CollectionIn":
        if self.ended_on is not None and self.ended_on < self.began_on:
            raise ValueError("ended_on must not be before began_on")
        return self


class CollectorStatementIn(FactIn):
    """What a collector states of a collection that another organisation asserts in its name."""

    status: CollectorStatus = Field(
        description="`attested`: it took place as asserted. `denied`: there was no such collection. `withdrawn`: you "
        "take back what you stated."
    )
    comment: Note | None = Field(
        default=None,
        examples=["Nous n'avons jamais eu ce formulaire."],
        description="Shown to all who see the collection, and to the persons concerned.",
    )


class CollectorStatementOut(FactOut):
    """What a collector stated of a collection, or of one that it corrects. The latest statement counts."""

    collection_id: uuid.UUID
    status: CollectorStatus
    comment: str | None = Field(examples=["Nous n'avons jamais eu ce formulaire."])


class CollectionOut(FactOut):
    """A collection."""

    collector_id: uuid.UUID
    notice_id: uuid.UUID
    channel: Channel
    address: str = Field(examples=["https://www.enseigne-maison.example/fidelite"])
    began_on: date
    ended_on: date | None
    corrects_id: uuid.UUID | None = Field(description="The collection that it corrects, if you see that one too.")
    corrected_by_id: uuid.UUID | None = Field(
        description="The collection that corrects this one, which no longer counts."
    )
    attested: bool = Field(
        description="Whether the collector asserts it or has attested it. What another organisation corrected since "
        "is not attested."
    )
    denied: bool = Field(description="Whether the collector denies it. It still counts as an origin.")
    statements: list[CollectorStatementOut] = Field(
        description="What the collector stated of it, and of what it corrects, in the order of recording."
    )
