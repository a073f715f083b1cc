"""The running service of many worlds."""

from collections.abc import Iterator

import pytest

from service.core.settings import Settings
from tests.conftest import settings_of_tests, temporary_database
from tests.worlds.told import Stage, stage


def settings_of_worlds() -> Settings:
    """Settings without limits that many stories in one database would reach."""
    limits = "sms_block_budget", "verifications_per_address", "codes_per_network", "codes_per_hour", "codes_per_day"
    return settings_of_tests().model_copy(update=dict.fromkeys(limits, 10**6))


@pytest.fixture
def running(cluster: str) -> Iterator[Stage]:
    with temporary_database(cluster) as dsn, stage(settings_of_worlds(), dsn) as running_stage:
        yield running_stage
