"""P6: a list screened against a base, from the bytes of its file to a verdict for each number.

The rules of lawfulness are not in the API yet, so the verdict is whether the base holds the number.
"""

import uuid
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

from benchmarks import files
from benchmarks.callers import admit_callers
from benchmarks.comparison import Comparison, Target
from benchmarks.registration import register
from benchmarks.result import Progress, Result
from benchmarks.scale import Scale
from benchmarks.service import running_service
from benchmarks.store import Store, open_store
from benchmarks.timing import elapsed_seconds, run_in_turn
from service.core.vocabulary import Role
from service.dataset.chunks import make_chunk
from service.intake.columns.choice import ColumnChoice, ColumnRules
from service.intake.media import Compression, Format
from service.intake.reader import PartReader
from service.membership import runs
from service.membership.matching import match_keys
from service.membership.runs import Run
from service.number.keyring import KeyRing
from service.number.looks import CountryTest, telephone_test
from service.sandbox.acceptance import Acceptance

_REGION, _TIME_ZONE = "FR", "Europe/Paris"


def measure(scale: Scale, progress: Progress) -> Result:
    """Numbers of the list per second, in turn with polars, which already has the base in memory."""
    with running_service() as service, admit_callers(service, Role.BROKER) as (broker,), open_store(service) as store:
        progress(f"a base of {scale.base_lines:,} numbers")
        base_file = files.write_file(service.folder / "base.csv", 0, scale.base_lines, with_consents=False)
        base_id = uuid.UUID(register(service, broker, base_file)["id"])
        # Half of the list is in the base.
        begin = scale.base_lines - scale.list_lines // 2
        file = files.write_file(service.folder / "list.csv", begin, scale.list_lines, with_consents=False)
        in_memory = pl.DataFrame({"number": files.numbers(0, scale.base_lines)})
        tasks = {
            "product": partial(elapsed_seconds, lambda: store.run(partial(_screen, file=file, base_id=base_id))),
            "polars": partial(elapsed_seconds, partial(_screen_with_polars, file, in_memory)),
        }
        progress(f"a list of {scale.list_lines:,}")
        medians = {name: median(times) for name, times in run_in_turn(tasks, scale.rounds).items()}
    work = f"a list of {scale.list_lines:,} against a base of {scale.base_lines:,}; polars, base in memory"
    speed, yardstick = (scale.list_lines / medians[name] for name in ("product", "polars"))
    unit = "numbers/s"
    return Result([Comparison("P6", work, speed, yardstick, unit, Target("≥", 2_000_000, unit))])


async def _screen(store: Store, file: Path, base_id: uuid.UUID) -> None:
    keys = _read(file, store.ring).keys
    held = np.zeros(len(keys), np.bool_)
    held[(await match_keys(store.database, keys, [base_id]))[base_id]] = True
    _check_verdicts(pl.DataFrame({"number": store.ring.numbers(keys), "held": held}))


def _read(file: Path, ring: KeyRing) -> Run:
    """The numbers of a file as an upload is read: in any spelling, without duplicates, as sorted pseudonyms."""
    reader = PartReader(
        format=Format.CSV,
        compression=Compression.NONE,
        dialect=None,
        rules=ColumnRules(ColumnChoice(), telephone_test(_REGION), CountryTest(_REGION), reads_consent=False),
        times=None,
    )
    acceptance = Acceptance(_REGION, None, rejects_kept=0)
    read = (reader.feed(file.read_bytes()), reader.finish())
    batches = [batch for lines_of_part in read for lines in lines_of_part for batch in acceptance.read(lines)]
    run, _ = runs.merge([make_chunk(batches, ring, uuid.UUID(int=0), 0).run])
    return run


def _screen_with_polars(file: Path, base: pl.DataFrame) -> None:
    listed = pl.read_csv(file).select(number=pl.col("telephone").str.slice(1).cast(pl.Int64))
    # Hashing the small side is twice as fast as a single join, which hashes the base.
    known = base.join(listed, on="number", how="semi").with_columns(held=pl.lit(value=True))
    _check_verdicts(listed.join(known, on="number", how="left"))


def _check_verdicts(verdicts: pl.DataFrame) -> None:
    assert verdicts["held"].sum() == len(verdicts) // 2
