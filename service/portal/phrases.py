"""The phrases that the pages are made of, by page. Braces are filled in by whoever says the phrase."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """What surrounds every page."""

    site: str
    skip: str
    menu: str
    how: str
    deadlines: str
    privacy: str
    outbox: str
    answer: str
    requests: str
    leave: str
    switch: str
    your_number: str
    error_prefix: str
    foot_menu: str
    foot_law: str
    foot_complain: str


@dataclass(frozen=True)
class Home:
    """The first page: the number is asked for."""

    title: str
    lead: str
    label: str
    hint: str
    send: str
    responsible: str
    held: str
    steps_title: str
    steps: tuple[tuple[str, str], ...]
    honest_title: str
    honest: str
    left: str
    expired: str


@dataclass(frozen=True)
class Code:
    """The page that asks for the code."""

    title: str
    sent: str
    label: str
    hint: str
    confirm: str
    late_title: str
    late: str
    late_still: str
    again: str
    again_in: str
    sent_again: str
    change: str
    demo: str
    demo_link: str


@dataclass(frozen=True)
class Since:
    """The page that asks since when the number is the person's."""

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
    """What surrounds the answer, which tells itself."""

    contents: str
    stop: str
    object: str
    erase: str
    pdf: str
    json: str
    since: str
    since_unknown: str
    since_change: str
    evidence_open: str
    picture_text: str


@dataclass(frozen=True)
class Wish:
    """The pages where a person chooses an objection or an erasure."""

    title: str
    lead: str
    scope: str
    everything: str
    everything_hint: str
    organisation: str
    organisation_hint: str
    organisation_label: str
    choose: str
    go_on: str
    nobody: str
    other: str
    other_link: str


@dataclass(frozen=True)
class OnePurpose:
    """The scope that an objection has and an erasure has not."""

    choice: str
    hint: str
    label: str


@dataclass(frozen=True)
class Confirmation:
    """The last look before an objection or an erasure is recorded."""

    objection_title: str
    erasure_title: str
    about: str
    kind: str
    scope: str
    reaches: str
    nobody: str
    objection_means: str
    erasure_means: str
    keep_first: str
    objection_go: str
    erasure_go: str
    back: str


@dataclass(frozen=True)
class Requests:
    """The history of a person's objections and erasures."""

    title: str
    lead: str
    done: str
    none: str
    earlier: str
    recorded: str
    kinds: Mapping[str, str]
    everything: Mapping[str, str]
    organisation: str
    purpose: str
    sources: Mapping[str, str]
    closed: str
    closed_but: str
    open: str
    states: Mapping[str, str]
    means: Mapping[str, str]
    due: str
    overdue: str
    on: str
    reason: str
    write_to: str
    no_address: str
    letter: str
    no_relays: str
    flagged_dataset: str
    flagged_campaign: str
    reload: str
    another: str
    complain: str


@dataclass(frozen=True)
class Deadlines:
    """The public table of how organisations keep to the time."""

    title: str
    lead: str
    caption: str
    organisation: str
    requests: str
    ended: str
    median: str
    overdue: str
    days: str
    no_median: str
    none: str
    note: str


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
class Problems:
    """What went wrong: of fields by the name of the mistake, of pages by their problem or their status."""

    fields: Mapping[str, str]
    pages: Mapping[str, tuple[str, str]]
    usual: tuple[str, str]
    home: str
    wait: str


@dataclass(frozen=True)
class Words:
    """Everything that the pages say in one language."""

    frame: Frame
    home: Home
    code: Code
    since: Since
    answer: Answer
    objection: Wish
    erasure: Wish
    one_purpose: OnePurpose
    confirmation: Confirmation
    requests: Requests
    deadlines: Deadlines
    outbox: Outbox
    problems: Problems
    purposes: Mapping[str, str]
