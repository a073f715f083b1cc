"""What a report is made from: everything known about a number and its person, as of one moment. Pure."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from service.core.vocabulary import CampaignState, TransferStatus
from service.objection.schemas import ObjectionOut
from service.provenance.answer.campaign_schemas import CampaignUse, CampaignView
from service.provenance.answer.origin_schemas import Origin
from service.provenance.answer.references import OrganisationView
from service.provenance.answer.schemas import Answer, Erasure, Holding, TransferView
from service.wording.language import paris_day


@dataclass(frozen=True, slots=True)
class StatedByAnother:
    """The name and contact of an organisation as another states them that is not the one whose word counts."""

    namer: str
    legal_name: str
    privacy_contact: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectAnswer:
    """The answer about a number for its own person, the data subject.

    Nothing is withheld from `answer`; `holders` hold the number now, `past_holders` did until their holding ended or
    they withdrew it, and `operators` are responsible for the registry.
    `stated_by_others` has, by organisation, what others on the number's paths state of its name and contact, as long as
    it does not speak for itself.
    Before `owned_since`, if that is given, the number was another person's. This person may learn next to nothing
    about that one (GDPR 15(4)).
    """

    number: int = field(repr=False)
    answer: Answer
    holders: Sequence[OrganisationView] = ()
    past_holders: Sequence[OrganisationView] = ()
    operators: Sequence[OrganisationView] = ()
    stated_by_others: Mapping[uuid.UUID, Sequence[StatedByAnother]] = field(default_factory=dict)
    objections: Sequence[ObjectionOut] = ()
    owned_since: date | None = None

    def owned_at(self, moment: datetime) -> bool:
        """Whether the number was this person's by then, as they say."""
        return self.owned_since is None or paris_day(moment) >= self.owned_since

    @property
    def is_known(self) -> bool:
        """Whether there is anything to report: the number is held, or was before it was erased."""
        answer = self.answer
        return bool(answer.holdings or answer.erasures or answer.origins or answer.transfers)

    @property
    def erased(self) -> dict[uuid.UUID, tuple[str, datetime]]:
        """The organisations that erased the number and no longer hold it, each with its name and the latest erasure."""
        holders = {holding.dataset.holder.id for holding in self.answer.holdings if holding.current}
        found: dict[uuid.UUID, tuple[str, datetime]] = {}
        for erasure in sorted(self.answer.erasures, key=lambda erasure: erasure.erased_at):
            holder = erasure.dataset.holder
            if holder.id not in holders and not _is_past(erasure):
                found[holder.id] = holder.legal_name, erasure.erased_at
        return found

    @property
    def past_holdings(self) -> list[Holding]:
        """The files that their holders no longer have or never had, and those that hold the number by these alone."""
        return [] if self.concerns_another else [row for row in self.answer.holdings if not row.current]

    @property
    def past_erasures(self) -> list[Erasure]:
        """The erasures of what is kept here of such files."""
        return [] if self.concerns_another else [row for row in self.answer.erasures if _is_past(row)]

    @property
    def origins(self) -> list[Origin]:
        """The collections that certainly concern this person. Without a date of consent, the first day decides."""
        return [origin for origin in self.answer.origins if self._collected_from_them(origin)]

    def _collected_from_them(self, origin: Origin) -> bool:
        if self.owned_since is None:
            return True
        given_on = paris_day(origin.consented_at) if origin.consented_at else origin.began_on
        return given_on >= self.owned_since

    @property
    def stated_transfers(self) -> list[TransferView]:
        """The transfers that somebody states now, in order of time."""
        return [transfer for transfer in self.answer.transfers if transfer.status is not TransferStatus.RETRACTED]

    @property
    def recorded_transfers(self) -> list[TransferView]:
        """The transfers since the number is theirs, also those that were stated by mistake, in order of time.

        The criteria by which a number was selected describe the person from whom it was collected. They are left out
        if that may have been another.
        """
        found = [transfer for transfer in self.answer.transfers if self.owned_at(transfer.occurred_at)]
        return [replace(transfer, targeting=[]) for transfer in found] if self.concerns_another else found

    @property
    def transfers(self) -> list[TransferView]:
        """Those of the recorded transfers that somebody states now."""
        return [transfer for transfer in self.recorded_transfers if transfer.status is not TransferStatus.RETRACTED]

    @property
    def retracted_transfers(self) -> list[TransferView]:
        """Those of the recorded transfers that were stated by mistake."""
        return [transfer for transfer in self.recorded_transfers if transfer.status is TransferStatus.RETRACTED]

    @property
    def campaigns(self) -> list[CampaignView]:
        """The campaigns that were sent since the number is theirs, in order of time."""
        return self._shown(campaign for campaign in self.answer.campaigns if campaign.state is CampaignState.SENT)

    @property
    def planned_campaigns(self) -> list[CampaignView]:
        """The campaigns that are planned, in order of time."""
        return self._shown(campaign for campaign in self.answer.campaigns if campaign.state is CampaignState.PLANNED)

    @property
    def campaigns_not_sent(self) -> list[CampaignView]:
        """The campaigns that were cancelled, or are said to have not been sent, in order of time."""
        return self._shown(self.answer.campaigns_not_sent)

    def _shown(self, campaigns: Iterable[CampaignView]) -> list[CampaignView]:
        """Those since the number is theirs.

        A file's name may show how its numbers were selected, so it is left out where the criteria are.
        """
        found = [campaign for campaign in campaigns if self.owned_at(campaign.began_at)]
        if not self.concerns_another:
            return found
        return [replace(campaign, through=[_without_name(use) for use in campaign.through]) for campaign in found]

    @property
    def own_objections(self) -> list[ObjectionOut]:
        """The objections since the number is theirs, in order of time."""
        found = [objection for objection in self.objections if self.owned_at(objection.occurred_at)]
        return sorted(found, key=lambda objection: objection.occurred_at)

    @property
    def earlier_organisations(self) -> list[str]:
        """The organisations that had or used the number before it was theirs, by name and nothing else."""
        if self.owned_since is None:
            return []
        answer = self.answer
        names = [origin.collector.legal_name for origin in answer.origins if not self._collected_from_them(origin)]
        for transfer in self.stated_transfers:
            if not self.owned_at(transfer.occurred_at):
                names += [transfer.sender.legal_name, transfer.recipient.legal_name]
        names += [campaign.party.legal_name for campaign in answer.campaigns if not self.owned_at(campaign.began_at)]
        return list(dict.fromkeys(names))

    @property
    def concerns_another(self) -> bool:
        """Whether part of what is known concerns the former owner of the number."""
        return bool(self.earlier_organisations) or len(self.own_objections) < len(self.objections)


def _is_past(erasure: Erasure) -> bool:
    """Whether a number was erased from what its holder did not have any more by then."""
    end, withdrawal = erasure.dataset.end, erasure.dataset.withdrawal
    return (end is not None and end.stated_at < erasure.erased_at) or (
        withdrawal is not None and withdrawal.withdrawn_at < erasure.erased_at
    )


def _without_name(use: CampaignUse) -> CampaignUse:
    return replace(use, dataset=replace(use.dataset, name=None))
