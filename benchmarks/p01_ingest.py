"""P1: register a file of numbers over HTTP, from the first byte sent until it is sealed, durable and queryable."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import files
from benchmarks.calling import Caller, callers
from benchmarks.comparison import Comparison, Target
from benchmarks.database import copy_in, execute
from benchmarks.loopback import pass_over_loopback
from benchmarks.measured import Measured, Plot, Say
from benchmarks.measuring import interleaved, seconds
from benchmarks.registering import make_collection, open_dataset, seal, send
from benchmarks.scale import Scale
from benchmarks.service import Service, serving
from service.core.vocabulary import Role

UNIT = "numbers/s"


class Stage(NamedTuple):
    """Who registers which files, of how many lines each, and under which collection."""

    service: Service
    caller: Caller
    collection_id: str
    lines: int
    files: Sequence[Path]


def measure(scale: Scale, say: Say) -> Measured:
    """One upload, two at once, one dataset in two parts at once; beside what psql copies of the same file."""
    with serving() as service, callers(service, Role.COLLECTOR) as (caller,):
        say(f"two files of {scale.ingest_lines:,} lines")
        stage = set_stage(service, caller, scale.ingest_lines, 2)
        execute(service, "CREATE TABLE plain (number bigint, consented_at timestamptz)")
        works = {
            "copy": partial(seconds, partial(_copy, stage)),
            "one": partial(one_upload, stage),
            "two": partial(_two, stage),
            "parts": partial(_parts, stage),
            "loopback": partial(seconds, partial(pass_over_loopback, stage.files[0])),
        }
        say("registering them, in turn with \\copy")
        taken = {name: median(times) for name, times in interleaved(works, scale.rounds).items()}
        say("smaller files")
        curve = [*_smaller(stage, scale), (scale.ingest_lines, scale.ingest_lines / taken["one"])]
    return Measured(_compare(scale.ingest_lines, taken), [_plot(curve)])


def set_stage(service: Service, caller: Caller, lines: int, count: int) -> Stage:
    """Write `count` files of different numbers, and make what they are registered under."""
    paths = [service.folder / f"{lines}-{n}.csv" for n in range(count)]
    made = [files.write(path, n * lines, lines, with_consents=True) for n, path in enumerate(paths)]
    return Stage(service, caller, make_collection(caller), lines, made)


def _copy(stage: Stage) -> None:
    # The table exists before and is logged, so that what is copied is as durable as what is registered.
    copy_in(stage.service, "plain", stage.files[0])


def one_upload(stage: Stage) -> float:
    """Seconds from the first byte of the first file until it is sealed. Its numbers are there afterwards."""
    return _uploads(stage, 1)


def _two(stage: Stage) -> float:
    return _uploads(stage, 2)


def _uploads(stage: Stage, count: int) -> float:
    """The same for the first files at once, each a dataset."""
    opened = [open_dataset(stage.caller, collection_id=stage.collection_id) for _ in range(count)]

    def send_and_seal(dataset_id: str, file: Path) -> None:
        send(stage.service, stage.caller, dataset_id, file, range(file.stat().st_size))
        seal(stage.caller, dataset_id)

    with ThreadPoolExecutor(count) as pool:
        took = seconds(lambda: list(pool.map(send_and_seal, opened, stage.files)))
    for place, dataset_id in enumerate(opened):
        _check(stage, dataset_id, place)
    return took


def _parts(stage: Stage) -> float:
    """The same for one dataset in two halves at once, after a first part that settles the layout."""
    file = stage.files[0]
    dataset_id = open_dataset(stage.caller, collection_id=stage.collection_id)
    ends = _line_ends(file, (1_000, file.stat().st_size // 2))
    first, *halves = (range(*ends[n : n + 2]) for n in range(len(ends) - 1))
    put = partial(send, stage.service, stage.caller, dataset_id, file)

    def send_and_seal() -> None:
        put(first, 1)
        list(pool.map(put, halves, (2, 3)))
        seal(stage.caller, dataset_id)

    with ThreadPoolExecutor(2) as pool:
        took = seconds(send_and_seal)
    _check(stage, dataset_id, 0)
    return took


def _line_ends(file: Path, near: Sequence[int]) -> list[int]:
    """0, the ends of the lines in which the bytes `near` lie, and the size of the file."""
    ends = [0]
    with file.open("rb") as opened:
        for place in near:
            opened.seek(place)
            opened.readline()
            ends.append(opened.tell())
    return [*ends, file.stat().st_size]


def _check(stage: Stage, dataset_id: str, which: int) -> None:
    """Make sure that every number is there, and found."""
    dataset = stage.caller.get(f"/v1/datasets/{dataset_id}")
    assert dataset["number_count"] == stage.lines, dataset
    assert dataset["rejected_count"] == 0, dataset
    middle = int(files.numbers(which * stage.lines + stage.lines // 2, 1)[0])
    held = stage.caller.lookup(middle)["holdings"]
    assert dataset_id in [one["dataset"]["id"] for one in held]


def _smaller(stage: Stage, scale: Scale) -> list[tuple[float, float]]:
    curve: list[tuple[float, float]] = []
    for lines in (10_000, 100_000, 1_000_000):
        if lines < scale.ingest_lines:
            file = files.write(stage.service.folder / "smaller.csv", 0, lines, with_consents=True)
            smaller = stage._replace(lines=lines, files=[file])
            took = median(one_upload(smaller) for _ in range(scale.rounds))
            curve.append((lines, lines / took))
    return curve


def _compare(lines: int, taken: dict[str, float]) -> list[Comparison]:
    copied, size = lines / taken["copy"], f"{lines:,} numbers"
    return [
        Comparison("P1", f"{size} in one upload; \\copy", lines / taken["one"], copied, UNIT, Target("≥", 3)),
        Comparison("P1", f"twice {size} at once; \\copy", 2 * lines / taken["two"], copied, UNIT, Target("≥", 5)),
        Comparison("P1", f"{size} in two parts at once; \\copy", lines / taken["parts"], copied, UNIT),
        Comparison(
            "P1",
            f"{size} in one upload; their bytes over the loopback alone",
            lines / taken["one"],
            lines / taken["loopback"],
            UNIT,
        ),
    ]


def _plot(curve: list[tuple[float, float]]) -> Plot:
    return Plot("ingest", "Registering one file", "numbers in the file", UNIT, {"one upload": curve})
