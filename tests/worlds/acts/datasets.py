"""Acts of holders: datasets with numbers of their own, cut from others, and united."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.builders import open_dataset
from tests.worlds.act import BROKERS, NUMBERS, PARTIES, Act, pick, shown, some, speaks_for
from tests.worlds.model import Registry
from tests.worlds.rows import Numbers
from tests.worlds.told import RECORDED, Told


@dataclass(frozen=True)
class Upload(Act):
    holder: str
    by: str
    parents: tuple[str, ...]
    numbers: Numbers

    def __str__(self) -> str:
        source = f"derived from {', '.join(self.parents)}" if self.parents else "from no source"
        return f"{self.by} records a dataset of {self.holder} {source}: {shown(self.numbers)}"

    def apply(self, world: Registry) -> str:
        return world.upload(self.holder, self.by, self.parents, self.numbers)

    def tell(self, told: Told) -> None:
        _derive(told, self, "uploaded", self.numbers)


@dataclass(frozen=True)
class Unite(Act):
    holder: str
    by: str
    parents: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.by} records that {self.holder} unites {', '.join(self.parents)}"

    def apply(self, world: Registry) -> str:
        return world.unite(self.holder, self.by, self.parents)

    def tell(self, told: Told) -> None:
        _derive(told, self, "union", Numbers())


def _derive(told: Told, act: "Upload | Unite", content: str, numbers: Numbers) -> None:
    by = told.callers[act.by]
    body = {"holder_id": told.ids[act.holder], "derived_from": [told.ids[name] for name in act.parents]}
    dataset = open_dataset(by, **body, occurred_at=RECORDED, content=content)["id"]
    if numbers:
        by.put_part(dataset, told.lines(numbers))
    by.seal(dataset)
    told.name(act.apply(told.world), dataset)


def draw_upload(draw: st.DrawFn, world: Registry) -> Act:
    holder = draw(st.sampled_from(BROKERS + PARTIES))
    return Upload(holder, draw(st.sampled_from(speaks_for(world, holder))), (), some(draw, NUMBERS))


def _parents(draw: st.DrawFn, world: Registry, most: int) -> tuple[str, str, tuple[str, ...]] | None:
    """A holder, who speaks for it, and datasets of the holder that may be derived from."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in world.datasets.values():
        if world.is_usable(row):
            by = row.holder if world.organisations[row.holder].account else row.by
            groups.setdefault((row.holder, by), []).append(row.name)
    group = pick(draw, groups)
    if group is None:
        return None
    names = draw(st.lists(st.sampled_from(groups[group]), min_size=1, max_size=most, unique=True))
    return (*group, tuple(names))


def draw_cut(draw: st.DrawFn, world: Registry) -> Act | None:
    """A selection of datasets, often without all that came from some of their ancestors, or with other numbers."""
    found = _parents(draw, world, 2)
    if found is None:
        return None
    holder, by, parents = found
    there = {number: name for name in parents for number in world.datasets[name].current}
    left_out = draw(st.sampled_from([None, *world.datasets]))
    kept = {
        number for number, name in there.items() if left_out is None or left_out not in world.all.upstream(number, name)
    }
    numbers = some(draw, kept) if kept else Numbers()
    numbers |= draw(st.just(Numbers()) | st.frozensets(st.sampled_from(NUMBERS), max_size=2))
    return Upload(holder, by, parents, numbers) if numbers else None


def draw_unite(draw: st.DrawFn, world: Registry) -> Act | None:
    found = _parents(draw, world, 3)
    return Unite(*found) if found else None
