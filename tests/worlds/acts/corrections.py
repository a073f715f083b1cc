"""The acts of those who recorded a notice or a collection wrongly: each corrects its own word."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.builders import make_collection, make_notice
from tests.worlds import sight
from tests.worlds.act import Act, pick
from tests.worlds.model import Registry
from tests.worlds.sight import Viewer
from tests.worlds.told import RECORDED, Told


@dataclass(frozen=True)
class CorrectNotice(Act):
    notice: str
    by: str

    def __str__(self) -> str:
        return f"{self.by} corrects {self.notice}"

    def apply(self, world: Registry) -> str:
        return world.correct_notice(self.notice)

    def tell(self, told: Told) -> None:
        collector = told.ids[told.world.notices[self.notice].collector]
        made = make_notice(told.callers[self.by], collector, corrects_id=told.ids[self.notice], wording="En vrai.")
        told.name(self.apply(told.world), made["id"])


@dataclass(frozen=True)
class CorrectCollection(Act):
    collection: str
    by: str

    def __str__(self) -> str:
        return f"{self.by} corrects {self.collection}"

    def apply(self, world: Registry) -> str:
        return world.correct_collection(self.collection)

    def tell(self, told: Told) -> None:
        row = told.world.collections[self.collection]
        corrected = {"corrects_id": told.ids[self.collection], "address": "https://right.example"}
        notice = told.ids[row.notice]
        made = make_collection(told.callers[self.by], told.ids[row.collector], notice, **corrected)
        told.name(self.apply(told.world), made["id"])


@dataclass(frozen=True)
class StateCollection(Act):
    collection: str
    collector: str
    status: str

    def __str__(self) -> str:
        return f"{self.collector} states of {self.collection}: {self.status}"

    def apply(self, world: Registry) -> str:
        return world.state_collection(self.collection, self.status)

    def tell(self, told: Told) -> None:
        path = f"/v1/collections/{told.ids[self.collection]}/statements"
        told.callers[self.collector].post(path, {"occurred_at": RECORDED, "status": self.status})
        self.apply(told.world)


def draw_state_collection(draw: st.DrawFn, world: Registry) -> Act | None:
    named = [row for row in world.collections.values() if row.by != row.collector]
    latest = [row for row in named if world.latest_collection(row.name) == row.name]
    row = pick(draw, (row for row in latest if world.organisations[row.collector].account))
    if row is None:
        return None
    current = world.collector_word(row.name) or "withdrawn"
    status = draw(st.sampled_from([status for status in ("attested", "denied", "withdrawn") if status != current]))
    return StateCollection(row.name, row.collector, status)


def draw_correct_notice(draw: st.DrawFn, world: Registry) -> Act | None:
    found = (row for row in world.notices.values() if world.latest_notice(row.name) == row.name)
    row = pick(draw, (row for row in found if row.name in sight.visible_notices(world, Viewer(row.by, row.by))))
    return CorrectNotice(row.name, row.by) if row else None


def draw_correct_collection(draw: st.DrawFn, world: Registry) -> Act | None:
    found = (row for row in world.collections.values() if world.latest_collection(row.name) == row.name)
    row = pick(draw, (row for row in found if row.name in sight.visible_collections(world, Viewer(row.by, row.by))))
    return CorrectCollection(row.name, row.by) if row else None
