"""P1: register a file of numbers over HTTP, from the first byte sent until it is sealed, durable and queryable."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import files
from benchmarks.callers import Caller, admit_callers
from benchmarks.comparison import Comparison, Target
from benchmarks.database import copy_in, execute
from benchmarks.loopback import send_over_loopback
from benchmarks.registration import make_collection, open_dataset, seal_dataset, upload_part
from benchmarks.result import Plot, Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.timing import elapsed_seconds, run_in_turn
from service.core.vocabulary import Role

UNIT = "numbers/s"


class IngestSetup(NamedTuple):
    """The files to register and how many lines each has, the caller who registers them and its collection."""

    service: Service
    caller: Caller
    collection_id: str
    lines: int
    files: Sequence[Path]


def measure(scale: Scale, progress: Progress) -> Result:
    """One upload, two uploads at once, one dataset in two parts at once; beside psql's copy of the same file."""
    with running_service() as service:
        return measure_on(service, scale, progress)


def measure_on(service: Service, scale: Scale, progress: Progress) -> Result:
    """The same on a service that runs already."""
    with admit_callers(service, Role.COLLECTOR) as (caller,):
        progress(f"two files of {scale.ingest_lines:,} lines")
        setup = prepare_ingest(service, caller, scale.ingest_lines, 2)
        execute(service, "CREATE TABLE plain (number bigint, consented_at timestamptz)")
        tasks = {
            "copy": partial(elapsed_seconds, partial(_copy, setup)),
            "one": partial(one_upload, setup),
            "two": partial(_two_uploads, setup),
            "parts": partial(_two_parts, setup),
            "loopback": partial(elapsed_seconds, partial(send_over_loopback, setup.files[0])),
        }
        progress("registering them, in turn with \\copy")
        medians = {name: median(times) for name, times in run_in_turn(tasks, scale.rounds).items()}
        progress("smaller files")
        curve = [*_smaller_files(setup, scale), (scale.ingest_lines, scale.ingest_lines / medians["one"])]
    return Result(_compare(scale.ingest_lines, medians), [_plot(curve)])


def prepare_ingest(service: Service, caller: Caller, lines: int, count: int) -> IngestSetup:
    """Write `count` files of different numbers, and make the collection under which they are registered."""
    paths = [service.folder / f"{lines}-{index}.csv" for index in range(count)]
    written = [files.write_file(path, index * lines, lines, with_consents=True) for index, path in enumerate(paths)]
    return IngestSetup(service, caller, make_collection(caller), lines, written)


def _copy(setup: IngestSetup) -> None:
    # The table exists before and is logged, so that the copied rows are as durable as a registered dataset.
    copy_in(setup.service, "plain", setup.files[0])


def one_upload(setup: IngestSetup) -> float:
    """Seconds from the first byte of the first file until it is sealed. Its numbers can then be looked up."""
    return _uploads(setup, 1)


def _two_uploads(setup: IngestSetup) -> float:
    return _uploads(setup, 2)


def _uploads(setup: IngestSetup, count: int) -> float:
    """Seconds for the first `count` files at once, each a dataset."""
    dataset_ids = [open_dataset(setup.caller, collection_id=setup.collection_id) for _ in range(count)]

    def upload_and_seal(dataset_id: str, file: Path) -> None:
        upload_part(setup.service, setup.caller, dataset_id, file, range(file.stat().st_size))
        seal_dataset(setup.caller, dataset_id)

    with ThreadPoolExecutor(count) as pool:
        elapsed = elapsed_seconds(lambda: list(pool.map(upload_and_seal, dataset_ids, setup.files)))
    for index, dataset_id in enumerate(dataset_ids):
        _check_dataset(setup, dataset_id, index)
    return elapsed


def _two_parts(setup: IngestSetup) -> float:
    """Seconds for one dataset in two halves at once, after a short first part that settles the layout."""
    file = setup.files[0]
    dataset_id = open_dataset(setup.caller, collection_id=setup.collection_id)
    ends = _line_ends(file, (1_000, file.stat().st_size // 2))
    first, *halves = (range(*ends[index : index + 2]) for index in range(len(ends) - 1))
    upload = partial(upload_part, setup.service, setup.caller, dataset_id, file)

    def upload_and_seal() -> None:
        upload(first, 1)
        list(pool.map(upload, halves, (2, 3)))
        seal_dataset(setup.caller, dataset_id)

    with ThreadPoolExecutor(2) as pool:
        elapsed = elapsed_seconds(upload_and_seal)
    _check_dataset(setup, dataset_id, 0)
    return elapsed


def _line_ends(file: Path, near: Sequence[int]) -> list[int]:
    """0, the ends of the lines that contain the bytes at `near`, and the size of the file."""
    ends = [0]
    with file.open("rb") as content:
        for offset in near:
            content.seek(offset)
            content.readline()
            ends.append(content.tell())
    return [*ends, file.stat().st_size]


def _check_dataset(setup: IngestSetup, dataset_id: str, file_index: int) -> None:
    """Check that every number is counted, and that a lookup finds one of them."""
    dataset = setup.caller.get(f"/v1/datasets/{dataset_id}")
    assert dataset["number_count"] == setup.lines, dataset
    assert dataset["rejected_count"] == 0, dataset
    middle = int(files.numbers(file_index * setup.lines + setup.lines // 2, 1)[0])
    holdings = setup.caller.lookup(middle)["holdings"]
    assert dataset_id in [holding["dataset"]["id"] for holding in holdings]


def _smaller_files(setup: IngestSetup, scale: Scale) -> list[tuple[float, float]]:
    curve: list[tuple[float, float]] = []
    for lines in (10_000, 100_000, 1_000_000):
        if lines < scale.ingest_lines:
            file = files.write_file(setup.service.folder / "smaller.csv", 0, lines, with_consents=True)
            smaller = setup._replace(lines=lines, files=[file])
            elapsed = median(one_upload(smaller) for _ in range(scale.rounds))
            curve.append((lines, lines / elapsed))
    return curve


def _compare(lines: int, medians: dict[str, float]) -> list[Comparison]:
    copied, size = lines / medians["copy"], f"{lines:,} numbers"
    return [
        Comparison("P1", f"{size} in one upload; \\copy", lines / medians["one"], copied, UNIT, Target("≥", 3)),
        Comparison("P1", f"twice {size} at once; \\copy", 2 * lines / medians["two"], copied, UNIT, Target("≥", 5)),
        Comparison("P1", f"{size} in two parts at once; \\copy", lines / medians["parts"], copied, UNIT),
        Comparison(
            "P1",
            f"{size} in one upload; their bytes over the loopback alone",
            lines / medians["one"],
            lines / medians["loopback"],
            UNIT,
        ),
    ]


def _plot(curve: list[tuple[float, float]]) -> Plot:
    return Plot("ingest", "Registering one file", "numbers in the file", UNIT, {"one upload": curve})
