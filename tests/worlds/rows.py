"""The rows of the naive registry: what is recorded of each thing. They have short names, such as D3, T2 and O1."""

from dataclasses import dataclass, field, replace

Numbers = frozenset[int]


@dataclass
class Organisation:
    """An organisation. Without an account, others assert its facts."""

    name: str
    role: str
    account: bool = True
    named_by: str | None = None


@dataclass
class Dataset:
    """A sealed dataset: the numbers that it got, also those erased since, and from which parents they came."""

    name: str
    holder: str
    by: str
    content: str
    came: dict[str, set[int]]
    has: set[int]
    collection: str | None = None
    transfer: str | None = None
    erased: dict[int, int] = field(default_factory=dict)
    ended: bool = False
    withdrawn: bool = False
    number_count: int = 0
    orphan_count: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    notice_counts: dict[str, int] = field(default_factory=dict)

    @property
    def current(self) -> set[int]:
        return self.has - self.erased.keys()


@dataclass
class Collection:
    name: str
    collector: str
    by: str
    notice: str
    corrects: str | None = None
    step: int = 0
    words: list[tuple[str, int]] = field(default_factory=list)  # what its collector stated, and in which step


@dataclass
class Notice:
    name: str
    collector: str
    by: str
    corrects: str | None = None
    step: int = 0


@dataclass(frozen=True)
class Statement:
    side: str
    by: str
    status: str
    extra: int | None = None
    missing: int | None = None


@dataclass
class Transfer:
    """A transfer with the numbers that were handed over by it."""

    name: str
    sender: str
    recipient: str
    dataset: str
    received: str
    by: str
    declared: set[int]
    number_count: int
    statements: list[Statement] = field(default_factory=list)

    @property
    def retracted(self) -> bool:
        """Whether the registrant took back all that it stated, and has not stated it again."""
        return next(each.status for each in reversed(self.statements) if each.by == self.by) == "retracted"

    def word(self, side: str) -> Statement | None:
        """What counts of what a side states: its own last word, or else the last that another stated in its place."""
        found = [each for each in self.statements if each.side == side and not (self.retracted and each.by == self.by)]
        own = [each for each in found if each.by == (self.sender if side == "sender" else self.recipient)]
        return next(reversed(own or found), None)

    def states(self, side: str) -> bool:
        """Whether anybody states for a side that it took place."""
        word = self.word(side)
        return word is not None and word.status != "denied"

    def vouches(self, side: str) -> bool:
        """Whether a side itself states that it took place."""
        word = self.word(side)
        return self.states(side) and word is not None and word.by in (self.sender, self.recipient)

    @property
    def status(self) -> str:
        word = self.word("recipient")
        if self.retracted and not self.states("sender") and not self.states("recipient"):
            return "retracted"
        return word.status if word else "declared"

    @property
    def void(self) -> bool:
        return self.status in ("denied", "retracted")

    def void_after(self, by: str, status: str) -> bool:
        """Whether it gives nothing once somebody states this."""
        return replace(self, statements=[*self.statements, self.statement(by, status)]).void

    def statement(self, by: str, status: str) -> Statement:
        return Statement("recipient" if by == self.recipient else "sender", by, status)


@dataclass
class Campaign:
    """A campaign. A `past` one began before all that the registry recorded, a `planned` one begins in 150 years.

    The others begin when they are registered.
    """

    name: str
    party: str
    sender: str | None
    datasets: tuple[str, ...]
    when: str  # past, now or planned
    step: int
    corrects: str | None = None
    corrected: bool = False
    cancelled: bool = False

    @property
    def counts(self) -> bool:
        return not (self.corrected or self.cancelled)

    @property
    def state(self) -> str:
        planned = self.when == "planned"
        if self.cancelled:
            return "cancelled" if planned else "not_sent"
        return "planned" if planned else "sent"


@dataclass
class Relay:
    holder: str
    state: str  # open, acknowledged, completed, refused or undeliverable

    @property
    def is_open(self) -> bool:
        return self.state in ("open", "acknowledged")


@dataclass
class Objection:
    name: str
    number: int
    erasure: bool
    only: str | None  # the one organisation that it is about, or None for every use
    by: str | None  # the organisation that recorded it, or None for the person
    step: int
    origin: str | None = None  # of a contest: the collected dataset
    withdrawn: bool = False
    relays: list[Relay] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        return not any(relay.is_open for relay in self.relays)

    def relay_to(self, holder: str) -> Relay:
        return next(relay for relay in reversed(self.relays) if relay.holder == holder)
