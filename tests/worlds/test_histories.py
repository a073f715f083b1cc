"""Random histories of one world: whatever is told in whatever order, everybody is shown what the rules say."""

import pytest

from tests.worlds.branches import going_on, told_once
from tests.worlds.conftest import settings_of_worlds
from tests.worlds.reading import differences
from tests.worlds.rounds import batches, try_batch
from tests.worlds.stories import History, beginnings, histories
from tests.worlds.told import tell

FEW = 300


@pytest.mark.parametrize("batch", batches(FEW))
def test_everybody_is_shown_what_the_rules_say_after_any_history(batch: int, cluster: str) -> None:
    settings, starts = settings_of_worlds(), beginnings()
    acts = starts[batch % len(starts)]
    with told_once(cluster, settings, acts) as beginning:

        def tell_and_compare(story: History) -> str:
            with going_on(cluster, settings, beginning) as told:
                for act in story.acts:
                    tell(told, act)
                told.stage.settle()
                return "\n".join(differences(told, last=True, items=False, viewers=story.viewers))

        try_batch(batch, FEW, histories(acts), tell_and_compare)
