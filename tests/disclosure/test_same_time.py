"""How long its owner waits does not show whether a number is held."""

import asyncio
from typing import Any

import pytest

from service.disclosure import operations
from service.wording.language import Language
from tests.disclosure.conftest import Owners


@pytest.mark.parametrize("last_four", [9999, 5200])
def test_get_report_does_its_work_within_a_wait_that_is_the_same_for_every_number(
    owners: Owners, last_four: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = owners.person(last_four)
    written, waits = asyncio.Event(), list[float]()

    async def wait_until_written(seconds: float) -> None:
        # The wait would never end if the report were written before or after it.
        assert not written.is_set()
        waits.append(seconds)
        await asyncio.wait_for(written.wait(), 60)

    def write(*arguments: Any) -> str:
        written.set()
        return "report"

    monkeypatch.setattr(operations, "sleep", wait_until_written)
    monkeypatch.setattr(operations, "write_report", write)
    assert owners.call(operations.get_report, person, Language.FR) == "report"
    assert waits == [operations._LEAST_SECONDS]
