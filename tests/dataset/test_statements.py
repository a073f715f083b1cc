"""How many statements the sealing of a small file makes: as many for any number of lines, and few."""

import asyncio

import pytest

from service.core.settings import Settings
from service.core.task_queue import WorkerContext, open_queue
from service.main import create_app, running
from tests.builders import FICTION, open_dataset
from tests.callers import Registry
from tests.direct_client import DirectClient
from tests.inspection import rows
from tests.objection.builders import create_objection
from tests.persons import prove
from tests.statements import Statement, record_statements

MOST_STATEMENTS = 45


def work(settings: Settings, dsn: str) -> None:
    """Run all tasks that wait."""

    async def run() -> None:
        async with running(settings, dsn, settings.job_limits()) as resources, open_queue(dsn, by_clock=False) as queue:
            resources.add(queue)
            await queue.run_worker_async(
                wait=False,
                install_signal_handlers=False,
                delete_jobs="successful",
                additional_context=WorkerContext(resources, set())._asdict(),
            )

    asyncio.run(run())


def seal(registry: Registry, settings: Settings, dsn: str, count: int, executed: list[Statement]) -> list[str]:
    """The statements that seal a file of so many lines, and look at objections."""
    broker = registry.broker()
    dataset = open_dataset(broker)
    broker.put_part(dataset["id"], [str(FICTION + place) for place in range(count)])
    broker.post(f"/v1/datasets/{dataset['id']}/seal")
    executed.clear()
    work(settings, dsn)
    # How often the queue looks for work is not up to the sealing. It checks its connections by an empty statement.
    found = [statement.text for statement in executed if statement.text and "procrastinate" not in statement.text]
    assert broker.get(f"/v1/datasets/{dataset['id']}")["number_count"] == count
    assert rows(dsn, "SELECT count(*) FROM pending_task") == [(0,)]
    return found


def test_seal_small_dataset_makes_few_statements_for_any_number_of_lines(
    settings: Settings, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = record_statements(monkeypatch, dsn, of_test=True)
    with DirectClient(create_app(settings, dsn, with_worker=False)) as client:
        registry = Registry(client, dsn)
        create_objection(prove(client, dsn, f"+{FICTION + 9_999}"))
        work(settings, dsn)
        few, many = (seal(registry, settings, dsn, count, executed) for count in (1, 2_000))
    assert len(few) == len(many) <= MOST_STATEMENTS
