"""A million lines as a broker has them: registered from the command line, interrupted half-way, resumed, looked up."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.callers import Caller, Registry
from tests.test_processes import process_on

LINES = 1_000_000
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
    """A semicolon file in Windows-1252, made now; its numbers and how many lines hold none."""
    made, rejected = random.Random(29), 0
    numbers: set[int] = set()
    with path.open("w", encoding="windows-1252", newline="") as file:
        file.write("prénom;téléphone;ville\r\n")
        for line in range(LINES):
            national = made.randrange(600_000_000, 800_000_000)
            pairs = re.findall("..", f"{national}"[1:])
            cell = SPELLINGS[line % len(SPELLINGS)].format(f"{national}"[0], *pairs)
            if line % 10_000 == 9_999:
                cell, rejected = "6,12346E+08", rejected + 1
            else:
                numbers.add(33_000_000_000 + national)
            file.write(f'"Zoé";{cell};Orléans\r\n')
    return numbers, rejected


def register(caller: Caller, url: str, file: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "service", "dataset", "register", str(file), "--holder", str(caller.id)]
    command += ["--part-bytes", "2000000"]
    environment = os.environ | {"FILIATION_URL": url, "FILIATION_API_KEY": caller.key}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def parts_of(caller: Caller) -> list[Any]:
    datasets = caller.get("/v1/datasets")["items"]
    return caller.get(f"/v1/datasets/{datasets[0]['id']}/parts") if datasets else []


def peak_megabytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_million_lines_interrupted_and_resumed(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "base.csv"
    numbers, rejected = write(file)
    with process_on(dsn) as (client, process):
        caller, url = Registry(client, dsn).broker(), str(client.base_url)
        half = file.stat().st_size // 2_000_000 // 2
        with register(caller, url, file) as first:
            while first.poll() is None and len(parts_of(caller)) < half:
                time.sleep(0.02)
            first.send_signal(signal.SIGINT)
            said, _ = first.communicate(timeout=60)
        assert (first.returncode, "same command" in said) == (130, True)
        there = len(parts_of(caller))
        assert half <= there < file.stat().st_size // 2_000_000
        with register(caller, url, file) as second:
            said, _ = second.communicate(timeout=120)
        assert second.returncode == 0, said
        assert "parts are there already" in said
        (dataset,) = caller.get("/v1/datasets")["items"]
        assert (dataset["state"], dataset["number_count"], dataset["rejected_count"]) == (
            "sealed",
            len(numbers),
            rejected,
        )
        assert all(caller.lookup(f"+{number}")["held"] for number in sorted(numbers)[:: len(numbers) // 20])
        assert not caller.lookup("+33599999999")["held"]
        assert peak_megabytes(process) < 500
