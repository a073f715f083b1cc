"""P11: files whose lines are odd but readable, or refused, beside clean ones; and lookups meanwhile."""

import itertools
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import files
from benchmarks.callers import Caller, admit_callers
from benchmarks.clients import LoadResult, client_process
from benchmarks.comparison import Comparison, Target
from benchmarks.paced import Paced, run_paced
from benchmarks.registration import open_dataset, upload_part
from benchmarks.repeated import repeated
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import Service, running_service
from benchmarks.timing import elapsed_seconds, run_in_turn
from benchmarks.trade import registered_trade
from service.core.vocabulary import Role

_LINES: Final = 300_000
_CLEAN: Final = "0639980001"
_US: Final = "(202) 555-0123"
_LOOKERS: Final = 2
_INTERVAL: Final = 0.1

Write = Callable[[str], str]
"""A spelling of the nine digits behind the trunk zero, which begin with 6 or 7."""

_LETTERS: Final = str.maketrans("0123456789", "abcdefghij")
_ODD: Final[dict[str, Write]] = {
    "+33 (0)6 39 98 00 01": lambda digits: f"+33 (0){digits[0]} {digits[1:3]} {digits[3:5]} {digits[5:7]} {digits[7:]}",
    "U+202A…U+202C around": lambda digits: f"\u202a+33{digits}\u202c",
    "U+2011 hyphens": lambda digits: "\u2011".join(
        (f"0{digits[0]}", digits[1:3], digits[3:5], digits[5:7], digits[7:])
    ),
    "p:+33639980001": lambda digits: f"p:+33{digits}",
    "33639980001.0": lambda digits: f"33{digits}.0",
    _US: lambda digits: f"(202) 5{digits[1:3]}-{digits[5:]}",
}
_REFUSED: Final[dict[str, Write]] = {
    "06 39 98 00 01 (bureau)": lambda digits: f"0{digits} (bureau)",
    "262639980001": lambda digits: f"262{digits}",
    "06 39 98 00 0": lambda digits: f"0{digits[:8]}",
    "639980001.0": lambda digits: f"{digits}.0",
    "words of many shapes": lambda digits: digits.translate(_LETTERS) + " a",
}


def measure(scale: Scale, progress: Progress) -> Result:
    """How long each kind of file takes to upload compared with a clean one, in turn, and lookups beside them."""
    with (
        running_service() as service,
        registered_trade(service, scale.answer_memberships) as trade,
        admit_callers(service, Role.BROKER) as (holder,),
        client_process() as process,
    ):
        written = {name: _write(service.folder, name, write) for name, write in _writers().items()}
        progress(f"files of {_LINES:,} lines, in turn")
        uploads = {name: partial(_upload, service, holder, name, file) for name, file in written.items()}
        times = run_in_turn({name: partial(elapsed_seconds, upload) for name, upload in uploads.items()}, scale.rounds)
        seconds = {name: median(figures) for name, figures in times.items()}
        count = int(scale.concurrent_seconds / _INTERVAL + 2) * _LOOKERS
        asked = [(trade.party.key, json.dumps({"number": f"+{it}"}).encode()) for it in trade.numbers[:count].tolist()]
        paced = Paced(service.port, "/v1/lookups", asked, _LOOKERS, _INTERVAL)

        def look_up() -> LoadResult:
            return process.submit(run_paced, paced, scale.concurrent_seconds).result()

        progress("lookups by themselves")
        look_up()  # Not counted: what is read for the first time is read from the disk.
        idle = look_up()
        rows = [*_time_rows(seconds)]
        for kind, names in (("odd", _ODD), ("refused", _REFUSED)):
            progress(f"lookups beside {kind} files")
            in_turn = itertools.cycle([uploads[name] for name in names])
            with repeated(lambda in_turn=in_turn: next(in_turn)()):  # type: ignore[misc]
                beside = look_up()
            rows.append(_lookup_row(kind, beside, idle))
    return Result(rows)


def _writers() -> dict[str, Write]:
    return {_CLEAN: lambda digits: f"0{digits}"} | _ODD | _REFUSED


def _write(folder: Path, name: str, write: Write) -> Path:
    """A file of this spelling, with a second column, as lists have one."""
    spelled = (write(str(number)[2:]) for number in files.numbers(0, _LINES).tolist())
    path = folder / f"{[*_writers()].index(name)}.csv"
    path.write_text("telephone;nom\n" + "".join(f"{text};Durand\n" for text in spelled))
    return path


def _upload(service: Service, holder: Caller, name: str, file: Path) -> None:
    """Upload a file. Raises RuntimeError if other lines than expected are refused."""
    dataset_id = open_dataset(holder, default_region="US" if name == _US else "FR")
    upload_part(service, holder, dataset_id, file, range(file.stat().st_size))
    (part,) = holder.get(f"/v1/datasets/{dataset_id}/parts")
    if part["rejected_count"] != (_LINES if name in _REFUSED else 0):
        raise RuntimeError(f"{part['rejected_count']} of the lines like {name} were refused")


def _time_rows(seconds: dict[str, float]) -> list[Comparison]:
    bounds = [(names, bound) for names, bound in ((_ODD, 8.0), (_REFUSED, 15.0))]
    return [
        Comparison(
            "P11",
            f"{_LINES:,} lines like {name}; like {_CLEAN}",
            seconds[name] * 1000,
            seconds[_CLEAN] * 1000,
            "ms",
            Target("≤", bound),
        )
        for names, bound in bounds
        for name in names
    ]


def _lookup_row(kind: str, beside: LoadResult, idle: LoadResult) -> Comparison:
    return Comparison(
        "P11",
        f"95th percentile of a lookup, beside uploads of {kind} files; alone",
        beside.p95,
        idle.p95,
        "ms",
        Target("≤", 2),
    )
