"""What a story is made of: everything that is known of a number and its person, as of one moment. Pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from service.objection.schemas import ObjectionOut
from service.provenance.answer.references import OrganisationView
from service.provenance.answer.schemas import Answer, CampaignView, Origin, TransferView, Use
from service.wording.language import paris_day


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectAnswer:
    """A person's question about a number, and what there is to tell.

    `answer` is for the person's eyes, from which nothing is withheld; `holders` hold the number now, `operators` answer
    for the registry. Before
    `owned_since`, if that is given, the number was somebody else's, about whom this person is told next to nothing
    (GDPR 15(4)).
    """

    number: int = field(repr=False)
    answer: Answer
    holders: Sequence[OrganisationView] = ()
    operators: Sequence[OrganisationView] = ()
    objections: Sequence[ObjectionOut] = ()
    owned_since: date | None = None

    def owned_at(self, moment: datetime) -> bool:
        """Whether the number was this person's already, as they say."""
        return self.owned_since is None or paris_day(moment) >= self.owned_since

    @property
    def is_known(self) -> bool:
        """Whether there is anything to tell: the number is held, or was before it was erased."""
        answer = self.answer
        return bool(answer.holdings or answer.erasures or answer.origins or answer.transfers)

    @property
    def erased(self) -> dict[uuid.UUID, tuple[str, datetime]]:
        """The organisations that erased the number and hold it no more, by name, and since when."""
        holding = {one.dataset.holder.id for one in self.answer.holdings}
        found: dict[uuid.UUID, tuple[str, datetime]] = {}
        for one in sorted(self.answer.erasures, key=lambda one: one.erased_at):
            holder = one.dataset.holder
            if holder.id not in holding:
                found[holder.id] = holder.legal_name, one.erased_at
        return found

    @property
    def origins(self) -> list[Origin]:
        """The collections that surely concern this person: of one without a date of consent, when it began decides."""
        return [one for one in self.answer.origins if self._collected_from_them(one)]

    def _collected_from_them(self, origin: Origin) -> bool:
        if self.owned_since is None:
            return True
        given_on = paris_day(origin.consented_at) if origin.consented_at else origin.began_on
        return given_on >= self.owned_since

    @property
    def transfers(self) -> list[TransferView]:
        """The transfers since the number is theirs, in order of time.

        By what a number was picked says something of whose it was when it was collected: it is left out if that may
        have been another.
        """
        found = [one for one in self.answer.transfers if self.owned_at(one.occurred_at)]
        return [replace(one, targeting=[]) for one in found] if self.concerns_another else found

    @property
    def campaigns(self) -> list[CampaignView]:
        """The campaigns since the number is theirs, in order of time. Names of files may say how they were picked."""
        found = [one for one in self.answer.campaigns if self.owned_at(one.began_at)]
        if not self.concerns_another:
            return found
        return [replace(one, through=[_unnamed(use) for use in one.through]) for one in found]

    @property
    def own_objections(self) -> list[ObjectionOut]:
        """The objections since the number is theirs, in order of time."""
        found = [one for one in self.objections if self.owned_at(one.occurred_at)]
        return sorted(found, key=lambda one: one.occurred_at)

    @property
    def earlier_organisations(self) -> list[str]:
        """The organisations that had or used the number before it was theirs, by name and nothing else."""
        since = self.owned_since
        if since is None:
            return []
        named = [one.collector.legal_name for one in self.answer.origins if not self._collected_from_them(one)]
        for transfer in self.answer.transfers:
            if not self.owned_at(transfer.occurred_at):
                named += [transfer.sender.legal_name, transfer.recipient.legal_name]
        named += [one.party.legal_name for one in self.answer.campaigns if not self.owned_at(one.began_at)]
        return list(dict.fromkeys(named))

    @property
    def concerns_another(self) -> bool:
        """Whether part of what is known is about whoever had the number before."""
        return bool(self.earlier_organisations) or len(self.own_objections) < len(self.objections)


def since_owned(inquiry: SubjectAnswer, phrase: str) -> str:
    """The name of a phrase that says of how many, or that there is none: of what is told here if not all is told."""
    return f"{phrase}_since" if inquiry.concerns_another else phrase


def _unnamed(use: Use) -> Use:
    return replace(use, dataset=replace(use.dataset, name=None))
