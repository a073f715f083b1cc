"""Random worlds: what the service shows every viewer is what a naive registry works out, in every answer and count."""

import os
from collections.abc import Iterator
from time import monotonic

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from service.core.settings import Settings
from tests.conftest import settings_of_tests, temporary_database
from tests.worlds.reading import differences
from tests.worlds.strategies import Look, Story, stories
from tests.worlds.telling import Stage, begin, stage, tell

WORLDS = int(os.environ.get("WORLDS", "3"))
"""How many worlds are told. `make soak` tells thousands."""

BATCH = 25
"""The worlds of one database."""

SHRINKING_SECONDS = 120
"""How long a failing story is made shorter. No shorter one is tried afterwards."""


@pytest.fixture
def running(cluster: str) -> Iterator[Stage]:
    with temporary_database(cluster) as dsn, stage(_settings(), dsn) as running_stage:
        yield running_stage


def _settings() -> Settings:
    limits = "sms_block_budget", "verifications_per_address", "codes_per_network", "codes_per_hour", "codes_per_day"
    return settings_of_tests().model_copy(update=dict.fromkeys(limits, 10**6))


@pytest.mark.parametrize("batch", range(-(-WORLDS // BATCH)))
def test_everybody_is_shown_what_a_naive_registry_works_out(batch: int, running: Stage) -> None:
    failures: dict[Story, str] = {}
    ends = float("inf")

    @seed(batch)
    @settings(
        max_examples=min(BATCH, WORLDS - batch * BATCH),
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(stories())
    def told_rightly(story: Story) -> None:
        nonlocal ends
        if story not in failures and monotonic() < ends:
            failures[story] = _tell_and_compare(running, story)
            if failures[story] and ends == float("inf"):
                ends = monotonic() + SHRINKING_SECONDS
        found = failures.get(story, "")
        assert not found, found

    told_rightly()


def _tell_and_compare(running: Stage, story: Story) -> str:
    """What differs at the first look at which anything does."""
    told = begin(running)
    for at, act in enumerate(story.acts, start=1):
        tell(told, act)
        if isinstance(act, Look) and (found := differences(told, last=at == len(story.acts))):
            return f"after act {at}:\n" + "\n".join(found)
    return ""
