"""The running service of many worlds."""

from collections.abc import Iterator

import pytest

from tests.conftest import settings_of_tests, temporary_database
from tests.worlds.told import Stage, stage


@pytest.fixture
def running(cluster: str) -> Iterator[Stage]:
    limits = "sms_block_budget", "verifications_per_address", "codes_per_network", "codes_per_hour", "codes_per_day"
    settings = settings_of_tests().model_copy(update=dict.fromkeys(limits, 10**6))
    with temporary_database(cluster) as dsn, stage(settings, dsn) as running_stage:
        yield running_stage
