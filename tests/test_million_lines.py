"""A million lines as a broker has them: registered on the command line, interrupted half-way, resumed, looked up."""

import os
import random
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.callers import Caller, Registry
from tests.command.unreliable_proxy import stalling_proxy
from tests.processes import Running, command
from tests.test_processes import process_on

LINES = 1_000_000
PART_BYTES = 2_000_000
SPELLINGS = (
    "0{0} {1} {2} {3} {4}",
    "0{0}.{1}.{2}.{3}.{4}",
    "+33 {0} {1} {2} {3} {4}",
    "+33 (0){0} {1} {2} {3} {4}",
    "0033{0}{1}{2}{3}{4}",
    "33{0}{1}{2}{3}{4}",
    "{0}{1}{2}{3}{4}",
    "0{0}{1}{2}{3}{4}",
)


def write(path: Path) -> tuple[set[int], int]:
    """Write a semicolon file in Windows-1252. Returns its numbers, and how many lines have none."""
    generator, rejected = random.Random(29), 0
    numbers: set[int] = set()
    with path.open("w", encoding="windows-1252", newline="") as file:
        file.write("prénom;téléphone;ville\r\n")
        for line in range(LINES):
            # From 639 on, some are numbers of overseas France if they are written nationally.
            national = generator.randrange(600_000_000, 639_000_000)
            pairs = re.findall("..", f"{national}"[1:])
            cell = SPELLINGS[line % len(SPELLINGS)].format(f"{national}"[0], *pairs)
            if line % 10_000 == 9_999:
                cell, rejected = "6,12346E+08", rejected + 1
            else:
                numbers.add(33_000_000_000 + national)
            file.write(f'"Zoé";{cell};Orléans\r\n')
    return numbers, rejected


def register(caller: Caller, url: str, file: Path) -> "subprocess.Popen[str]":
    register = command("dataset", "register", "--yes", str(file), "--holder", str(caller.id))
    register += ["--occurred-at", "2024-05-27"]
    register += ["--part-bytes", str(PART_BYTES)]
    environment = os.environ | {"FILIATION_URL": url, "FILIATION_API_KEY": caller.key}
    return Running(register, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def parts_of(caller: Caller) -> list[Any]:
    datasets = caller.get("/v1/datasets")["items"]
    return caller.get(f"/v1/datasets/{datasets[0]['id']}/parts") if datasets else []


def peak_megabytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_register_a_million_lines_interrupted_and_resumed_is_complete(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "base.csv"
    numbers, rejected = write(file)
    with process_on(dsn, of_its_own=True) as (client, process):
        caller, url = Registry(client, dsn).broker(), str(client.base_url)
        size = file.stat().st_size
        with stalling_proxy(url, after_bytes=size // 2) as (proxy, stalled), register(caller, proxy, file) as first:
            assert stalled.wait(timeout=120)
            first.send_signal(signal.SIGINT)
            output, _ = first.communicate(timeout=60)
        assert first.returncode == 130
        assert "Run the same command to continue." in output
        assert 0 < len(parts_of(caller)) < size // PART_BYTES
        with register(caller, url, file) as second:
            output, _ = second.communicate(timeout=120)
        assert second.returncode == 0, output
        assert "parts are already uploaded" in output
        (dataset,) = caller.get("/v1/datasets")["items"]
        assert (dataset["state"], dataset["number_count"], dataset["rejected_count"]) == (
            "sealed",
            len(numbers),
            rejected,
        )
        assert all(caller.lookup(f"+{number}")["held"] for number in sorted(numbers)[:: len(numbers) // 20])
        assert not caller.lookup("+33599999999")["held"]
        assert peak_megabytes(process) < 500
