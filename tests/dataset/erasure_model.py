"""A naive model of who holds which number: each dataset copies the numbers that it gets into a set of its own.

Nothing is shared, resolved or dropped, as the service does. An erasure only marks a number in the sets of its holder,
and a number is forgotten everywhere once nobody holds it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass
class HeldSet:
    """A dataset: the numbers that it had, those of them that were erased, and those that each parent gave it."""

    id: str
    holder: str
    asserter: str
    collected: bool = False
    numbers: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)
    from_parent: dict[str, set[int]] = field(default_factory=dict)
    denied: bool = False

    @property
    def had(self) -> set[int]:
        """The numbers that it holds, or held until an erasure."""
        return set() if self.denied else self.numbers

    @property
    def holding(self) -> set[int]:
        """The numbers that it holds."""
        return self.had - self.erased


@dataclass
class Handover:
    """A transfer, with what its sender handed over.

    `sender_stands` is whether the sender itself declares it, `recipient_spoke` whether the recipient stated anything.
    """

    id: str
    source: HeldSet
    received: HeldSet
    handed_over: set[int]
    sender_stands: bool
    recipient_spoke: bool
    reconciled: bool = False
    own_file: bool = False

    def says(self, number: int) -> tuple[bool | None, bool | None]:
        """What the sender and what the recipient say of a number in it."""
        declared = number in self.handed_over & self.source.had if self.sender_stands else None
        if not self.recipient_spoke:
            return declared, None
        if number in self.received.had:
            return declared, True
        return declared, False if self.received.denied or self.own_file else None


@dataclass
class Model:
    """All datasets and transfers by id."""

    datasets: dict[str, HeldSet] = field(default_factory=dict)
    transfers: dict[str, Handover] = field(default_factory=dict)

    def add(self, made: HeldSet, parents: Iterable[HeldSet], numbers: set[int] | None) -> HeldSet:
        """Add a dataset with numbers of its own or, without them, with all that its parents hold."""
        made.from_parent = {parent.id: set(parent.holding) for parent in parents}
        made.numbers = set().union(*made.from_parent.values()) if numbers is None else set(numbers)
        self.datasets[made.id] = made
        return made

    def hand_over(self, transfer_id: str, source: HeldSet, received: HeldSet, *, asserter: str) -> Handover:
        """Add a transfer and the dataset that it makes."""
        self.add(received, [source], None)
        spoke = [asserter == side for side in (source.holder, received.holder)]
        made = Handover(transfer_id, source, received, set(source.holding), *spoke)
        self.transfers[transfer_id] = made
        return made

    def erase(self, holder: str, number: int) -> None:
        """A holder erases a number from all that it holds."""
        for dataset in self.datasets.values():
            if dataset.holder == holder and number in dataset.holding:
                dataset.erased.add(number)
        self._forget([number])

    def deny(self, transfer: Handover) -> None:
        """The recipient says that there was no transfer."""
        transfer.recipient_spoke = transfer.received.denied = True
        self._forget(set(transfer.handed_over))

    def acknowledge(self, transfer: Handover) -> None:
        """The recipient agrees. After a denial it has what the sender has left, and what it had erased itself."""
        received = transfer.received
        transfer.recipient_spoke = True
        if received.denied:
            received.denied = False
            left = transfer.source.holding | received.erased
            received.numbers, received.from_parent = left, {transfer.source.id: set(left)}

    def reconcile(self, transfer: Handover, file: set[int]) -> tuple[int, int]:
        """The recipient's own file is compared. Returns how many numbers are extra and missing."""
        received, given = transfer.received, transfer.handed_over
        extra, missing = file - given - received.erased, given - file - received.erased
        transfer.recipient_spoke = transfer.reconciled = True
        if extra or missing or not file <= received.numbers:
            transfer.own_file = True
            received.numbers = file | received.erased
            received.from_parent = {transfer.source.id: set(given)}
            self._forget(missing)
        return len(extra), len(missing)

    def _forget(self, numbers: Iterable[int]) -> None:
        for number in set(numbers):
            if not any(number in dataset.holding for dataset in self.datasets.values()):
                for numbers_kept in self._sets():
                    numbers_kept.discard(number)

    def _sets(self) -> Iterator[set[int]]:
        for dataset in self.datasets.values():
            yield from (dataset.numbers, dataset.erased, *dataset.from_parent.values())
        for transfer in self.transfers.values():
            yield transfer.handed_over

    def children(self, dataset: HeldSet) -> list[HeldSet]:
        """The datasets that come from another."""
        return [child for child in self.datasets.values() if dataset.id in child.from_parent]

    def holders(self, number: int) -> set[str]:
        """Who holds a number now."""
        return {dataset.holder for dataset in self.datasets.values() if number in dataset.holding}

    def had_by(self, number: int) -> set[str]:
        """The datasets that hold a number or held it."""
        return {dataset.id for dataset in self.datasets.values() if number in dataset.had}

    def has_origin(self, dataset: HeldSet, number: int) -> bool:
        """Whether a dataset that had a number has it from a collection, over any number of hops."""
        return dataset.collected or any(
            number in given and number in (parent := self.datasets[parent_id]).had and self.has_origin(parent, number)
            for parent_id, given in dataset.from_parent.items()
        )

    def orphans(self, dataset: HeldSet) -> set[int]:
        """The numbers that a dataset holds without a declared origin."""
        return {number for number in dataset.holding if not self.has_origin(dataset, number)}

    def answer(self, number: int) -> dict[str, object]:
        """What the authority is told of a number."""
        had = [dataset for dataset in self.datasets.values() if number in dataset.had]
        return {
            "holdings": {dataset.id for dataset in had if number not in dataset.erased},
            "erasures": {dataset.id for dataset in had if number in dataset.erased},
            "origins": {dataset.id for dataset in had if dataset.collected},
            "orphans": {dataset.id for dataset in had if not self.has_origin(dataset, number)},
            "transfers": {
                transfer.id: transfer.says(number)
                for transfer in self.transfers.values()
                if number in transfer.handed_over & transfer.source.had or number in transfer.received.had
            },
        }
