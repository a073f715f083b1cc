"""Twin worlds: the second has what others do besides. Who may not know of it reads the same in both, on every route."""

import pytest

from tests.worlds.acts.collections import Collect
from tests.worlds.acts.datasets import Unite, Upload
from tests.worlds.acts.transfers import HandOver
from tests.worlds.rounds import batches, try_batch
from tests.worlds.sight import Viewer
from tests.worlds.told import Stage, begin, tell
from tests.worlds.twin_reading import Telling, differing, read_all
from tests.worlds.twins import BROKER, SUPPLIER, Twins, TwinStory, begin_twin, twin_stories

FEW = 2


def tell_twice_and_compare(running: Stage, story: TwinStory) -> str:
    """What a viewer of the story reads in the second world otherwise than in the first."""
    plain = Telling(begin(running), dict(story.names))
    for step in story.steps:
        if step.plain is not None:
            tell(plain.told, step.plain)
    running.settle()
    read_in_plain = read_all(story, plain)
    twin = Telling(begin(running, begin_twin()), None)
    for step in story.steps:
        tell(twin.told, step.twin)
    running.settle()
    return "\n".join(differing(read_in_plain, read_all(story, twin)))


@pytest.mark.parametrize("batch", batches(FEW))
def test_viewer_reads_the_same_whatever_it_may_not_know(batch: int, running: Stage) -> None:
    try_batch(batch, FEW, twin_stories(), lambda story: tell_twice_and_compare(running, story))


def test_look_up_shows_no_steps_of_a_hidden_supplier_by_its_order(running: Stage) -> None:
    # What b1 and b2 hand to p1 went an equally long way. Number 0 came to b1 by a longer way too, but 1 did not.
    twins = Twins()

    def newest(*, twin: bool = False) -> str:
        return next(reversed((twins.twin if twin else twins.plain).datasets))

    for broker in ("b1", "b2"):
        twins.same(Collect("c1", "c1", frozenset({0, 1}), None))
        twins.same(HandOver(newest(), broker, "c1"))
        united = Unite(broker, broker, (newest(),))
        if broker == "b1":
            bought = newest(twin=True)
            twins.only_there(Collect(SUPPLIER, SUPPLIER, frozenset({0}), None))
            twins.only_there(HandOver(newest(twin=True), BROKER, SUPPLIER))
            twins.only_there(HandOver(newest(twin=True), broker, BROKER))
            twins.both(united, Unite(broker, broker, (bought, newest(twin=True))))
        else:
            twins.same(united)
        twins.same(Upload(broker, broker, (newest(),), frozenset({1})))
        twins.same(HandOver(newest(), "p1", broker))
    party = Viewer("p1", "p1")
    assert party in twins.blind()
    assert not (found := tell_twice_and_compare(running, twins.story(party))), found
