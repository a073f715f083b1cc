"""The shapes of a story: a document in words, which page, letter and file show alike.

Every text is finished, in the story's language, and plain: no markup, so that whoever shows it escapes it as a whole.
What a party wrote (a name, a wording, a message) stands in these texts to the letter. Kinds of block are few on
purpose: whoever adds one has three ways of showing it to mend.
"""

import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from service.wording.language import Language


class _OfAKind:
    """A block says in every document of which kind it is, though none has to be told so when it is made."""

    __slots__ = ()
    __pydantic_config__: ClassVar = ConfigDict(json_schema_serialization_defaults_required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading(_OfAKind):
    """A title within a section: what comes after it, up to the next, is about one thing."""

    text: Annotated[str, Field(examples=["Enseigne Maison SA"])]
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph(_OfAKind):
    """Sentences."""

    text: Annotated[str, Field(examples=["Aucun organisme enregistré ne détient votre numéro."])]
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenshot:
    """A picture of the form, kept in the registry: a piece of evidence of a notice."""

    evidence_id: uuid.UUID
    notice_id: uuid.UUID
    media_type: Annotated[str, Field(examples=["image/png"])]
    sha256: Annotated[str, Field(description="SHA-256 of its bytes, in hexadecimal.")]
    text: Annotated[str, Field(description="What it shows, in words, for whoever does not see it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(_OfAKind):
    """A wording or a message, to the letter. `source` says where it was read and who says so."""

    text: Annotated[str, Field(examples=["☐ J'accepte de recevoir par SMS des offres des partenaires listés ici."])]
    language: Annotated[
        str | None,
        Field(description="Of the text: BCP 47. Often not the story's; null if nobody says.", examples=["fr"]),
    ]
    source: Annotated[str, Field(examples=["Formulaire web, https://comparauto.example/devis"])]
    screenshots: list[Screenshot] = field(default_factory=list)
    kind: Literal["quote"] = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label, and what is true of it."""

    label: Annotated[str, Field(examples=["Date de votre accord"])]
    value: Annotated[str, Field(examples=["11 décembre 2023"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(_OfAKind):
    """Labels and values."""

    items: list[Fact]
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets(_OfAKind):
    """Things of one kind, in no telling order."""

    items: list[str]
    kind: Literal["bullets"] = "bullets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(_OfAKind):
    """Rows under a header; the first cell of a row names it."""

    caption: str
    header: list[str]
    rows: list[list[str]]
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(_OfAKind):
    """The chain as a drawing: `wide` runs from left to right, `narrow` downwards for a small screen.

    Both are SVG, safe to put into a page as they are, and without colours of their own: classes begin with `chain-`.
    `alternative` says the same as a list in order of time.
    """

    title: str
    wide: str
    narrow: str
    alternative: list[str]
    kind: Literal["picture"] = "picture"


class Tone(StrEnum):
    """How a callout is meant."""

    ATTENTION = "attention"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callout(_OfAKind):
    """What must not be missed."""

    tone: Tone
    text: str
    kind: Literal["callout"] = "callout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """An organisation, and where to write to it about personal data."""

    organisation_id: uuid.UUID
    name: Annotated[str, Field(examples=["Contact Direct SAS"])]
    privacy_contact: Annotated[str | None, Field(examples=["dpo@contact-direct.example"])]
    note: Annotated[str, Field(examples=["Détient votre numéro."])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts(_OfAKind):
    """Whom to write to."""

    items: list[Contact]
    kind: Literal["contacts"] = "contacts"


class Action(StrEnum):
    """What a person can do next. The page has an address for each but `complain`, which has `address`."""

    OBJECT = "object"
    ERASE = "erase"
    DOWNLOAD = "download"
    COMPLAIN = "complain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that can be done now."""

    action: Action
    title: str
    text: str
    address: Annotated[str | None, Field(examples=["https://www.cnil.fr/fr/plaintes"])] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps(_OfAKind):
    """What can be done now."""

    items: list[Step]
    kind: Literal["steps"] = "steps"


Block = Annotated[
    Heading | Paragraph | Quote | Facts | Bullets | Table | Picture | Callout | Contacts | Steps,
    Field(discriminator="kind"),
]


class Topic(StrEnum):
    """What a section is about. A story has a section for each that has something to say, in this order."""

    ANSWER = "answer"
    PICTURE = "picture"
    ORIGINS = "origins"
    RECIPIENTS = "recipients"
    MESSAGES = "messages"
    GAPS = "gaps"
    EARLIER = "earlier"
    OBJECTIONS = "objections"
    NEXT = "next"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the story; `topic` is also its anchor on the page."""

    topic: Topic
    title: Annotated[str, Field(examples=["D’où vient votre numéro"])]
    blocks: list[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a person is told about their number (GDPR 15), as of one moment and one state of the facts."""

    language: Language
    title: Annotated[str, Field(examples=["Votre numéro, d’où il vient et qui l’a eu"])]
    number: Annotated[str, Field(description="As people write it.", examples=["+33 6 39 98 52 00"])] = field(repr=False)
    reference: Annotated[
        str | None, Field(description="Given when the answer is taken along, in a letter or a file.")
    ] = None
    told_at: AwareDatetime
    told: Annotated[str, Field(description="`told_at` in words.", examples=["Établi le 24 novembre 2026 à 4 h 10"])]
    graph_version: Annotated[int, Field(description="Names the state of the facts.", examples=[241])]
    held: Annotated[bool, Field(description="Whether any registered organisation holds the number now.")]
    answered_by: Annotated[
        list[str],
        Field(
            description="Who is responsible for this registry, and where to write to them.",
            examples=[["Registre SAS, dpo@registre.example"]],
        ),
    ]
    sections: list[Section]
