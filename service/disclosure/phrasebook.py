"""A language with all that a report needs of it: phrases, the terms of closed lists, days, counts and lists. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from service.disclosure import english, french
from service.disclosure.phrases import Phrases
from service.disclosure.subject_answer import StatedByAnother
from service.provenance.answer.references import Asserted, Heir, OrganisationRef, OrganisationView
from service.wording.language import (
    Language,
    write_count,
    write_day,
    write_day_of,
    write_elapsed,
    write_list,
    write_moment,
    write_quoted,
    write_span,
)
from service.wording.terms import Terms
from service.wording.typography import typeset_catalogue

_PHRASES: Final = typeset_catalogue(fr=french.PHRASES, en=english.PHRASES)
_VOWELS: Final = frozenset("aàâæeéèêëiîïoôœuùûü")


class Named(Protocol):
    """What an organisation is called by in a heading or list."""

    @property
    def legal_name(self) -> str: ...  # noqa: D102 - the field's name
    @property
    def closed_on(self) -> date | None: ...  # noqa: D102
    @property
    def succeeded_by(self) -> Heir | None: ...  # noqa: D102


class Addressed(Named, Protocol):
    """An organisation to which a person may write."""

    @property
    def privacy_contact(self) -> str | None: ...  # noqa: D102 - the field's name
    @property
    def stated_by(self) -> OrganisationRef | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The phrasebook of a language."""

    language: Language

    @property
    def phrases(self) -> Phrases:
        """The phrases, by section. A value is filled in with `format`, and stays as it is."""
        return _PHRASES.of(self.language)

    @property
    def terms(self) -> Terms:
        """The terms of the closed lists."""
        return Terms(self.language)

    def asserted_by(self, fact: Asserted) -> str:
        """Who asserts a fact, and through which processor, if one did; without an organisation it is the registry."""
        general = self.phrases.general
        if fact.asserted_by is None:
            return general.registry
        name, through = fact.asserted_by.legal_name, fact.asserted_through
        return general.through.format(who=name, processor=through.legal_name) if through else name

    def name(self, organisation: Named) -> str:
        """The name of an organisation as it was then, since when it has ceased, and who answers for it today."""
        general, name, heir = self.phrases.general, organisation.legal_name, organisation.succeeded_by
        if organisation.closed_on is None:
            return general.succeeded.format(name=name, heir=heir.legal_name) if heir else name
        day = self.day(organisation.closed_on)
        if heir is None:
            return general.closed.format(name=name, day=day)
        return general.closed_and_succeeded.format(name=name, day=day, heir=heir.legal_name)

    def address_of(self, organisation: Addressed) -> str:
        """Where to write about what an organisation holds or held: to its heir, if another answers for it today."""
        heir = organisation.succeeded_by
        if heir is None:
            return self.address(organisation.privacy_contact, organisation.stated_by)
        return self.phrases.general.heir_address.format(
            contact=self.address(heir.privacy_contact, None),
            heir=heir.legal_name,
            name=organisation.legal_name,
            day=self.day(heir.since_on),
        )

    def address(self, contact: str | None, stated_by: OrganisationRef | None) -> str:
        """Where to write to an organisation, and whose word that is until the organisation speaks for itself."""
        general, shown = self.phrases.general, contact or self.phrases.general.no_address
        return general.according_to.format(contact=shown, namer=stated_by.legal_name) if stated_by else shown

    def stated_by_another(self, organisation: OrganisationView, stated: StatedByAnother) -> str:
        """What another organisation states of the name and contact of `organisation`, as its word."""
        general, contact = self.phrases.general, stated.privacy_contact or self.phrases.general.no_address
        if stated.legal_name == organisation.legal_name:
            return general.contact_by_another.format(namer=stated.namer, contact=contact)
        return general.name_and_contact_by_another.format(namer=stated.namer, name=stated.legal_name, contact=contact)

    def from_sender(self, name: str) -> str:
        """From a named organisation: d’Enseigne Maison SA, de Contact Direct SAS."""
        match self.language:
            case Language.FR:
                return f"d’{name}" if name[:1].casefold() in _VOWELS else f"de {name}"
            case Language.EN:
                return f"from {name}"

    def list(self, parts: Sequence[str]) -> str:
        """Things in a sentence."""
        return write_list(self.language, parts)

    def quoted(self, text: str) -> str:
        """A text in quotation marks."""
        return write_quoted(self.language, text)

    def quoted_at_end(self, text: str) -> str:
        """A text in quotation marks that ends a sentence, with a full stop unless it has its own."""
        return self.quoted(text) if text.rstrip().endswith((".", "!", "?", "…")) else f"{self.quoted(text)}."

    def day(self, day: date) -> str:
        """A day."""
        return write_day(self.language, day)

    def day_of(self, moment: datetime) -> str:
        """The day of a moment."""
        return write_day_of(self.language, moment)

    def moment(self, moment: datetime) -> str:
        """A day and a time."""
        return write_moment(self.language, moment)

    def span(self, began: datetime, ended: datetime) -> str:
        """From when to when."""
        return write_span(self.language, began, ended)

    def elapsed(self, earlier: datetime, later: datetime) -> str:
        """How long after."""
        return write_elapsed(self.language, earlier, later)

    def count(self, count: int) -> str:
        """How many."""
        return write_count(self.language, count)
