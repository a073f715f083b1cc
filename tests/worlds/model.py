"""A naive registry: dictionaries of sets of small integers, and rules as the documentation states them.

It imports nothing of the service. What a dataset has is worked out once, when the dataset is made. What anybody sees is
worked out number by number, by trying every path. Things have short names, such as D3, T2 and O1, in the order in which
they are made.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

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


class Registry:
    """What was recorded so far. A method records an act, which must be allowed, and returns what it made or changed."""

    def __init__(self) -> None:
        self.step = 0
        self.organisations: dict[str, Organisation] = {}
        self.processors: dict[str, str] = {}  # the party that a processor's key acts for
        self.heirs: dict[str, str] = {}  # who answers for what an organisation held
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
        """An heir answers for an organisation from now on, or nobody does any longer. Nothing else changes."""
        self.heirs.pop(name, None)
        if heir is not None:
            self.heirs[name] = heir
        return name

    def heirs_of(self, name: str) -> list[str]:
        """Who succeeded an organisation, one after the other."""
        heir = self.heirs.get(name)
        return [] if heir is None else [heir, *self.heirs_of(heir)]

    def collect(self, holder: str, by: str, numbers: Numbers, notice: str | None) -> str:
        """A collected dataset, under an earlier notice of the same collector and asserter or under a new one."""
        if notice is None:
            notice = f"N{len(self.notices) + 1}"
            self.notices[notice] = Notice(notice, holder, by)
        collection = f"L{len(self.collections) + 1}"
        self.collections[collection] = Collection(collection, holder, by, notice)
        return self._seal(self._dataset(holder, by, "uploaded", {}, numbers, collection=collection))

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
            name, source.holder, recipient, dataset, received.name, by, set(declared), len(declared)
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
            self._count(received, source.current)
            self._flag(received.name, received.holder, (received.name,), relayed=False)
        self.forget()
        return transfer

    def difference(self, transfer: str, file: Numbers) -> tuple[set[int], set[int]]:
        """The numbers that only the recipient's file has, and those that it lacks."""
        row = self.transfers[transfer]
        erased = set(self.datasets[row.received].erased)
        return set(file) - row.declared - erased, row.declared - file - erased

    def receipt(self, transfer: str, file: Numbers) -> str:
        """The recipient's own file, compared with what was declared. If it differs, it becomes the content.

        Numbers that the recipient erased are neither extra nor missing, and stay erased.
        """
        row = self.transfers[transfer]
        received = self.datasets[row.received]
        erased = set(received.erased)
        extra, missing = self.difference(transfer, file)
        gone = (file & row.declared) - erased - received.has
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

    def object(self, number: int, by: str | None, only: str | None, *, erasure: bool) -> str:
        """An objection, relayed to each holder that it covers. One that is still open gets the new holders' relays."""
        holders = {row.holder for row in self.holding(number) if only in (None, row.holder, *self.heirs_of(row.holder))}
        same = (number, by, only, erasure)
        found = next(
            (
                row
                for row in reversed(self.objections.values())
                if (row.number, row.by, row.only, row.erasure) == same and (not row.closed or not holders)
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
        return found.name

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
        self._count(row, row.current)
        self._flag(row.name, row.holder, (row.name,))
        return row.name

    def _count(self, row: Dataset, numbers: AbstractSet[int]) -> None:
        above = {number: set(self.upstream(number, row.name)) for number in numbers}
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
        held = set().union(*(self.datasets[name].current for name in datasets))
        # What forbids a use to an organisation forbids it to those that it succeeded, and to its heirs.
        bound = {holder, *self.heirs_of(holder)}
        bound |= {name for name in self.organisations if holder in self.heirs_of(name)}
        for row in self.objections.values():
            has_relay = any(relay.holder == holder for relay in row.relays)
            if row.number in held and row.only in (None, *bound) and (relayed or not has_relay):
                self.flags.add((subject, row.name))

    # What holds, by the rules.

    def is_held(self, row: Dataset) -> bool:
        """A transfer that its recipient denies, or that nobody states any more, gives no holding."""
        return row.transfer is None or not self.transfers[row.transfer].void

    def having(self, number: int) -> list[Dataset]:
        """The datasets that hold a number, or held it until it was erased."""
        return [row for row in self.datasets.values() if number in row.has and self.is_held(row)]

    def holding(self, number: int) -> list[Dataset]:
        return [row for row in self.having(number) if number not in row.erased]

    def sources(self, number: int, dataset: str) -> list[str]:
        """The parents that a number came from."""
        return [parent for parent, numbers in self.datasets[dataset].came.items() if number in numbers]

    def upstream(self, number: int, dataset: str) -> Iterator[str]:
        """A dataset, and all that its number came from (some of them several times)."""
        yield dataset
        for parent in self.sources(number, dataset):
            yield from self.upstream(number, parent)

    def is_orphan(self, number: int, dataset: str) -> bool:
        return not any(self.datasets[each].collection for each in self.upstream(number, dataset))

    def stores(self, number: int, dataset: str) -> bool:
        """Whether a copy is stored: as long as any dataset that is not excluded has the number from it."""
        return any(dataset in self.upstream(number, row.name) for row in self.holding(number))

    def record_holders(self, row: Dataset) -> set[str]:
        """By whom a dataset counts as held: its holder and, if that has no account, who asserts it."""
        if not self.is_held(row):
            return set()
        return {row.holder} if self.organisations[row.holder].account else {row.holder, row.by}

    def passed_on(self, dataset: str) -> bool:
        return any(dataset in row.came for row in self.datasets.values())

    def in_use(self, dataset: str) -> bool:
        """Whether anything that counts was made from a dataset, or was sent to it."""
        return self.used(dataset) or any(dataset in row.came and self.is_held(row) for row in self.datasets.values())

    def may_state(self, transfer: str, by: str, status: str) -> bool:
        """Whether a statement is not refused for what it changes: nothing that counts may rest on what does not."""
        row = self.transfers[transfer]
        if row.void == row.void_after(by, status):
            return True
        return self.is_held(self.datasets[row.dataset]) if row.void else not self.in_use(row.received)

    def used(self, dataset: str) -> bool:
        """Whether a campaign that counts uses a dataset, or is planned to."""
        return any(dataset in row.datasets for row in self.campaigns.values() if row.counts)

    def latest_notice(self, notice: str) -> str:
        later = next((row.name for row in self.notices.values() if row.corrects == notice), None)
        return self.latest_notice(later) if later else notice

    def first_notice(self, notice: str) -> str:
        """The notice with which a row of corrections began. Numbers are counted by it."""
        earlier = self.notices[notice].corrects
        return self.first_notice(earlier) if earlier else notice

    def latest_collection(self, collection: str) -> str:
        later = next((row.name for row in self.collections.values() if row.corrects == collection), None)
        return self.latest_collection(later) if later else collection

    def collector_word(self, collection: str) -> str:
        """What the collector states of a collection and of what it corrects: attested, denied or nothing.

        It attests only what was recorded by then, as far as others recorded it.
        """
        row = self.collections[collection]
        if row.by == row.collector:
            return "attested"
        words, version = list(row.words), row
        while version.corrects:
            version = self.collections[version.corrects]
            words += version.words
        status, step = max(words, key=lambda word: word[1], default=("withdrawn", 0))
        notice = self.notices[self.latest_notice(row.notice)]
        stale = row.step > step or (notice.by != row.collector and notice.step > step)
        return "" if status == "withdrawn" or (status == "attested" and stale) else status

    def flags_shown(self) -> set[tuple[str, str]]:
        """The flags of datasets, and of campaigns that count."""
        return {
            (subject, objection)
            for subject, objection in self.flags
            if subject not in self.campaigns or self.campaigns[subject].counts
        }
