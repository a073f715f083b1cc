"""Parts that are made to do harm are read or refused, and everybody else's are taken meanwhile.

`make soak SOAK=stands` tries 2,000; `PARTS` says how many.
"""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from service.intake.media import format_of_content_type
from service.sandbox.launcher import Launcher
from tests.builders import number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import rows
from tests.sandbox.bombs import Part, hostile_part
from tests.sandbox.builders import outcome

log = logging.getLogger(__name__)
PARTS = int(os.environ.get("PARTS", "100"))
BATCH = 100
UPLOADS = max(10, PARTS // 20)
MEMORY_MIB = 300


def put(caller: Caller, dataset: Any, part: Part) -> Any:
    path, headers = f"/v1/datasets/{dataset['id']}/parts/1", {"Content-Type": part.media_type}
    return caller.request("PUT", path, content=part.content, headers=headers)


def memory_mib(process: int | str, field: str) -> float:
    (line,) = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) / 1024


GOOD = Part("good", "text/csv", "\n".join(number(last) for last in range(10)).encode())


@pytest.fixture(scope="module")
def own_launcher() -> Iterator[Launcher]:
    """A launcher, so that the peak memory of its readers is that of the test."""
    own = Launcher()
    yield own
    own.close()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("batch", range(-(-PARTS // BATCH)))
def test_hostile_parts_are_read_or_refused_within_limits(own_launcher: Launcher, batch: int) -> None:
    assert outcome(own_launcher, GOOD.content) == "read"
    template = own_launcher.template()
    # The peak of this process, which is the service here, begins anew.
    Path("/proc/self/clear_refs").write_text("5")
    idle, template.peak = memory_mib("self", "VmRSS"), 0
    outcomes: dict[str, set[str]] = {}
    for seed in range(batch * BATCH, min((batch + 1) * BATCH, PARTS)):
        part = hostile_part(seed)
        found = outcome(own_launcher, part.content, format=format_of_content_type(part.media_type))
        assert found not in ("lost", "reader_failed", "takes_too_long"), (seed, part.kind)
        outcomes.setdefault(part.kind.partition(",")[0], set()).add(found)
        if seed % 10 == 0:
            assert outcome(own_launcher, GOOD.content) == "read"
    parent = memory_mib("self", "VmHWM") - idle
    child = template.peak / 1024 - memory_mib(template.pid, "VmRSS")
    assert parent + child < MEMORY_MIB, (parent, child)
    log.info("parent %.0f MiB, child %.0f MiB above idle; %s", parent, child, outcomes)


def test_upload_hostile_parts_leaves_nothing_and_good_ones_are_taken(registry: Registry, dsn: str) -> None:
    attacker, neighbour = registry.broker(), registry.broker()
    taken, target = open_dataset(neighbour), open_dataset(attacker)
    with ThreadPoolExecutor(1) as beside:
        for seed in range(0, UPLOADS * 7, 7):
            part = hostile_part(seed)
            good = beside.submit(put, neighbour, taken, GOOD)
            answer = put(attacker, target, part)
            assert answer.status_code in (200, 422), (seed, part.kind, answer.text)
            assert answer.status_code == 200 or len(answer.json()["detail"]) > 20
            assert good.result().status_code == 200, (seed, part.kind)
            if answer.status_code == 200:
                target = open_dataset(attacker)
    of_parts = "upload NOT IN (SELECT upload FROM dataset_part)"
    assert rows(dsn, f"SELECT 1 FROM staged_run WHERE {of_parts}") == []
    assert rows(dsn, f"SELECT 1 FROM rejected_line WHERE {of_parts}") == []
    assert rows(dsn, "SELECT count(*) FROM dataset_part WHERE accepted_count = 10")[0][0] >= 1
