"""Who may be named to whom in the story: computed number by number from the story, not by the service."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from service.demo import story
from service.demo.story_types import Campaign, Dataset, Letter, Notice, Organisation, Reconciliation, Stop, Transfer

StepKind = TypeVar("StepKind")

ITSELF = "itself"
SUPPLIERS = "suppliers"
RECIPIENTS = "recipients"
PARTNERS = "named partners"
SENDERS = "its campaigns' sender or party"
NAMED = "those it named"
HOLDERS = "all on the number's paths"
AUTHORITY = "the authority"
UNRELATED = "unrelated"


def _steps(kind: type[StepKind]) -> Iterator[StepKind]:
    return (step for step in story.STORY if isinstance(step, kind))


@dataclass
class _Held:
    """A dataset as the naive model sees it: a holder, a set of numbers, and the datasets these may come from."""

    holder: str
    speaker: str
    numbers: frozenset[int]
    parents: tuple[str, ...]
    notice: str | None = None


def _datasets() -> dict[str, _Held]:
    own_files = {step.transfer: _numbers(step.numbers) for step in _steps(Reconciliation)}
    held: dict[str, _Held] = {}
    for step in story.STORY:
        if isinstance(step, Dataset):
            parents = step.derived_from
            union = frozenset[int]().union(*(held[parent].numbers for parent in parents))
            numbers = _numbers(step.numbers) if step.numbers else union
            held[step.code] = _Held(step.holder, step.asserted_by, numbers, parents, step.collected_under)
        elif isinstance(step, Transfer):
            numbers = own_files.get(step.code, held[step.dataset].numbers)
            held[step.received_dataset] = _Held(step.recipient, step.recipient, numbers, (step.dataset,))
    return held


def _numbers(ranges: tuple[range, ...]) -> frozenset[int]:
    return frozenset(number for numbers in ranges for number in numbers)


DATASETS = _datasets()
TRANSFERS = {step.code: step for step in _steps(Transfer)}
CAMPAIGNS = {step.code: step for step in _steps(Campaign)}
NOTICES = {step.code: step for step in _steps(Notice)}
_ADMITTED = {organisation.code for organisation in story.ADMITTED}


@dataclass
class Relations:
    """What a viewer may be shown: the codes of organisations and objects of the story, each with its relation."""

    viewer: str
    of: dict[str, str] = field(default_factory=dict)

    def add(self, code: str, relation: str) -> None:
        """Relate a code to the viewer. The first relation that is found counts."""
        self.of.setdefault(code, relation)

    def to(self, code: str) -> str:
        """How the viewer is related to what has this code."""
        return self.of.get(code, UNRELATED)


def relations_of(viewer: str, through: str | None = None) -> Relations:
    """What an organisation of the story may be shown, at most. `through` is the processor that acts for it."""
    found = Relations(viewer)
    found.add(viewer, ITSELF)
    if through:
        found.add(through, SENDERS)
    for step in _steps(Organisation):
        if step.named_by == viewer:
            found.add(step.code, NAMED)
    own = {code for code, held in DATASETS.items() if _speaks_for(viewer, held)}
    for code in own:
        found.add(code, ITSELF)
    upstream = _upstream(own)
    for code in upstream:
        found.add(code, SUPPLIERS)
        found.add(DATASETS[code].holder, SUPPLIERS)
    _add_transfers(found, viewer, own | upstream)
    _add_campaigns(found, viewer, through)
    _add_notices(found, viewer, {DATASETS[code].notice for code in own | upstream})
    for code, recorder in _recorders().items():
        if recorder == viewer:
            found.add(code, ITSELF)
    return found


def _recorders() -> dict[str, str]:
    """Who recorded the objections of the story."""
    letters = {step.code: step.holder for step in _steps(Letter)}
    return letters | {step.code: CAMPAIGNS[step.campaign].party for step in _steps(Stop)}


def _speaks_for(viewer: str, held: _Held) -> bool:
    return held.holder == viewer or (held.holder not in _ADMITTED and held.speaker == viewer)


def _upstream(own: set[str]) -> set[str]:
    """The datasets that at least one number of the `own` datasets came through."""
    found: set[str] = set()
    waiting = [(code, DATASETS[code].numbers) for code in own]
    while waiting:
        code, numbers = waiting.pop()
        for parent in DATASETS[code].parents:
            came = numbers & DATASETS[parent].numbers
            if came:
                found.add(parent)
                waiting.append((parent, came))
    return found - own


def _add_transfers(found: Relations, viewer: str, seen: set[str]) -> None:
    for code, step in TRANSFERS.items():
        sender = DATASETS[step.dataset].holder
        if viewer in (sender, step.recipient) or {step.dataset, step.received_dataset} <= seen:
            found.add(code, ITSELF if viewer in (sender, step.recipient) else SUPPLIERS)
            found.add(sender, SUPPLIERS)
        if viewer == sender:
            found.add(step.recipient, RECIPIENTS)
            found.add(step.received_dataset, RECIPIENTS)


def _add_campaigns(found: Relations, viewer: str, through: str | None) -> None:
    for code, step in CAMPAIGNS.items():
        if step.party == viewer and through in (None, step.sender):
            found.add(code, ITSELF)
            found.add(step.sender, SENDERS)


def _add_notices(found: Relations, viewer: str, reached: set[str | None]) -> None:
    for code, step in NOTICES.items():
        own = step.collector == viewer or (step.collector not in _ADMITTED and step.asserted_by == viewer)
        if not own and code not in reached:
            continue
        found.add(code, ITSELF if own else SUPPLIERS)
        found.add(f"collection {code}", ITSELF if own else SUPPLIERS)
        found.add(step.collector, SUPPLIERS)
        # Who registered a notice for a collector without account stands beside it.
        found.add(step.asserted_by, SUPPLIERS)
        for listed in step.lists:
            for partner in listed.partners:
                found.add(partner, PARTNERS)


def person_of(number: int) -> Relations:
    """What the owner of a number may be shown: everything on its paths, and nothing else."""
    found = Relations("person")
    for code, held in DATASETS.items():
        if number in held.numbers:
            notice = NOTICES.get(held.notice or "")
            listed = [partner for shown in notice.lists for partner in shown.partners] if notice else []
            for shown_code in (code, held.holder, held.speaker, held.notice, f"collection {held.notice}", *listed):
                found.add(shown_code or "", HOLDERS)
    for code, step in TRANSFERS.items():
        sent = DATASETS[step.dataset]
        if number in sent.numbers | DATASETS[step.received_dataset].numbers:
            for shown_code in (code, sent.holder, step.recipient, step.dataset, step.received_dataset):
                found.add(shown_code, HOLDERS)
    for code, campaign in CAMPAIGNS.items():
        if any(number in DATASETS[dataset].numbers for dataset in campaign.datasets):
            for shown_code in (code, campaign.party, campaign.sender):
                found.add(shown_code, HOLDERS)
    found.add(story.CNIL.code, AUTHORITY)
    return found


def codes_by_text(ids: Mapping[str, str]) -> dict[str, str]:
    """The codes of the story by what names them in a response: ids, and legal names of organisations."""
    names = {step.name: step.code for step in (*_steps(Organisation), *story.ADMITTED)}
    return {identity: code for code, identity in ids.items()} | names
