"""Wire shapes of where a number comes from: collections, notices, partner lists and evidence."""

import uuid
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from service.collection.schemas import PartnerOut
from service.core.vocabulary import Channel, Mechanism, Purpose
from service.provenance.answer.references import Asserted, CorrectsId, DatasetRef, OrganisationView


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerListView(Asserted):
    """The partner list in force on the day of this number's consent."""

    id: uuid.UUID
    valid_from_on: date
    partners: list[PartnerOut]
    categories: Annotated[list[str], Field(description="Recipients that are named only by category.")]
    corrects_id: Annotated[uuid.UUID | None, Field(description="The partner list that this one corrects.")]


class PartnerListBasis(StrEnum):
    """How the partner list was chosen, or why there is none."""

    CONSENT_DAY = "consent_day"
    CONSENT_DAY_UNKNOWN = "consent_day_unknown"
    NONE_YET = "none_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalView(Asserted):
    """That a piece of evidence does not show the form as it was, by the organisation that uploaded it."""

    reason: Annotated[str, Field(examples=["La capture montre une autre page que le formulaire."])]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    """A file that shows the notice as it was displayed: a screenshot."""

    id: uuid.UUID
    media_type: Annotated[str, Field(examples=["image/png"])]
    sha256: Annotated[
        str,
        Field(
            description="SHA-256 of its bytes, in hexadecimal.",
            examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        ),
    ]
    byte_count: Annotated[int, Field(examples=[183_204])]
    recorded_at: AwareDatetime
    withdrawal: Annotated[
        WithdrawalView | None, Field(description="That it does not show the form as it was, by who uploaded it.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierNotice(Asserted):
    """A notice as it was recorded before it was corrected."""

    id: uuid.UUID
    code: Annotated[str, Field(examples=["CA-2"])]
    language: Annotated[str, Field(description="BCP 47.", examples=["fr"])]
    wording: Annotated[str, Field(examples=["☐ J'accepte de recevoir par SMS des offres…"])]
    mechanism: Mechanism
    purposes: list[Purpose]
    valid_from_on: date
    valid_until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView(Asserted):
    """A notice with its wording, verbatim, as last corrected.

    Of a corrected notice, `asserted_by` and `recorded_at` say who corrected it and when.
    """

    id: uuid.UUID
    code: Annotated[str, Field(examples=["CA-2"])]
    version: Annotated[int, Field(examples=[2])]
    language: Annotated[str, Field(description="BCP 47.", examples=["fr"])]
    wording: Annotated[
        str, Field(examples=["☐ J'accepte de recevoir par SMS des offres et des messages d'information politique…"])
    ]
    mechanism: Mechanism
    purposes: list[Purpose]
    valid_from_on: date
    valid_until_on: date | None
    time_zone: Annotated[str, Field(description="The time zone of the notice's days.", examples=["Europe/Paris"])]
    corrects_id: CorrectsId
    earlier: Annotated[
        list[EarlierNotice], Field(description="What was recorded of it before it was corrected, oldest first.")
    ]
    evidence: list[EvidenceRef]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestView:
    """Since when the person of the number contests an agreement, and when the collector answered, if it did."""

    contested_at: AwareDatetime
    answered_at: AwareDatetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorDenial(Asserted):
    """That a collector denies a collection which another organisation asserts in its name."""

    comment: Annotated[str | None, Field(examples=["Nous n'avons jamais eu ce formulaire."])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Asserted):
    """A collection that the number came from: who collected it, under which notice, and when this person consented.

    `asserted_by` and the times are those of the collection.
    """

    dataset: DatasetRef
    collection_id: uuid.UUID
    collector: OrganisationView
    channel: Channel
    address: Annotated[
        str, Field(description="The page, shop or other place.", examples=["https://comparauto.example/devis"])
    ]
    began_on: date
    ended_on: date | None
    corrects_id: CorrectsId
    consented_at: Annotated[
        AwareDatetime | None, Field(description="When the person consented. Null if the file does not state it.")
    ]
    consent_record_id: Annotated[
        str | None, Field(description="The collector's own reference for its record of this consent.")
    ]
    notice: NoticeView
    partner_list: PartnerListView | None
    partner_list_basis: Annotated[
        PartnerListBasis,
        Field(
            description="`consent_day`: the list in force on the day of consent, in the notice's time zone. "
            "`consent_day_unknown`: without that day, no list is known to have been shown. "
            "`none_yet`: the notice had no list on that day."
        ),
    ]
    attested: Annotated[
        bool, Field(description="Whether the collector itself confirms this collection.", examples=[True])
    ]
    attested_at: Annotated[AwareDatetime | None, Field(description="When it confirmed it, by the registry's clock.")]
    denial: Annotated[
        CollectorDenial | None,
        Field(description="The word of the collector that there was no such collection. It is an origin all the same."),
    ]
    contest: Annotated[
        ContestView | None, Field(description="The word of the person that they did not give this agreement.")
    ] = None
