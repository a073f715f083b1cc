"""The shapes of a report: a document in words, which page, letter and file render alike.

Every text is finished, in the report's language, and plain: it has no markup, so a renderer escapes it as a whole.
What an organisation wrote (a name, a wording, a message) is in these texts verbatim. There are few kinds of block,
because each is rendered in three places.
"""

import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from service.wording.language import Language


class _Kind:
    """What makes `kind` required in the schema of documents, although no code has to pass it."""

    __slots__ = ()
    __pydantic_config__: ClassVar = ConfigDict(json_schema_serialization_defaults_required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading(_Kind):
    """A title within a section, for the blocks up to the next title."""

    text: Annotated[str, Field(examples=["Enseigne Maison SA"])]
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph(_Kind):
    """Sentences."""

    text: Annotated[str, Field(examples=["Aucun organisme enregistré ne détient votre numéro."])]
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenshot:
    """A screenshot of the form, kept in the registry as evidence of a notice."""

    evidence_id: uuid.UUID
    notice_id: uuid.UUID
    media_type: Annotated[str, Field(examples=["image/png"])]
    sha256: Annotated[str, Field(description="SHA-256 of its bytes, in hexadecimal.")]
    text: Annotated[str, Field(description="What it shows, in words, for readers who cannot see it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(_Kind):
    """A wording or a message, verbatim. `source` gives the place where it was read, and who reports it."""

    text: Annotated[str, Field(examples=["☐ J'accepte de recevoir par SMS des offres des partenaires listés ici."])]
    language: Annotated[
        str | None,
        Field(
            description="Language of the text, BCP 47. Often not that of the report; null if unknown.", examples=["fr"]
        ),
    ]
    source: Annotated[str, Field(examples=["Formulaire web, https://comparauto.example/devis"])]
    screenshots: list[Screenshot] = field(default_factory=list)
    kind: Literal["quote"] = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label and its value."""

    label: Annotated[str, Field(examples=["Date de votre accord"])]
    value: Annotated[str, Field(examples=["11 décembre 2023"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts(_Kind):
    """Labels and values."""

    items: list[Fact]
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets(_Kind):
    """Things of one kind, whose order means nothing."""

    items: list[str]
    kind: Literal["bullets"] = "bullets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(_Kind):
    """Rows under a header; the first cell of a row names it."""

    caption: str
    header: list[str]
    rows: list[list[str]]
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(_Kind):
    """The path as a drawing: `wide` runs from left to right, `narrow` downwards for a small screen.

    Both are SVG that is safe to put into a page as it is. They have no colours of their own; their classes begin with
    `chain-`. `alternative` says the same as a list in order of time.
    """

    title: str
    wide: str
    narrow: str
    alternative: list[str]
    kind: Literal["picture"] = "picture"


class Tone(StrEnum):
    """How a callout is to be read."""

    ATTENTION = "attention"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callout(_Kind):
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
    address: Annotated[
        str,
        Field(
            description="The contact in words, with whose word it is until the organisation speaks for itself.",
            examples=["dpo@contact-direct.example"],
        ),
    ]
    note: Annotated[str, Field(examples=["Détient votre numéro."])]
    statements: Annotated[
        list[str],
        Field(
            description="Its name and contact in the words of each other organisation that states them, until it "
            "speaks for itself.",
            examples=[["Contact selon Mouvement du Rivage : rgpd@contact-direct.example"]],
        ),
    ] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts(_Kind):
    """The organisations to write to."""

    items: list[Contact]
    kind: Literal["contacts"] = "contacts"


class Action(StrEnum):
    """What a person can do next. The page has a form or a link for each; `complain` has its own `address`."""

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
class Steps(_Kind):
    """What can be done now."""

    items: list[Step]
    kind: Literal["steps"] = "steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestable(_Kind):
    """An origin that the person can contest: the page has a link for it, a letter leaves it out."""

    dataset_id: uuid.UUID
    kind: Literal["contestable"] = "contestable"


Block = Annotated[
    Heading | Paragraph | Quote | Facts | Bullets | Table | Picture | Callout | Contacts | Steps | Contestable,
    Field(discriminator="kind"),
]


class Topic(StrEnum):
    """What a section is about. A report has a section for each topic that applies, in this order."""

    SUMMARY = "summary"
    PATH = "path"
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
    """A part of the report; `topic` is also its anchor on the page."""

    topic: Topic
    title: Annotated[str, Field(examples=["D’où vient votre numéro"])]
    blocks: list[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A person's answer about their number (GDPR 15), as of one moment and one state of the facts."""

    language: Language
    title: Annotated[str, Field(examples=["Votre numéro, d’où il vient et qui l’a eu"])]
    number: Annotated[
        str, Field(description="As people write it, in groups of digits.", examples=["+33 6 39 98 52 00"])
    ] = field(repr=False)
    reference: Annotated[
        str | None, Field(description="The disclosure's reference, in a letter or a file; null on the page.")
    ] = None
    as_of: AwareDatetime
    as_of_text: Annotated[str, Field(description="`as_of` in words.", examples=["Établi le 24 novembre 2026 à 4 h 10"])]
    held: Annotated[bool, Field(description="Whether any registered organisation holds the number now.")]
    operators: Annotated[
        list[str],
        Field(
            description="The operators of this registry, who are responsible for it, each with an address.",
            examples=[["Registre SAS, dpo@registre.example"]],
        ),
    ]
    sections: list[Section]
