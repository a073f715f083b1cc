"""The acts of a person who did not give an agreement: a contest of one origin, which can be taken back."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.worlds.act import NUMBERS, Act, pick
from tests.worlds.model import Registry
from tests.worlds.told import Told


@dataclass(frozen=True)
class Contest(Act):
    number: int
    origin: str

    def __str__(self) -> str:
        return f"the person of {self.number} contests the agreement of {self.origin}"

    def apply(self, world: Registry) -> str:
        return world.contest(self.number, self.origin)

    def tell(self, told: Told) -> None:
        body = {"dataset_id": told.ids[self.origin]}
        response = told.person(self.number).request("POST", "/v1/objections/contests", json=body)
        assert response.status_code == 201, response.text
        name = self.apply(told.world)
        told.name(name, response.json()["id"])
        told.moments[response.json()["occurred_at"]] = name


@dataclass(frozen=True)
class TakeBack(Act):
    number: int
    objection: str

    def __str__(self) -> str:
        return f"the person of {self.number} takes {self.objection} back"

    def apply(self, world: Registry) -> str:
        return world.withdraw_contest(self.objection)

    def tell(self, told: Told) -> None:
        path = f"/v1/objections/{told.ids[self.objection]}/withdraw"
        response = told.person(self.number).request("POST", path)
        assert response.status_code == 200, response.text
        self.apply(told.world)


def draw_contest(draw: st.DrawFn, world: Registry) -> Act | None:
    origins = [
        (number, row.name)
        for number in NUMBERS
        for row in world.view.having(number)
        if row.collection and not world.is_contested(number, row.name)
    ]
    found = pick(draw, origins)
    return Contest(*found) if found else None


def draw_take_back(draw: st.DrawFn, world: Registry) -> Act | None:
    row = pick(draw, (row for row in world.objections.values() if row.origin and not row.withdrawn))
    return TakeBack(row.number, row.name) if row else None
