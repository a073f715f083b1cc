"""How many stories a test tries: a few by `make test`, thousands by `make soak`."""

import os
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

Story = TypeVar("Story")

BATCH = 25
"""The stories of one database."""

SHRINKING_SECONDS = 120
"""How long a failing story is made shorter. No shorter one is tried afterwards."""


def batches(few: int) -> range:
    """The numbers of the batches: for `few` stories, unless `make soak` asks for more."""
    return range(-(-_stories(few) // BATCH))


def _stories(few: int) -> int:
    return int(os.environ.get("WORLDS", few))


def try_batch(batch: int, few: int, stories: SearchStrategy[Story], check: Callable[[Story], str]) -> None:
    """Try the stories of a batch. `check` says in words what is wrong with one, or nothing."""
    failures: dict[Any, str] = {}
    ends = float("inf")

    @seed(batch)
    @settings(
        max_examples=min(BATCH, _stories(few) - batch * BATCH),
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(stories)
    def is_told_rightly(story: Story) -> None:
        nonlocal ends
        if story not in failures and monotonic() < ends:
            failures[story] = check(story)
            if failures[story] and ends == float("inf"):
                ends = monotonic() + SHRINKING_SECONDS
        found = failures.get(story, "")
        assert not found, found

    is_told_rightly()
