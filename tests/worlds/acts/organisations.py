"""The act of the operator: an account for an organisation."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.worlds.act import Act, pick
from tests.worlds.model import Registry
from tests.worlds.told import Told, issue_key


@dataclass(frozen=True)
class Admit(Act):
    organisation: str

    def __str__(self) -> str:
        return f"the operator admits {self.organisation}"

    def apply(self, world: Registry) -> str:
        return world.admit(self.organisation)

    def tell(self, told: Told) -> None:
        issue_key(told, self.apply(told.world))


def draw_admit(draw: st.DrawFn, world: Registry) -> Act | None:
    name = pick(draw, (row.name for row in world.organisations.values() if not row.account))
    return Admit(name) if name else None
