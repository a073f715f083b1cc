"""What each dataset holds, held and has from where, compared with a naive model while holders do what they may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.core.db import Database
from service.membership.compaction import compact
from tests.builders import filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import settings_of_tests, temporary_database
from tests.dataset.builders import (
    RING,
    admitted,
    check_memberships,
    complete_in,
    key_of,
    named,
    read_exclusions,
    take_off_losses,
    with_database,
)
from tests.dataset.erasure_model import Handover, HeldSet, Model
from tests.direct_client import DirectClient
from tests.examples import examples
from tests.kept import kept_app
from tests.membership.builders import no_pause
from tests.objection.builders import create_objection, relay_states
from tests.persons import prove
from tests.transfer.builders import compare_file, send_file

NUMBERS = range(20)


@dataclass
class Play:
    """Organisations of one world, what they did, and the model of it. Its numbers are others than those before."""

    registry: Registry
    dsn: str
    chance: Random
    first: int
    model: Model = field(default_factory=Model)
    callers: dict[str, Caller] = field(default_factory=dict)
    speakers: dict[str, str] = field(default_factory=dict)
    days: int = 0

    def __post_init__(self) -> None:
        made = [self.registry.collector(), self.registry.broker(), self.registry.broker(), self.registry.party()]
        self.callers = {str(caller.id): caller for caller in made}
        for speaker, role in zip(made[:3], ("party", "collector", "broker"), strict=True):
            self.speakers[named(speaker, role)] = str(speaker.id)

    def numbers(self) -> set[int]:
        return set(self.chance.sample(NUMBERS, self.chance.randint(3, 12)))

    def pick(self, things: list[Any]) -> Any:
        return self.chance.choice(sorted(things, key=lambda thing: thing if isinstance(thing, str) else thing.id))

    def shifted(self, numbers: set[int]) -> list[int]:
        return [self.first + place for place in sorted(numbers)]

    def caller_of(self, holder: str) -> Caller:
        """Who acts for a holder: itself or, without account, the organisation that named it."""
        return self.callers[self.speakers.get(holder, holder)]

    def when(self) -> dict[str, str]:
        """The moment of the next fact, later than all before."""
        self.days += 1
        return {"occurred_at": f"2024-{1 + self.days // 28:02}-{1 + self.days % 28:02}T00:00:00Z"}

    def usable(self) -> list[HeldSet]:
        return [dataset for dataset in self.model.datasets.values() if not dataset.denied]

    def spoken_by(self, dataset: HeldSet) -> Caller | None:
        """Who may derive from a dataset and transfer it."""
        caller = self.caller_of(dataset.holder)
        return caller if dataset.holder not in self.speakers or str(caller.id) == dataset.asserter else None

    def new(self, made: Any, holder: str, **more: Any) -> HeldSet:
        return HeldSet(made["id"], holder, str(self.caller_of(holder).id), **more)


def collect(play: Play) -> None:
    holder, numbers = play.pick([*play.callers, *play.speakers]), play.numbers()
    caller, when = play.caller_of(holder), play.when()
    collection = make_collection(caller, holder, make_notice(caller, holder)["id"])
    more = {"holder_id": holder, "collection_id": collection["id"]}
    made = filled(caller, play.shifted(numbers), **more, **when)
    play.model.add(play.new(made, holder, collected=True), [], numbers)


def derive(play: Play) -> None:
    """A union of datasets of one holder, or a file that names them as its sources."""
    if own := [dataset for dataset in play.usable() if play.spoken_by(dataset)]:
        holder = play.pick(own).holder
        parents = [dataset for dataset in own if dataset.holder == holder][-3:]
        caller, numbers = play.caller_of(holder), play.chance.choice([None, play.numbers()])
        more: dict[str, Any] = {"holder_id": holder, "derived_from": [parent.id for parent in parents]} | play.when()
        if numbers is None:
            made = caller.seal(open_dataset(caller, content="union", **more)["id"])
        else:
            made = filled(caller, play.shifted(numbers), **more)
        added = play.model.add(play.new(made, holder), parents, numbers)
        assert made["number_count"] == len(added.holding)
        assert made["orphan_count"] == len(play.model.orphans(added))


def transfer(play: Play) -> None:
    """A holder transfers to anybody; for one without account, its speaker to itself or to another without account."""
    if ready := [dataset for dataset in play.usable() if play.spoken_by(dataset)]:
        source = play.pick(ready)
        caller = play.caller_of(source.holder)
        others = [*play.speakers, *([str(caller.id)] if source.holder in play.speakers else play.callers)]
        recipient = play.pick([other for other in others if other != source.holder])
        made = hand_over(caller, {"id": source.id}, caller, recipient_id=recipient, **play.when())
        received = HeldSet(made["received_dataset_id"], recipient, str(caller.id))
        play.model.hand_over(made["id"], source, received, asserter=str(caller.id))


def erase(play: Play) -> None:
    """Holders with account erase some numbers each, and the model follows number by number."""
    wanted = [
        (holder, last_four)
        for holder in play.callers
        for last_four in NUMBERS
        if play.chance.random() < play.chance.choice([0.1, 0.5])
    ]
    play.chance.shuffle(wanted)

    async def complete_all(database: Database) -> None:
        for holder, last_four in wanted:
            await complete_in(database, play.callers[holder].id, play.first + last_four)

    with_database(play.dsn, complete_all)
    for holder, last_four in wanted:
        play.model.erase(holder, last_four)


def open_to_recipient(play: Play) -> list[Handover]:
    """The transfers of which a recipient with account may still say something new."""
    return [
        handover
        for handover in play.model.transfers.values()
        if handover.received.holder in play.callers
        and not handover.reconciled
        and not play.model.children(handover.received)
    ]


def reply(play: Play) -> None:
    """A recipient denies a transfer or acknowledges it, whatever it said before."""
    replying = [sent for sent in open_to_recipient(play) if sent.received.holder != sent.received.asserter]
    if replying:
        handover = play.pick(replying)
        denied = not handover.received.denied
        body = {"status": "denied" if denied else "acknowledged"} | play.when()
        play.callers[handover.received.holder].post(f"/v1/transfers/{handover.id}/statements", body)
        (play.model.deny if denied else play.model.acknowledge)(handover)
        # The process keeps the graph of this moment, and reads only what changes afterwards.
        play.callers[handover.received.holder].lookup(number(play.first))


def reconcile(play: Play) -> None:
    """A recipient compares its own file, which is what was handed over or differs a little."""
    if ready := [handover for handover in open_to_recipient(play) if not handover.received.denied]:
        handover = play.pick(ready)
        changed = set(play.chance.sample(NUMBERS, play.chance.choice([0, 0, 3])))
        file = handover.handed_over ^ changed or {0}
        recipient = play.callers[handover.received.holder]
        body = {"id": handover.id, "received_dataset_id": handover.received.id}
        send_file(recipient, body, play.shifted(file))
        said = compare_file(recipient, body)["statements"][-1]
        expected = play.model.reconcile(handover, file)
        assert (said["extra_count"], said["missing_count"]) == expected
        assert said["status"] == ("disputed" if any(expected) else "confirmed")


def admit(play: Play) -> None:
    if play.speakers:
        holder = play.pick(list(play.speakers))
        del play.speakers[holder]
        play.callers[holder] = admitted(play.registry, play.dsn, holder)


def merge_blocks(play: Play) -> None:
    with_database(play.dsn, lambda database: compact(database, RING, no_pause, thoroughly=True))


STEPS: list[Callable[[Play], None]] = [
    *[transfer] * 4,
    *[erase] * 4,
    *[reply] * 3,
    *[reconcile] * 2,
    collect,
    derive,
    derive,
    admit,
    merge_blocks,
]


@pytest.fixture(scope="module")
def registry(cluster: str) -> Iterator[Registry]:
    """One application for all worlds: each has organisations and numbers of its own."""
    with temporary_database(cluster) as dsn, DirectClient(kept_app(settings_of_tests(), dsn)) as client:
        yield Registry(client, dsn)


@pytest.fixture(scope="module")
def authority(registry: Registry) -> Caller:
    return registry.regulator()


_worlds = iter(range(0, 10_000, len(NUMBERS)))


@settings(
    max_examples=examples(2, 40), phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 10**9))
def test_erasures_among_other_acts_leave_what_a_naive_model_says(
    registry: Registry, authority: Caller, seed: int
) -> None:
    chance = Random(seed)
    play = Play(registry, registry.dsn, chance, next(_worlds))
    with told_afterwards(play):
        collect(play)
        collect(play)
        for _ in range(14):
            chance.choice(STEPS)(play)
        compare(play, authority)
        object_and_compare(play)
        take_off_losses(play.dsn)
        assert check_memberships(play.dsn).findings == []
        while play.speakers:
            admit(play)
        erase_all(play)
        keys = {key_of(play.first + place) for place in NUMBERS}
        assert [row for row in read_exclusions(play.dsn) if row[0] in keys] == []
        assert not any(play.model.had_by(place) for place in NUMBERS)
        take_off_losses(play.dsn)
        assert check_memberships(play.dsn).findings == []


@contextmanager
def told_afterwards(play: Play) -> Iterator[None]:
    """A failure names the numbers of its world."""
    try:
        yield
    except AssertionError as error:
        error.add_note(f"the numbers from {play.first} on")
        raise


def compare(play: Play, authority: Caller) -> None:
    """Compare every answer to the authority, what each holder reads of itself, and the orphans of each dataset."""
    for place in NUMBERS:
        seen = authority.lookup(number(play.first + place), reason="Plainte 12")
        assert (place, shown(seen)) == (place, play.model.answer(place))
        holders = play.model.holders(place)
        assert seen["held"] == bool(holders)
        for contradiction in seen["contradictions"]:
            if contradiction["kind"] == "declared_not_received":
                assert play.model.transfers[contradiction["transfer_id"]].own_file
    for dataset in play.model.datasets.values():
        if dataset.holder in play.callers and not dataset.denied:
            found = play.callers[dataset.holder].get(f"/v1/datasets/{dataset.id}/orphans")["numbers"]
            assert sorted(found) == [number(last) for last in play.shifted(play.model.orphans(dataset))]


def shown(answer: Any) -> dict[str, object]:
    """An answer as the model gives it."""
    return {
        part: {item["dataset"]["id"] for item in answer[part]}
        for part in ("holdings", "erasures", "origins", "orphans")
    } | {"transfers": {row["id"]: (row["number_declared"], row["number_received"]) for row in answer["transfers"]}}


def object_and_compare(play: Play) -> None:
    """Relays name those who hold a number now, and the person's answer names the same."""
    for place in (0, 1):
        person = prove(play.registry.client, play.dsn, number(play.first + place))
        relays = relay_states(create_objection(person, kind="erasure"))
        document = person.request("POST", "/v1/disclosures", json={"form": "json", "language": "en"}).json()
        holders = play.model.holders(place)
        assert relays.keys() == {holder["id"] for holder in document["holders"]} == holders
        assert {
            holder for holder, state in relays.items() if state == "undeliverable"
        } == holders & play.speakers.keys()
        assert ("no registered organisation holds it" in str(document["report"])) == (not play.model.had_by(place))


def erase_all(play: Play) -> None:
    """Everybody erases every number."""
    wanted = [(holder, last_four) for holder in play.callers for last_four in NUMBERS]

    async def complete_all(database: Database) -> None:
        for holder, last_four in wanted:
            await complete_in(database, play.callers[holder].id, play.first + last_four)

    with_database(play.dsn, complete_all)
    for holder, last_four in wanted:
        play.model.erase(holder, last_four)
