"""A naive registry: dictionaries of sets of small integers, and rules as the documentation states them.

It imports nothing of the service. What a dataset has is worked out once, when the dataset is made. What anybody sees is
worked out number by number, by trying every path. Things have short names, such as D3, T2 and O1, in the order in which
they are made.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from tests.worlds.contests import ContestRules
from tests.worlds.rows import (
    Campaign,
    Collection,
    Dataset,
    Notice,
    Numbers,
    Objection,
    Organisation,
    Relay,
    Statement,
    Transfer,
)
from tests.worlds.standings import HoldingRules, below, passed_on


class Registry(HoldingRules, ContestRules):
    """What was recorded so far. A method records an act, which must be allowed, and returns what it made or changed."""

    def __init__(self) -> None:
        self.step = 0
        self.organisations: dict[str, Organisation] = {}
        self.processors: dict[str, str] = {}  # the party that a processor's key acts for
        self.heirs: dict[str, str] = {}  # who answers for what an organisation held
        self.by_heir: set[str] = set()  # who has an account only by its heir's key
        self.notices: dict[str, Notice] = {}
        self.collections: dict[str, Collection] = {}
        self.datasets: dict[str, Dataset] = {}
        self.transfers: dict[str, Transfer] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.objections: dict[str, Objection] = {}
        self.flags: set[tuple[str, str]] = set()  # dataset or campaign, and objection

    # Acts.

    def organisation(self, name: str, role: str, *, named_by: str | None = None) -> None:
        self.organisations[name] = Organisation(name, role, named_by is None, named_by)

    def admit(self, name: str) -> str:
        """Give an organisation an account. What could not be delivered to it before now waits for it."""
        self.organisations[name].account = True
        for row in self.objections.values():
            for relay in row.relays:
                if relay.holder == name and relay.state == "undeliverable":
                    relay.state = "open"
        return name

    def succeed(self, name: str, heir: str | None) -> str:
        """An heir answers for an organisation from now on, or nobody does any longer.

        One without account has one as long as its heir has a key for it, and keeps it if the heir ended a request.
        """
        if heir is not None:
            self.heirs[name] = heir
            if not self.organisations[name].account:
                self.admit(name)
                self.by_heir.add(name)
            return name
        self.heirs.pop(name, None)
        ended = {relay.holder for row in self.objections.values() for relay in row.relays if relay.state == "completed"}
        if name in self.by_heir - ended:
            self.organisations[name].account = False
            self.by_heir.discard(name)
        return name

    def heirs_of(self, name: str) -> list[str]:
        """Who succeeded an organisation, one after the other."""
        heir = self.heirs.get(name)
        return [] if heir is None else [heir, *self.heirs_of(heir)]

    def collect(self, holder: str, by: str, numbers: Numbers, notice: str | None) -> str:
        """A collected dataset, under an earlier notice of the same collector and asserter or under a new one."""
        if notice is None:
            notice = self.new_notice(holder, by)
        collection = f"L{len(self.collections) + 1}"
        self.collections[collection] = Collection(collection, holder, by, notice)
        return self._seal(self._dataset(holder, by, "uploaded", {}, numbers, collection=collection))

    def new_notice(self, collector: str, by: str) -> str:
        name = f"N{len(self.notices) + 1}"
        self.notices[name] = Notice(name, collector, by)
        return name

    def upload(self, holder: str, by: str, parents: tuple[str, ...], numbers: Numbers) -> str:
        """A dataset with numbers of its own: a selection of its parents, with whatever they do not hold."""
        came = {parent: numbers & self.datasets[parent].current for parent in parents}
        return self._seal(self._dataset(holder, by, "uploaded", came, numbers))

    def unite(self, holder: str, by: str, parents: tuple[str, ...]) -> str:
        came = {parent: self.datasets[parent].current for parent in parents}
        return self._seal(self._dataset(holder, by, "union", came, set().union(*came.values())))

    def transfer(self, dataset: str, recipient: str, by: str) -> str:
        """Hand over what a dataset holds now."""
        source, name = self.datasets[dataset], f"T{len(self.transfers) + 1}"
        declared = source.current
        received = self._dataset(recipient, by, "shared", {dataset: declared}, declared, transfer=name)
        self.transfers[name] = Transfer(
            name, source.holder, recipient, dataset, received.name, by, set(declared), len(self.view.current(source))
        )
        side, status = ("recipient", "acknowledged") if by == recipient else ("sender", "declared")
        self.transfers[name].statements.append(Statement(side, by, status))
        self._seal(received)
        return name

    def state(self, transfer: str, by: str, status: str) -> str:
        """Somebody states something. A transfer that counts again brings what the sender still holds by then."""
        row = self.transfers[transfer]
        counts_again = row.void and not row.void_after(by, status)
        row.statements.append(row.statement(by, status))
        if counts_again:
            received, source = self.datasets[row.received], self.datasets[row.dataset]
            received.has &= source.current | received.erased.keys()
            received.came = {row.dataset: received.has & row.declared}
            self._count(received, self.view.current(source))
            self._flag(received.name, received.holder, (received.name,), relayed=False)
        self.forget()
        return transfer

    def difference(self, transfer: str, file: Numbers) -> tuple[set[int], set[int]]:
        """The numbers that only the recipient's file has, and those that it lacks."""
        row = self.transfers[transfer]
        erased = set(self.datasets[row.received].erased)
        stated = self._stated(row)
        return set(file) - stated - erased, stated - file - erased

    def _stated(self, row: Transfer) -> set[int]:
        """What a transfer states to have handed over, without what its sender has withdrawn since."""
        return {number for number in row.declared if self.view.counts(number, row.dataset)}

    def receipt(self, transfer: str, file: Numbers) -> str:
        """The recipient's own file, compared with what was declared. If it differs, it becomes the content.

        Numbers that the recipient erased are neither extra nor missing, and stay erased.
        """
        row = self.transfers[transfer]
        received = self.datasets[row.received]
        erased = set(received.erased)
        extra, missing = self.difference(transfer, file)
        gone = (file & self._stated(row)) - erased - received.has
        status = "disputed" if extra or missing else "confirmed"
        row.statements.append(Statement("recipient", row.recipient, status, len(extra), len(missing)))
        if extra or missing or gone:
            received.content, received.has = "uploaded", set(file) | erased
            received.came = {row.dataset: row.declared & received.has}
            self._seal(received)
            self.forget()
        return transfer

    def campaign(
        self, party: str, sender: str | None, datasets: tuple[str, ...], *, when: str, corrects: str | None = None
    ) -> str:
        name = f"C{len(self.campaigns) + 1}"
        if corrects:
            self.campaigns[corrects].corrected = True
        self.campaigns[name] = Campaign(name, party, sender, datasets, when, self._next(), corrects)
        self._flag(name, party, datasets)
        return name

    def cancel(self, campaign: str) -> str:
        self.campaigns[campaign].cancelled = True
        return campaign

    def correct_notice(self, notice: str) -> str:
        name, row = f"N{len(self.notices) + 1}", self.notices[notice]
        self.notices[name] = Notice(name, row.collector, row.by, notice, self._next())
        return name

    def correct_collection(self, collection: str) -> str:
        name, row = f"L{len(self.collections) + 1}", self.collections[collection]
        self.collections[name] = Collection(name, row.collector, row.by, row.notice, collection, self._next())
        return name

    def state_collection(self, collection: str, status: str) -> str:
        self.collections[collection].words.append((status, self._next()))
        return collection

    def end_holding(self, dataset: str, *, ended: bool) -> str:
        """Its holder no longer has a dataset, or has it after all: then it is flagged for what nobody told it since."""
        row = self.datasets[dataset]
        row.ended = ended
        if not ended:
            self._flag(dataset, row.holder, (dataset,), relayed=False)
        return dataset

    def withdraw(self, dataset: str, *, withdrawn: bool) -> str:
        """A dataset was never so, or was after all. What was made from it is counted again."""
        row = self.datasets[dataset]
        row.withdrawn = withdrawn
        self._count_below(dataset)
        if not withdrawn and not row.ended:
            self._flag(dataset, row.holder, (dataset,), relayed=False)
        return dataset

    def correct_dataset(self, dataset: str, notice: str | None) -> str | None:
        """Its numbers come from another collection, which is made for it, or from none."""
        row, collection = self.datasets[dataset], None
        if notice is not None:
            collection = f"L{len(self.collections) + 1}"
            self.collections[collection] = Collection(collection, row.holder, self.notices[notice].by, notice)
        row.collection = collection
        row.notice_counts = {self.first_notice(notice): row.number_count} if notice and row.number_count else {}
        row.orphan_count = 0 if notice else row.number_count
        self._count_below(dataset)
        return collection

    def _count_below(self, dataset: str) -> None:
        for name in below(self.datasets, dataset):
            row = self.datasets[name]
            uploaded = row.number_count if row.content == "uploaded" else None
            self._count(row, self.view.numbers(row))
            row.number_count = row.number_count if uploaded is None else uploaded
            if not row.ended and not row.withdrawn and self.is_held(row):
                self._flag(name, row.holder, (name,), relayed=False)

    def object(self, number: int, by: str | None, only: str | None, *, erasure: bool) -> str:
        """An objection, relayed to each holder that it covers. One that is still open gets the new holders' relays."""
        holders = {row.holder for row in self.current_holdings(number) if self._is_about(row.holder, only)}
        if erasure and by is None:
            moment = self._next()
            for row in self.holding(number):
                if not self.is_current(number, row) and self._is_about(row.holder, only):
                    row.erased[number] = moment
        same = (number, by, only, erasure)
        found = next(
            (
                row
                for row in reversed(self.objections.values())
                if (row.number, row.by, row.only, row.erasure) == same and (not row.closed or not holders)
                if row.origin is None
            ),
            None,
        )
        if found is None:
            name = f"O{len(self.objections) + 1}"
            found = self.objections[name] = Objection(name, number, erasure, only, by, self._next())
        if not found.closed or not found.relays:
            for holder in sorted(holders):
                states = {relay.state for relay in found.relays if relay.holder == holder}
                if not states or (erasure and states == {"completed"}):
                    state = "open" if self.organisations[holder].account else "undeliverable"
                    found.relays.append(Relay(holder, "acknowledged" if holder == by else state))
        self.forget()
        return found.name

    def _is_about(self, holder: str, only: str | None) -> bool:
        """Whether an objection concerns a holder: it is about everybody, the holder, or who succeeded it."""
        return only in (None, holder, *self.heirs_of(holder))

    def complete(self, objection: str, holder: str) -> str:
        """A holder has done what the person asked: an erasure ends each of its own holdings of the number."""
        row = self.objections[objection]
        row.relay_to(holder).state = "completed"
        if row.erasure:
            moment = self._next()
            for dataset in self.holding(row.number):
                if dataset.holder == holder:
                    dataset.erased[row.number] = moment
        self.forget()
        return objection

    def refuse(self, objection: str, holder: str) -> str:
        self.objections[objection].relay_to(holder).state = "refused"
        return objection

    def forget(self) -> None:
        """Exclusions stay until no copy of a number is left anywhere. Then nothing is known of it."""
        for number in set().union(*(row.erased for row in self.datasets.values())):
            if not self.holding(number):
                for dataset in self.datasets.values():
                    dataset.has.discard(number)
                    dataset.erased.pop(number, None)
                    for came in dataset.came.values():
                        came.discard(number)
                for transfer in self.transfers.values():
                    transfer.declared.discard(number)

    def _next(self) -> int:
        self.step += 1
        return self.step

    def _dataset(
        self,
        holder: str,
        by: str,
        content: str,
        came: Mapping[str, AbstractSet[int]],
        has: Iterable[int],
        *,
        collection: str | None = None,
        transfer: str | None = None,
    ) -> Dataset:
        copies = {parent: set(numbers) for parent, numbers in came.items()}
        name = f"D{len(self.datasets) + 1}"
        self.datasets[name] = Dataset(name, holder, by, content, copies, set(has), collection, transfer)
        return self.datasets[name]

    def _seal(self, row: Dataset) -> str:
        """Count where the numbers of a dataset come from, and flag it for objections that came before."""
        self._count(row, self.view.current(row))
        self._flag(row.name, row.holder, (row.name,))
        return row.name

    def _count(self, row: Dataset, numbers: AbstractSet[int]) -> None:
        above = {number: set(self.counting.upstream(number, row.name)) for number in numbers}
        counts: dict[str, int] = defaultdict(int)
        notices: dict[str, int] = defaultdict(int)
        row.number_count, row.orphan_count = len(above), 0
        for ancestors in above.values():
            found = {self.datasets[each].collection for each in ancestors} - {None}
            row.orphan_count += not found
            for ancestor in ancestors - {row.name}:
                counts[ancestor] += 1
            for notice in {self.first_notice(self.collections[each].notice) for each in found if each}:
                notices[notice] += 1
        row.counts, row.notice_counts = dict(counts), dict(notices)

    def _flag(self, subject: str, holder: str, datasets: Iterable[str], *, relayed: bool = True) -> None:
        """Flag a subject for the objections to its numbers; if not `relayed`, without those that the holder has."""
        held = set().union(*(self.view.current(self.datasets[name]) for name in datasets))
        # What forbids a use to an organisation forbids it to those that it succeeded, and to its heirs.
        bound = {holder, *self.heirs_of(holder)}
        bound |= {name for name in self.organisations if holder in self.heirs_of(name)}
        for row in self.objections.values():
            has_relay = any(relay.holder == holder for relay in row.relays)
            if row.origin is None and row.number in held and row.only in (None, *bound) and (relayed or not has_relay):
                self.flags.add((subject, row.name))

    # What holds, by the rules.

    def stores(self, number: int, dataset: str) -> bool:
        """Whether a copy is stored: as long as any dataset that is not excluded has the number from it."""
        return any(dataset in self.all.copies(number, row.name) for row in self.holding(number))

    def record_holders(self, row: Dataset) -> set[str]:
        """By whom a dataset counts as held: its holder and, if that has no account, who asserts it."""
        if not self.is_held(row):
            return set()
        return {row.holder} if self.organisations[row.holder].account else {row.holder, row.by}

    def passed_on(self, dataset: str) -> bool:
        return any(dataset in row.came for row in self.datasets.values())

    def in_use(self, dataset: str) -> bool:
        """Whether anything that counts was made from a dataset, or was sent to it."""
        return self.used(dataset) or passed_on(self.all, dataset)

    def may_state(self, transfer: str, by: str, status: str) -> bool:
        """Whether a statement is not refused for what it changes: nothing that counts may rest on what does not."""
        row = self.transfers[transfer]
        if row.void == row.void_after(by, status):
            return True
        return self.is_usable(self.datasets[row.dataset]) if row.void else not self.in_use(row.received)

    def used(self, dataset: str) -> bool:
        """Whether a campaign that counts uses a dataset, or is planned to."""
        return any(dataset in row.datasets for row in self.campaigns.values() if row.counts)

    def flags_shown(self) -> set[tuple[str, str]]:
        """The flags of datasets, and of campaigns that count."""
        return {
            (subject, objection)
            for subject, objection in self.flags
            if subject not in self.campaigns or self.campaigns[subject].counts
        }
