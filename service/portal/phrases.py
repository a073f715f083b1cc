"""The phrases of the pages, by page. A name in braces is a value that the page fills in.

French and English are two values of one type, so that neither can lack a phrase. What depends on a closed list has a
`match` without a default, so that mypy refuses a value that has no phrase.
"""

from dataclasses import dataclass

from service.core.vocabulary import ObjectionKind, RelayState
from service.messaging.models import MessageState


@dataclass(frozen=True)
class Menu:
    """What surrounds every page of the portal."""

    how: str
    deadlines: str
    privacy: str
    answer: str
    requests: str
    leave: str
    your_number: str
    foot_law: str
    foot_complain: str


@dataclass(frozen=True)
class Home:
    """The first page, which asks for the number."""

    title: str
    lead: str
    label: str
    hint: str
    send: str
    controller: str
    kept: str
    steps_title: str
    steps: tuple[tuple[str, str], ...]
    limits_title: str
    limits: str
    left: str
    expired: str


@dataclass(frozen=True)
class Arrival:
    """Whether the message with the code arrived."""

    unknown: str
    delivered: str
    failed: str

    def of(self, state: MessageState) -> str:
        """What the operator reported."""
        match state:
            case MessageState.UNKNOWN:
                return self.unknown
            case MessageState.DELIVERED:
                return self.delivered
            case MessageState.FAILED:
                return self.failed


@dataclass(frozen=True)
class Code:
    """The page that asks for the code."""

    title: str
    sent: str
    label: str
    hint: str
    confirm: str
    not_received_title: str
    arrival: Arrival
    not_received: str
    still_not_received: str
    again: str
    again_in: str
    sent_again: str
    change: str
    demo: str
    demo_link: str


@dataclass(frozen=True)
class Since:
    """The page that asks since when the number has been the person's."""

    title: str
    lead: str
    label: str
    hint: str
    save: str
    skip: str
    why_title: str
    why: str


@dataclass(frozen=True)
class Answer:
    """What surrounds the report, which brings its own words."""

    contents: str
    stop: str
    object: str
    erase: str
    pdf: str
    json: str
    since: str
    since_unknown: str
    since_change: str
    new_page: str
    back: str
    save_screenshot: str
    screenshot_hash: str
    path_in_words: str


@dataclass(frozen=True)
class ObjectionForm:
    """The page on which a person chooses how far an objection or an erasure goes."""

    title: str
    lead: str
    scope: str
    everything: str
    everything_hint: str
    organisation: str
    organisation_hint: str
    organisation_label: str
    choose: str
    next: str
    nobody: str
    other: str
    other_link: str


@dataclass(frozen=True)
class PurposeScope:
    """The scope that only an objection has: a number is erased or not, whatever the purpose."""

    choice: str
    hint: str
    label: str


@dataclass(frozen=True)
class Confirmation:
    """The page that shows an objection or an erasure once more before it is recorded."""

    title: str
    consequence: str
    go: str


@dataclass(frozen=True)
class Confirmations:
    """What is confirmed, and what both kinds have in common."""

    about: str
    kind: str
    scope: str
    reaches: str
    nobody: str
    keep_first: str
    back: str
    objection: Confirmation
    erasure: Confirmation

    def of(self, kind: ObjectionKind) -> Confirmation:
        """The phrases for what is to be confirmed."""
        match kind:
            case ObjectionKind.OBJECTION:
                return self.objection
            case ObjectionKind.ERASURE:
                return self.erasure
            case ObjectionKind.CONTEST:
                raise ValueError("a contest has a page of its own")


@dataclass(frozen=True)
class Everything:
    """The widest scope of a request."""

    objection: str
    erasure: str

    def of(self, kind: ObjectionKind) -> str:
        """That scope of a request of one kind."""
        match kind:
            case ObjectionKind.OBJECTION:
                return self.objection
            case ObjectionKind.ERASURE:
                return self.erasure
            case ObjectionKind.CONTEST:
                raise ValueError("a contest has a page of its own")


