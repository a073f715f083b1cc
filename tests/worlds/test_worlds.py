"""Random worlds: what the service shows every viewer is what a naive registry works out, in every answer and count."""

import pytest

from tests.worlds.acts.pauses import Look
from tests.worlds.reading import differences
from tests.worlds.rounds import batches, try_batch
from tests.worlds.stories import Story, stories
from tests.worlds.told import Stage, begin, tell

FEW = 3


@pytest.mark.parametrize("batch", batches(FEW))
def test_everybody_is_shown_what_a_naive_registry_works_out(batch: int, running: Stage) -> None:
    def tell_and_compare(story: Story) -> str:
        """What differs at the first look at which anything does."""
        told = begin(running)
        for at, act in enumerate(story.acts, start=1):
            tell(told, act)
            if isinstance(act, Look) and (found := differences(told, last=at == len(story.acts))):
                return f"after act {at}:\n" + "\n".join(found)
        return ""

    try_batch(batch, FEW, stories(), tell_and_compare)
