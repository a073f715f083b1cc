"""How answers and lineages name organisations and datasets, and how far a caller may see them. Pure."""

import uuid

from service.access.visibility import Visibility
from service.provenance.answer.references import DatasetRef, DatasetWithdrawal, HoldingEnd, OrganisationRef
from service.provenance.graph.fact_index import FactIndex


def organisation_ref(facts: FactIndex, organisation_id: uuid.UUID) -> OrganisationRef:
    """An organisation by name."""
    return OrganisationRef(id=organisation_id, legal_name=facts.organisations[organisation_id].legal_name)


def dataset_ref(facts: FactIndex, visibility: Visibility, dataset_id: uuid.UUID) -> DatasetRef:
    """A dataset with its holder. Its name is withheld if it is one hop down from the caller's own."""
    row = facts.datasets[dataset_id]
    holder = organisation_ref(facts, row.holder_id)
    if dataset_id not in visibility.datasets:
        return DatasetRef(id=row.id, name=None, holder=holder)
    own = visibility.whole or dataset_id in visibility.own
    return DatasetRef(
        id=row.id,
        name=row.name,
        holder=holder,
        end=_holding_end(facts, dataset_id, row.holder_id, own=own),
        withdrawal=_withdrawal(facts, dataset_id),
    )


def _holding_end(facts: FactIndex, dataset_id: uuid.UUID, holder_id: uuid.UUID, *, own: bool) -> HoldingEnd | None:
    ending = facts.ended.get(dataset_id)
    if ending is None or ending.end_reason is None:
        return None
    stated_by = ending.asserted_by_id if own or ending.asserted_by_id == holder_id else None
    return HoldingEnd(
        held_until=ending.occurred_at,
        end_reason=ending.end_reason,
        reason=ending.reason if own else None,
        stated_by=organisation_ref(facts, stated_by) if stated_by else None,
        stated_at=ending.recorded_at,
    )


def _withdrawal(facts: FactIndex, dataset_id: uuid.UUID) -> DatasetWithdrawal | None:
    """The withdrawal of a dataset. Only its holder, the numbers' persons and the authority still see the dataset."""
    withdrawal = facts.withdrawn.get(dataset_id)
    if withdrawal is None:
        return None
    by = withdrawal.asserted_by_id
    return DatasetWithdrawal(
        withdrawn_by=organisation_ref(facts, by) if by else None,
        withdrawn_at=withdrawal.recorded_at,
        reason=withdrawal.reason or "",
    )
