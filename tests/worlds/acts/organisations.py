"""The acts of the operator: an account for an organisation, and what is right of it."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.worlds.act import Act, pick
from tests.worlds.model import Registry
from tests.worlds.told import Told, issue_heirs_key, issue_key


@dataclass(frozen=True)
class Admit(Act):
    organisation: str

    def __str__(self) -> str:
        return f"the operator admits {self.organisation}"

    def apply(self, world: Registry) -> str:
        return world.admit(self.organisation)

    def tell(self, told: Told) -> None:
        issue_key(told, self.apply(told.world))
        # Relays from before its account are let out when it asks for them.
        told.callers[self.organisation].get("/v1/objections/relays")


@dataclass(frozen=True)
class Correct(Act):
    """What is stated of an organisation changes nothing in who holds, sees or answers for what."""

    organisation: str
    detail: str

    def __str__(self) -> str:
        return f"the operator corrects the {self.detail} of {self.organisation}"

    def apply(self, world: Registry) -> str:
        return world.organisations[self.organisation].name

    def tell(self, told: Told) -> None:
        name = self.apply(told.world)
        right: dict[str, Any] = {"legal_name": f"{name} bis{told.surname}", "privacy_contact": "dpo@world.example"}
        right |= {"aliases": [f"{name} ter{told.surname}"], "time_zone": "Europe/Paris", "registration_number": None}
        path = f"/v1/organisations/{told.ids[name]}/statements"
        told.stage.operator.post(path, {self.detail: right[self.detail], "reason": "Extract of the register"})


def draw_correct(draw: st.DrawFn, world: Registry) -> Act | None:
    name = pick(draw, (row.name for row in world.organisations.values()))
    details = ("legal_name", "privacy_contact", "aliases", "time_zone", "registration_number")
    return Correct(name, draw(st.sampled_from(details))) if name else None


@dataclass(frozen=True)
class Succeed(Act):
    """The heir reads what its predecessor may read, by the same rules. Taken back, everything is as before."""

    organisation: str
    heir: str | None

    def __str__(self) -> str:
        return f"the operator states that {self.heir or 'nobody'} succeeded {self.organisation}"

    def apply(self, world: Registry) -> str:
        return world.succeed(self.organisation, self.heir)

    def tell(self, told: Told) -> None:
        name = self.apply(told.world)
        stated = {"succeeded_by_id": self.heir and told.ids[self.heir], "reason": "Extract of the register"}
        stated["succeeded_on"] = "2024-05-01" if self.heir else None
        told.stage.operator.post(f"/v1/organisations/{told.ids[name]}/statements", stated)
        former = told.heirs.pop(name, None)
        if former is not None and told.callers[name] is former:
            # Nobody has a key for it any longer.
            del told.callers[name]
        if self.heir:
            issue_heirs_key(told, name, self.heir)
            # As after an admission.
            told.heirs[name].get("/v1/objections/relays")


def draw_succeed(draw: st.DrawFn, world: Registry) -> Act | None:
    """An account succeeds an organisation, or that ends."""
    names = [row.name for row in world.organisations.values() if row.role != "processor"]
    accounts = [name for name in names if world.organisations[name].account and name not in world.by_heir]
    name = draw(st.sampled_from(names))
    if name in world.heirs:
        return Succeed(name, None)
    heir = pick(draw, (other for other in accounts if other != name and name not in world.heirs_of(other)))
    return Succeed(name, heir) if heir else None


def draw_admit(draw: st.DrawFn, world: Registry) -> Act | None:
    name = pick(draw, (row.name for row in world.organisations.values() if not row.account))
    return Admit(name) if name else None
