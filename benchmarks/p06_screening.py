"""P6: a list screened against a base, from the bytes of its file to a verdict for each number.

The rules of lawfulness have no place in the API yet: the verdict is whether the base holds the number.
"""

import uuid
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

from benchmarks import files
from benchmarks.calling import callers
from benchmarks.comparison import Comparison, Target
from benchmarks.http import Door, door
from benchmarks.measured import Measured, Say
from benchmarks.measuring import interleaved, seconds
from benchmarks.registering import register
from benchmarks.scale import Scale
from benchmarks.service import serving
from service.core.vocabulary import Role
from service.dataset.chunks import digest
from service.intake.dialect import ColumnChoice
from service.intake.media import Compression, Format
from service.intake.reader import PartReader
from service.membership import runs
from service.membership.matching import match
from service.membership.runs import Run
from service.number.keyring import KeyRing

_REGION, _TIME_ZONE = "FR", "Europe/Paris"


def measure(scale: Scale, say: Say) -> Measured:
    """Numbers of the list a second, in turn with polars on a set that it has in memory already."""
    with serving() as service, callers(service, Role.BROKER) as (broker,), door(service) as opened:
        say(f"a base of {scale.base_lines:,} numbers")
        base_file = files.write(service.folder / "base.csv", 0, scale.base_lines, with_consents=False)
        base_id = uuid.UUID(register(service, broker, base_file)["id"])
        # Half of the list is in the base.
        begin = scale.base_lines - scale.list_lines // 2
        file = files.write(service.folder / "list.csv", begin, scale.list_lines, with_consents=False)
        in_memory = pl.DataFrame({"number": files.numbers(0, scale.base_lines)})
        works = {
            "product": partial(seconds, lambda: opened.run(partial(_screen, file=file, base_id=base_id))),
            "polars": partial(seconds, partial(_join, file, in_memory)),
        }
        say(f"a list of {scale.list_lines:,}")
        taken = {name: median(times) for name, times in interleaved(works, scale.rounds).items()}
    what = f"a list of {scale.list_lines:,} against a base of {scale.base_lines:,}; polars, base in memory"
    speed, yardstick = (scale.list_lines / taken[name] for name in ("product", "polars"))
    unit = "numbers/s"
    return Measured([Comparison("P6", what, speed, yardstick, unit, Target("≥", 2_000_000, unit))])


async def _screen(opened: Door, file: Path, base_id: uuid.UUID) -> None:
    keys = _read(file, opened.ring).keys
    held = np.zeros(len(keys), np.bool_)
    held[(await match(opened.database, keys, [base_id]))[base_id]] = True
    _check(pl.DataFrame({"number": opened.ring.numbers(keys), "held": held}))


def _read(file: Path, ring: KeyRing) -> Run:
    """The numbers of a file, as an upload's are read: in any spelling, each once, as sorted pseudonyms."""
    reader = PartReader(
        format=Format.CSV,
        compression=Compression.NONE,
        dialect=None,
        columns=ColumnChoice(),
        time_zone=_TIME_ZONE,
        reads_consent=False,
    )
    chunks = []
    for lines in (reader.feed(file.read_bytes()), reader.finish()):
        while (chunk := digest(lines, _REGION, None, ring)) is not None:
            chunks.append(chunk.run)
    run, _ = runs.merge(chunks)
    return run


def _join(file: Path, base: pl.DataFrame) -> None:
    listed = pl.read_csv(file).select(number=pl.col("telephone").str.slice(1).cast(pl.Int64))
    # The small side is hashed, whichever it is: twice as fast as one join that hashes the base.
    known = base.join(listed, on="number", how="semi").with_columns(held=pl.lit(value=True))
    _check(listed.join(known, on="number", how="left"))


def _check(verdicts: pl.DataFrame) -> None:
    assert verdicts["held"].sum() == len(verdicts) // 2
