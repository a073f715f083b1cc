"""What ended holdings and withdrawn datasets mean, by the rules as the documentation states them.

The persons and the authority see all (`whole`). For organisations a withdrawn dataset holds nothing, and what shared or
united its numbers holds only what comes from elsewhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.worlds.rows import Campaign, Dataset, Transfer


@dataclass(frozen=True)
class View:
    """What is held and where it comes from, in the eyes of an organisation or of somebody who sees all."""

    datasets: Mapping[str, Dataset]
    transfers: Mapping[str, Transfer]
    whole: bool
    through_void: bool = False  # as numbers are counted: what is below a void transfer does not count anyway

    def is_held(self, row: Dataset) -> bool:
        """A transfer that its recipient denies, or that nobody states any more, gives no holding."""
        return row.transfer is None or not self.transfers[row.transfer].void

    def counts(self, number: int, name: str) -> bool:
        """Whether a dataset that has a number, or had it, counts as having it."""
        return self.whole or (not self.datasets[name].withdrawn and self.has(number, name))

    def has(self, number: int, name: str) -> bool:
        """The same, whether or not the dataset itself was withdrawn."""
        row = self.datasets[name]
        return row.content == "uploaded" or any(self.counts(number, parent) for parent in self._edges(number, name))

    def numbers(self, row: Dataset) -> set[int]:
        """The numbers that a dataset has, or had until they were erased."""
        return {number for number in row.has if self.whole or self.has(number, row.name)}

    def current(self, row: Dataset) -> set[int]:
        return self.numbers(row) - row.erased.keys()

    def having(self, number: int) -> list[Dataset]:
        """The datasets that hold a number, or held it until it was erased."""
        rows = (row for row in self.datasets.values() if number in row.has and self.is_held(row))
        return [row for row in rows if self.counts(number, row.name)]

    def holding(self, number: int) -> list[Dataset]:
        return [row for row in self.having(number) if number not in row.erased]

    def _edges(self, number: int, name: str) -> list[str]:
        return [parent for parent, numbers in self.datasets[name].came.items() if number in numbers]

    def sources(self, number: int, name: str) -> list[str]:
        """The parents that a number came from, as far as they hold it themselves."""
        parents = [parent for parent in self._edges(number, name) if self.counts(number, parent)]
        return [parent for parent in parents if self.through_void or self.is_held(self.datasets[parent])]

    def copies(self, number: int, name: str) -> Iterator[str]:
        """A dataset, and all whose stored copy it may need, whatever counts of them."""
        yield name
        for parent in self._edges(number, name):
            yield from self.copies(number, parent)

    def upstream(self, number: int, name: str) -> Iterator[str]:
        """A dataset, and all that its number came from (some of them several times)."""
        yield name
        for parent in self.sources(number, name):
            yield from self.upstream(number, parent)

    def is_orphan(self, number: int, name: str) -> bool:
        return not any(self.datasets[each].collection for each in self.upstream(number, name))


class HoldingRules:
    """The part of the naive registry that is about who holds what."""

    datasets: dict[str, Dataset]
    transfers: dict[str, Transfer]

    @property
    def view(self) -> View:
        """What counts for organisations."""
        return View(self.datasets, self.transfers, whole=False)

    @property
    def counting(self) -> View:
        """By what numbers are counted."""
        return View(self.datasets, self.transfers, whole=False, through_void=True)

    @property
    def all(self) -> View:
        """What the persons and the authority see, and what is stored."""
        return View(self.datasets, self.transfers, whole=True)

    def is_held(self, row: Dataset) -> bool:
        return self.all.is_held(row)

    def is_usable(self, row: Dataset) -> bool:
        """Whether its holder may still make something of a dataset."""
        return self.is_held(row) and not row.withdrawn

    def holding(self, number: int) -> list[Dataset]:
        """The datasets that hold a number, whoever has them still."""
        return self.all.holding(number)

    def is_current(self, number: int, row: Dataset) -> bool:
        """Whether a dataset that holds a number counts, and its holder has it still."""
        return self.view.counts(number, row.name) and not row.ended

    def current_holdings(self, number: int) -> list[Dataset]:
        return [row for row in self.holding(number) if self.is_current(number, row)]


def below(datasets: Mapping[str, Dataset], name: str) -> list[str]:
    """What was made from a dataset, and what was made from that, the first made first."""
    found = {name}
    for row in datasets.values():
        if not found.isdisjoint(row.came):
            found.add(row.name)
    return [each for each in datasets if each in found - {name}]


def may_withdraw(view: View, campaigns: Mapping[str, Campaign], row: Dataset) -> bool:
    """Whether nobody built on a dataset: no campaign began, and no recipient compared what it got or passed it on."""
    if row.transfer is not None or row.withdrawn:
        return False
    resolving = {row.name}
    for child in view.datasets.values():
        if child.content != "uploaded" and not resolving.isdisjoint(child.came) and view.is_held(child):
            resolving.add(child.name)
    begun = (each for each in campaigns.values() if each.counts and each.when != "planned")
    if any(not resolving.isdisjoint(each.datasets) for each in begun):
        return False
    sold = [each for each in view.transfers.values() if each.dataset in resolving]
    used = [each.received for each in sold if not each.void and passed_on(view, each.received)]
    return not used and not any(each.status in ("confirmed", "disputed") for each in sold)


def passed_on(view: View, name: str) -> bool:
    """Whether anything that counts was made from a dataset."""
    return any(name in row.came and view.is_held(row) and not row.withdrawn for row in view.datasets.values())
