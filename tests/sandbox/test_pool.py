"""What one organisation cannot take from another, and the memory of readers where the system does not limit it."""

import asyncio
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from service.core.settings import Settings
from service.intake.columns.choice import ColumnChoice
from service.intake.errors import UnreadablePart
from service.sandbox import pool as reader_pool
from service.sandbox.launcher import Launcher, ReaderLost
from service.sandbox.pool import ReaderPool
from service.sandbox.process import ReaderProcess
from service.sandbox.watch import watched
from tests.processes import stop_process
from tests.sandbox.builders import MEMORY_BYTES, form


@pytest.fixture(scope="module")
def staying() -> Iterator[Launcher]:
    """Reader processes that stay until they are ended."""
    launcher = Launcher("tests.sandbox.hostile_reader")
    yield launcher
    launcher.close()


Begun = asyncio.Queue[uuid.UUID]
STAY = form(columns=ColumnChoice(phone="stay"))


def test_organisation_that_has_many_uploads_waits_and_others_do_not(
    staying: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine takes its time to start readers.
    monkeypatch.setattr(reader_pool, "_PATIENCE", timedelta(minutes=10))

    async def upload(pool: ReaderPool, organisation_id: uuid.UUID, end: asyncio.Event, begun: Begun) -> None:
        async with pool.reader(organisation_id, STAY):
            begun.put_nowait(organisation_id)
            await end.wait()

    async def run() -> None:
        pool = ReaderPool(Settings(reader_processes=1), staying)
        greedy, other, end = uuid.uuid4(), uuid.uuid4(), asyncio.Event()
        begun: Begun = asyncio.Queue()
        uploads = [asyncio.create_task(upload(pool, greedy, end, begun)) for _ in range(4)]
        assert [await begun.get(), await begun.get()] == [greedy, greedy]
        uploads.append(asyncio.create_task(upload(pool, other, end, begun)))
        assert await begun.get() == other
        assert begun.empty()
        end.set()
        await asyncio.gather(*uploads)
        assert begun.qsize() == 2
        pool.close()

    asyncio.run(run())


@pytest.mark.skipif(shutil.which("ps") is None, reason="ps tells the memory of a process")
def test_reader_with_more_memory_than_it_may_have_is_ended_where_the_system_does_not(staying: Launcher) -> None:
    async def run() -> None:
        reader = ReaderProcess(staying, STAY, MEMORY_BYTES)
        await asyncio.to_thread(reader.start)
        async with watched(reader, memory_bytes=1):
            with pytest.raises(UnreadablePart, match="MiB of memory"):
                await asyncio.to_thread(reader.receive)
        reader.close()

    asyncio.run(run())


def test_template_that_does_not_answer_in_time_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its late answer is not taken for that to the next request, and uploads go on without it."""
    own = Launcher("tests.sandbox.hostile_reader")
    first = ReaderProcess(own, STAY, MEMORY_BYTES)
    first.start()
    template = own.template()
    stop_process(template.pid)
    monkeypatch.setattr("service.sandbox.launcher._START_SECONDS", 0.2)
    late = ReaderProcess(own, STAY, MEMORY_BYTES)
    with pytest.raises(ReaderLost):
        late.start()
    monkeypatch.undo()
    with suppress(ProcessLookupError):
        os.kill(template.pid, signal.SIGCONT)
    following = ReaderProcess(own, STAY, MEMORY_BYTES)
    following.start()
    assert own.template() is not template
    assert following.pid in _children_of(own.template().pid)
    for reader in (first, late, following):
        reader.close()
    own.close()


def _children_of(process_id: int) -> list[int]:
    found = subprocess.run(["ps", "--ppid", str(process_id), "-o", "pid="], capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]
