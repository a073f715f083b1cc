"""Small worlds of facts in memory: what each organisation did, and which numbers each dataset has.

Beside the rows that the service would read, a world knows the numbers, so that tests can work answers out naively.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from service.core.vocabulary import (
    Channel,
    CollectorStatus,
    Content,
    DatasetState,
    LawfulBasis,
    Mechanism,
    ProcessingRole,
    Purpose,
    Role,
    Side,
    TransferStatus,
)
from service.provenance.graph import rows

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
LATER = datetime(2025, 1, 1, tzinfo=UTC)
"""When tests ask: after everything in a world, unless they say otherwise."""


@dataclass
class World:
    """Facts in the order in which they were recorded, a minute apart."""

    organisations: dict[uuid.UUID, rows.OrganisationRow] = field(default_factory=dict)
    notices: list[rows.NoticeRow] = field(default_factory=list)
    partner_lists: list[rows.PartnerListRow] = field(default_factory=list)
    partners: list[rows.PartnerRow] = field(default_factory=list)
    collections: list[rows.CollectionRow] = field(default_factory=list)
    collector_statements: list[rows.CollectorStatementRow] = field(default_factory=list)
    datasets: dict[uuid.UUID, rows.DatasetRow] = field(default_factory=dict)
    parents: list[rows.ParentRow] = field(default_factory=list)
    transfers: dict[uuid.UUID, rows.TransferRow] = field(default_factory=dict)
    statements: list[rows.StatementRow] = field(default_factory=list)
    releases: list[rows.ReleaseRow] = field(default_factory=list)
    campaigns: dict[uuid.UUID, rows.CampaignRow] = field(default_factory=dict)
    uses: list[rows.UseRow] = field(default_factory=list)
    cancellations: list[rows.CancellationRow] = field(default_factory=list)
    numbers: dict[uuid.UUID, frozenset[int]] = field(default_factory=dict)
    consents: dict[tuple[uuid.UUID, int], datetime] = field(default_factory=dict)
    erased: dict[tuple[uuid.UUID, int], datetime] = field(default_factory=dict)
    count: int = 0

    def fact(self, asserted_by: uuid.UUID | None, occurred_at: datetime | None = None) -> dict[str, Any]:
        """The columns of every fact."""
        self.count += 1
        recorded_at = EPOCH + timedelta(minutes=self.count)
        return {
            "id": uuid.UUID(int=self.count),
            "asserted_by_id": asserted_by,
            "occurred_at": occurred_at or recorded_at,
            "recorded_at": recorded_at,
        }

    def organisation(
        self, *roles: Role, name: str = "", account: bool = True, named_by: uuid.UUID | None = None
    ) -> uuid.UUID:
        """Add an organisation, with an account or only named by another."""
        fact = self.fact(named_by)
        row = rows.OrganisationRow(
            **fact,
            legal_name=name or f"{roles[0]} {self.count}",
            country="FR",
            registration_number=None,
            roles=list(roles),
            privacy_contact=None,
            admitted_at=EPOCH if account else None,
            stated_by_id=named_by,
            stated_at=fact["recorded_at"],
        )
        self.organisations[row.id] = row
        return row.id

    def admit(self, organisation: uuid.UUID) -> None:
        """Give an organisation that was only named an account."""
        admitted_at = self.fact(None)["recorded_at"]
        self.organisations[organisation] = replace(self.organisations[organisation], admitted_at=admitted_at)

    def notice(self, collector: uuid.UUID, asserted_by: uuid.UUID, **more: Any) -> uuid.UUID:
        """Add a notice of a collector."""
        plain: dict[str, Any] = {
            "code": f"N-{self.count}",
            "version": 1,
            "language": "fr",
            "wording": "J'accepte.",
            "mechanism": Mechanism.UNTICKED_BOX,
            "purposes": [Purpose.COMMERCIAL_CANVASSING],
            "valid_from_on": date(2020, 1, 1),
            "valid_until_on": None,
            "time_zone": "Europe/Paris",
        }
        fact = self.fact(asserted_by)
        row = rows.NoticeRow(**fact, collector_id=collector, **plain | {"first_id": fact["id"]} | more)
        self.notices.append(row)
        return row.id

    def correct_notice(self, notice: uuid.UUID, **more: Any) -> uuid.UUID:
        """Correct the latest version of a notice, in its wording unless `more` says otherwise."""
        latest = next(row for row in self.notices if row.id == notice)
        while correction := next((row for row in self.notices if row.corrects_id == latest.id), None):
            latest = correction
        changed: dict[str, Any] = {"wording": f"J'accepte {self.count}.", "corrects_id": latest.id}
        row = replace(latest, **self.fact(latest.asserted_by_id), **changed | more)
        self.notices.append(row)
        return row.id

    def partner_list(
        self,
        notice: uuid.UUID,
        valid_from_on: date,
        names: Iterable[tuple[str, uuid.UUID | None]] = (),
        categories: Iterable[str] = (),
        corrects: uuid.UUID | None = None,
    ) -> uuid.UUID:
        """Add the list of partners that a notice names from a day on."""
        asserter = next(row for row in self.notices if row.id == notice).asserted_by_id
        row = rows.PartnerListRow(
            **self.fact(asserter),
            notice_id=next(row for row in self.notices if row.id == notice).first_id,
            valid_from_on=valid_from_on,
            categories=list(categories),
            corrects_id=corrects,
        )
        self.partner_lists.append(row)
        self.partners += [rows.PartnerRow(row.id, place, *name) for place, name in enumerate(names)]
        return row.id

    def collection(self, notice: uuid.UUID, asserted_by: uuid.UUID) -> uuid.UUID:
        """Add a collection under a notice."""
        row = rows.CollectionRow(
            **self.fact(asserted_by),
            collector_id=next(row for row in self.notices if row.id == notice).collector_id,
            notice_id=notice,
            channel=Channel.WEB_FORM,
            address="https://collector.example/form",
            began_on=date(2020, 1, 1),
            ended_on=None,
        )
        self.collections.append(row)
        return row.id

    def attest(self, collection: uuid.UUID, status: str = "attested") -> None:
        """The collector attests a collection that another organisation asserts, or denies it."""
        collector = next(row for row in self.collections if row.id == collection).collector_id
        stated: dict[str, Any] = {"collection_id": collection, "status": CollectorStatus(status), "comment": None}
        self.collector_statements.append(rows.CollectorStatementRow(**self.fact(collector), **stated))

    def dataset(
        self,
        holder: uuid.UUID,
        numbers: Collection[int] | None,
        parents: Iterable[uuid.UUID] = (),
        *,
        collection: uuid.UUID | None = None,
        asserted_by: uuid.UUID | None = None,
        content: Content | None = None,
        state: DatasetState = DatasetState.SEALED,
        name: str = "",
    ) -> uuid.UUID:
        """Add a dataset with numbers of its own or, without `numbers`, with all numbers of its parents."""
        fact = self.fact(asserted_by or holder)
        sealed_at = fact["recorded_at"] if state is DatasetState.SEALED else None
        row = rows.DatasetRow(
            **fact,
            holder_id=holder,
            name=name or f"dataset {self.count}",
            content=content or (Content.UNION if numbers is None else Content.UPLOADED),
            state=state,
            collection_id=collection,
            number_count=None,
            orphan_count=None,
            sealed_at=sealed_at,
            made_at=sealed_at,
        )
        self.datasets[row.id] = row
        self.parents += [rows.ParentRow(row.id, parent, None) for parent in parents]
        if numbers is not None:
            self.numbers[row.id] = frozenset(numbers)
        return row.id

    def transfer(
        self, dataset: uuid.UUID, recipient: uuid.UUID, *, asserted_by: uuid.UUID | None = None
    ) -> tuple[uuid.UUID, uuid.UUID]:
        """Add a transfer and the recipient's dataset that it makes. The sender asserts it, or else `asserted_by`."""
        sender = self.datasets[dataset].holder_id
        asserter = asserted_by or sender
        received = self.dataset(recipient, None, asserted_by=asserter, content=Content.SHARED)
        row = rows.TransferRow(
            **self.fact(asserter),
            sender_id=sender,
            recipient_id=recipient,
            dataset_id=dataset,
            received_dataset_id=received,
            purpose=Purpose.COMMERCIAL_CANVASSING,
            lawful_basis=LawfulBasis.CONSENT,
            sender_role=ProcessingRole.CONTROLLER,
            recipient_role=ProcessingRole.CONTROLLER,
            contract=None,
            targeting=[],
        )
        self.transfers[row.id] = row
        self.parents.append(rows.ParentRow(received, dataset, row.id))
        if asserter == recipient:
            self.add_statement(row.id, "recipient", "acknowledged")
        else:
            self.add_statement(row.id, "sender", "declared")
        return row.id, received

    def add_statement(self, transfer: uuid.UUID, side: str, status: str, comment: str | None = None) -> None:
        """Add what a side states of a transfer."""
        row = self.transfers[transfer]
        asserter = row.recipient_id if side == "recipient" else row.asserted_by_id
        details: dict[str, Any] = {"comment": comment, "extra_count": None, "missing_count": None}
        self.statements.append(
            rows.StatementRow(
                **self.fact(asserter),
                transfer_id=transfer,
                side=Side(side),
                status=TransferStatus(status),
                **details,
            )
        )

    def dispute(self, transfer: uuid.UUID, numbers: Collection[int]) -> None:
        """Replace what the recipient received by its own file, which differs. What it erased before stays erased."""
        received = self.transfers[transfer].received_dataset_id
        sealed_at = self.fact(None)["recorded_at"]
        self.datasets[received] = replace(self.datasets[received], content=Content.UPLOADED, sealed_at=sealed_at)
        self.numbers[received] = frozenset(numbers) - {number for dataset, number in self.erased if dataset == received}
        self.add_statement(transfer, "recipient", "disputed")

    def erase(self, number: int, datasets: Iterable[uuid.UUID]) -> None:
        """Erase a number from datasets."""
        moment = self.fact(None)["recorded_at"]
        for dataset in datasets:
            self.erased.setdefault((dataset, number), moment)

    def release(self, dataset: uuid.UUID, *, withdrawn: bool = False) -> None:
        """The operator releases a dataset, or takes its release back."""
        fact = self.fact(None)
        self.releases.append(rows.ReleaseRow(fact["id"], dataset, fact["recorded_at"], withdrawn))

    def campaign(
        self,
        party: uuid.UUID,
        datasets: Iterable[uuid.UUID],
        *,
        sender: uuid.UUID | None = None,
        **more: Any,
    ) -> uuid.UUID:
        """Add a campaign to the numbers of datasets."""
        fact = self.fact(party)
        plain: dict[str, Any] = {
            "name": f"C-{self.count}",
            "originator": "38001",
            "message_text": "Votez !",
            "poll_name": None,
            "poll_on": None,
            "began_at": fact["recorded_at"],
            "ended_at": fact["recorded_at"],
        }
        row = rows.CampaignRow(**fact, party_id=party, sender_id=sender, **plain | more)
        self.campaigns[row.id] = row
        self.uses += [rows.UseRow(row.id, dataset) for dataset in datasets]
        return row.id

    def cancel(self, campaign: uuid.UUID, reason: str = "Reporté.") -> None:
        """The party states that a campaign will not be sent, or was not."""
        fact = self.fact(self.campaigns[campaign].party_id)
        self.cancellations.append(rows.CancellationRow(**fact, campaign_id=campaign, reason=reason))

    def is_cancelled(self, campaign: uuid.UUID) -> bool:
        """Whether a campaign was cancelled."""
        return any(row.campaign_id == campaign for row in self.cancellations)

    def correct_collection(self, collection: uuid.UUID) -> None:
        """Correct the latest version of a collection."""
        latest = next(row for row in self.collections if row.id == collection)
        while correction := next((row for row in self.collections if row.corrects_id == latest.id), None):
            latest = correction
        fact = self.fact(latest.asserted_by_id)
        self.collections.append(replace(latest, **fact, address=f"https://form/{self.count}", corrects_id=latest.id))

    def correct_campaign(self, campaign: uuid.UUID) -> None:
        """Correct the latest version of a campaign, which used the same datasets."""
        while correction := next((row for row in self.campaigns.values() if row.corrects_id == campaign), None):
            campaign = correction.id
        former = self.campaigns[campaign]
        row = replace(former, **self.fact(former.party_id), name=f"C-{self.count}", corrects_id=former.id)
        self.campaigns[row.id] = row
        self.uses += [rows.UseRow(row.id, use.dataset_id) for use in self.uses if use.campaign_id == former.id]