@dataclass(frozen=True)
class Contest:
    """The page on which a person says that they did not give an agreement."""

    link: str
    title: str
    collector: str
    wording: str
    address: str
    consequence: str
    go: str
    back: str
    gone: str


@dataclass(frozen=True)
class RelayMeanings:
    """What the state of a relay means for the person."""

    waiting: str
    pending: str
    delivered: str
    acknowledged: str
    completed: str
    refused: str
    undeliverable: str
    withdrawn: str

    def of(self, state: RelayState) -> str:
        """What one state means."""
        match state:
            case RelayState.WAITING:
                return self.waiting
            case RelayState.PENDING:
                return self.pending
            case RelayState.DELIVERED:
                return self.delivered
            case RelayState.ACKNOWLEDGED:
                return self.acknowledged
            case RelayState.COMPLETED:
                return self.completed
            case RelayState.REFUSED:
                return self.refused
            case RelayState.UNDELIVERABLE:
                return self.undeliverable
            case RelayState.WITHDRAWN:
                return self.withdrawn


@dataclass(frozen=True)
class Requests:
    """The history of a person's objections and erasures."""

    title: str
    lead: str
    recorded_now: str
    none: str
    earlier: str
    heading: str
    recorded: str
    everything: Everything
    organisation: str
    purpose: str
    closed: str
    closed_but_letters: str
    open: str
    meanings: RelayMeanings
    check_due: str
    check_overdue: str
    due: str
    overdue: str
    extended: str
    on: str
    reason: str
    write_to: str
    according_to: str
    holder_closed: str
    holder_succeeded: str
    no_address: str
    letter: str
    letter_to: str
    no_relays: str
    origin: str
    taken_back: str
    take_back: str
    taken_back_now: str
    answered: str
    answered_reference: str
    flagged_dataset: str
    flagged_campaign: str
    flagged_campaign_planned: str
    reload: str
    another: str
    complain: str


@dataclass(frozen=True)
class Deadlines:
    """The public figures on how long organisations take to answer, by quarter."""

    title: str
    lead: str
    caption: str
    published: str
    corrected: str
    organisation: str
    in_time: str
    late: str
    refused: str
    withdrawn: str
    open: str
    received: str
    in_time_percent: str
    median: str
    mean: str
    total: str
    days: str
    percent: str
    fewer: str
    left_out: str
    none: str
    hidden: str
    sums: str
    definitions: str
    counted: str
    others: str
    period: str
    files: str
    of_version: str


@dataclass(frozen=True)
class Outbox:
    """The messages of a demonstration, shown instead of sent."""

    title: str
    lead: str
    none: str
    to: str
    sent: str
    reload: str


@dataclass(frozen=True)
class FormErrors:
    """What is wrong with a field, and what to do."""

    number_missing: str
    number_invalid: str
    number_not_served: str
    too_many_codes: str
    too_soon: str
    not_sent: str
    code_missing: str
    code_wrong: str
    code_expired: str
    date_missing: str
    date_invalid: str
    date_in_future: str
    scope_missing: str
    organisation_missing: str
    purpose_missing: str
    not_recorded: str


@dataclass(frozen=True)
class Phrases:
    """Everything that the pages say in one language."""

    menu: Menu
    home: Home
    code: Code
    since: Since
    answer: Answer
    objection: ObjectionForm
    erasure: ObjectionForm
    purpose_scope: PurposeScope
    confirmations: Confirmations
    contest: Contest
    requests: Requests
    deadlines: Deadlines
    outbox: Outbox
    errors: FormErrors

    def form_of(self, kind: ObjectionKind) -> ObjectionForm:
        """The phrases of the form for a kind of request."""
        match kind:
            case ObjectionKind.OBJECTION:
                return self.objection
            case ObjectionKind.ERASURE:
                return self.erasure
            case ObjectionKind.CONTEST:
                raise ValueError("a contest has a page of its own")
