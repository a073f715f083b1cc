"""A broker's base and the extracts made from it for clients: 21 datasets, the smallest of 30,000 numbers."""

from benchmarks import files
from benchmarks.callers import admit_callers
from benchmarks.registration import register
from benchmarks.service import Service
from service.core.vocabulary import Role

DATASETS = 21
_SMALLEST = 30_000


def register_base_and_extracts(service: Service, lines: int) -> int:
    """Register a base of `lines` numbers without consents, and twenty extracts of it.

    Returns the number of memberships in all datasets.
    """
    with admit_callers(service, Role.BROKER) as (broker,):
        file = files.write_file(service.folder / "base.csv", 0, lines, with_consents=False)
        base = register(service, broker, file)
        sizes = extract_sizes(lines)
        for size in sizes:
            files.write_file(file, 0, size, with_consents=False)
            register(service, broker, file, derived_from=[base["id"]])
        file.unlink()
    return lines + sum(sizes)


def extract_sizes(base: int) -> list[int]:
    """Twenty sizes, each in the same proportion to the next: from 30,000 numbers to about a third of the base."""
    largest = base * 10 // 29
    step = (largest / _SMALLEST) ** (1 / (DATASETS - 2))
    return [round(_SMALLEST * step**n) for n in range(DATASETS - 1)]
