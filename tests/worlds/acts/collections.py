"""The act of a collector: numbers collected under a notice."""

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import strategies as st

from tests.builders import make_collection, make_notice, open_dataset
from tests.worlds.act import COLLECTORS, NUMBERS, Act, shown, some, speaks_for
from tests.worlds.model import Registry
from tests.worlds.rows import Numbers
from tests.worlds.told import FIRST_CONSENT, RECORDED, Told


@dataclass(frozen=True)
class Collect(Act):
    holder: str
    by: str
    numbers: Numbers
    notice: str | None

    def __str__(self) -> str:
        under = f"under {self.notice}" if self.notice else "under a new notice"
        return f"{self.by} records that {self.holder} collected {shown(self.numbers)} {under}"

    def apply(self, world: Registry) -> str:
        return world.collect(self.holder, self.by, self.numbers, self.notice)

    def tell(self, told: Told) -> None:
        by, collector = told.callers[self.by], told.ids[self.holder]
        notice = told.ids[self.notice] if self.notice else make_notice(by, collector)["id"]
        collection = make_collection(by, collector, notice)["id"]
        dataset = open_dataset(by, holder_id=collector, collection_id=collection, occurred_at=RECORDED)["id"]
        days = {last: FIRST_CONSENT + timedelta(days=last) for last in self.numbers}
        lines = [f"{told.number(last)},{day.isoformat()}" for last, day in days.items()]
        by.put_part(dataset, ["telephone,consented_at", *lines])
        by.seal(dataset)
        name = self.apply(told.world)
        told.name(name, dataset)
        row = told.world.collections[told.world.datasets[name].collection or ""]
        told.name(row.name, collection)
        told.name(row.notice, notice)


def draw_collect(draw: st.DrawFn, world: Registry) -> Act:
    holder = draw(st.sampled_from(COLLECTORS))
    by = draw(st.sampled_from(speaks_for(world, holder)))
    earlier = [row.name for row in world.notices.values() if (row.collector, row.by) == (holder, by)]
    return Collect(holder, by, some(draw, NUMBERS), draw(st.sampled_from([None, *earlier])))
