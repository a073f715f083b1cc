"""Acts of holders on what they recorded by mistake or no longer have: corrections, ends and withdrawals of datasets."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import strategies as st

from tests.builders import make_collection, make_notice
from tests.worlds.act import COLLECTORS, Act, pick
from tests.worlds.model import Registry
from tests.worlds.rows import Dataset
from tests.worlds.standings import may_withdraw
from tests.worlds.told import Told


@dataclass(frozen=True)
class EndHolding(Act):
    dataset: str
    by: str
    ended: bool

    def __str__(self) -> str:
        return f"{self.by} no longer has {self.dataset}" if self.ended else f"{self.by} has {self.dataset} after all"

    def apply(self, world: Registry) -> str:
        return world.end_holding(self.dataset, ended=self.ended)

    def tell(self, told: Told) -> None:
        told.stage.settle()
        path = f"/v1/datasets/{told.ids[self.dataset]}/end"
        body = {"occurred_at": datetime.now(UTC).isoformat(), "end_reason": "deleted"}
        told.callers[self.by].post(path if self.ended else f"{path}/take-back", body if self.ended else {})
        self.apply(told.world)


@dataclass(frozen=True)
class Withdraw(Act):
    dataset: str
    by: str
    withdrawn: bool

    def __str__(self) -> str:
        return (
            f"{self.by} withdraws {self.dataset}" if self.withdrawn else f"{self.by} takes back that of {self.dataset}"
        )

    def apply(self, world: Registry) -> str:
        return world.withdraw(self.dataset, withdrawn=self.withdrawn)

    def tell(self, told: Told) -> None:
        told.stage.settle()
        path = f"/v1/datasets/{told.ids[self.dataset]}/withdrawal"
        body = {"reason": "Enregistré par erreur."}
        told.callers[self.by].post(path if self.withdrawn else f"{path}/take-back", body)
        told.stage.settle()
        self.apply(told.world)


@dataclass(frozen=True)
class CorrectDataset(Act):
    dataset: str
    by: str
    collected: bool
    notice: str | None

    def __str__(self) -> str:
        where = f"under {self.notice or 'a new notice'}" if self.collected else "from nowhere"
        return f"{self.by} corrects {self.dataset}: collected {where}"

    def apply(self, world: Registry) -> str:
        notice = self.notice
        if self.collected and notice is None:
            notice = world.new_notice(world.datasets[self.dataset].holder, self.by)
        return world.correct_dataset(self.dataset, notice) or ""

    def tell(self, told: Told) -> None:
        by, row = told.callers[self.by], told.world.datasets[self.dataset]
        collector, collection, notice = told.ids[row.holder], None, None
        if self.collected:
            notice = told.ids[self.notice] if self.notice else make_notice(by, collector)["id"]
            collection = make_collection(by, collector, notice)["id"]
        by.post(f"/v1/datasets/{told.ids[self.dataset]}/corrections", {"collection_id": collection})
        told.stage.settle()
        if name := self.apply(told.world):
            told.name(name, collection)
            told.name(told.world.collections[name].notice, notice)


def _speaker(world: Registry, row: Dataset) -> str:
    return row.holder if world.organisations[row.holder].account else row.by


def draw_end_holding(draw: st.DrawFn, world: Registry) -> Act | None:
    planned = {
        name for each in world.campaigns.values() if each.counts and each.when == "planned" for name in each.datasets
    }
    rows = [row for row in world.datasets.values() if world.is_usable(row) and row.name not in planned]
    row = pick(draw, rows)
    return EndHolding(row.name, _speaker(world, row), not row.ended) if row else None


def draw_withdraw(draw: st.DrawFn, world: Registry) -> Act | None:
    rows = [row for row in world.datasets.values() if may_withdraw(world.all, world.campaigns, row)]
    rows += [
        row
        for row in world.datasets.values()
        if row.withdrawn and all(world.is_held(world.datasets[parent]) for parent in row.came)
    ]
    row = pick(draw, rows)
    return Withdraw(row.name, _speaker(world, row), not row.withdrawn) if row else None


def draw_correct_dataset(draw: st.DrawFn, world: Registry) -> Act | None:
    row = pick(draw, (row for row in world.datasets.values() if row.holder in COLLECTORS and not row.came))
    if row is None:
        return None
    by = _speaker(world, row)
    notices = [each.name for each in world.notices.values() if (each.collector, each.by) == (row.holder, by)]
    collected = draw(st.integers(0, 3)) > 0 or row.collection is None
    return CorrectDataset(row.name, by, collected, draw(st.sampled_from([None, *notices])) if collected else None)
