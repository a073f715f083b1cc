"""A broker's base, and what it cut from it for its clients: 21 datasets from 30,000 numbers on."""

from benchmarks import files
from benchmarks.calling import callers
from benchmarks.registering import register
from benchmarks.service import Service
from service.core.vocabulary import Role

DATASETS = 21
_SMALLEST = 30_000


def register_base_and_cuts(service: Service, lines: int) -> int:
    """Register a base of so many numbers, none with a consent, and twenty datasets cut from it.

    Gives how many memberships that makes in all.
    """
    with callers(service, Role.BROKER) as (broker,):
        file = files.write(service.folder / "base.csv", 0, lines, with_consents=False)
        base = register(service, broker, file)
        sizes = cut_sizes(lines)
        for size in sizes:
            files.write(file, 0, size, with_consents=False)
            register(service, broker, file, derived_from=[base["id"]])
        file.unlink()
    return lines + sum(sizes)


def cut_sizes(base: int) -> list[int]:
    """Twenty sizes in equal proportions, from 30,000 numbers to about a third of the base."""
    largest = base * 10 // 29
    step = (largest / _SMALLEST) ** (1 / (DATASETS - 2))
    return [round(_SMALLEST * step**n) for n in range(DATASETS - 1)]
