"""Acts about objections: of the person, or of who received one, and of the holders."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from tests.worlds.act import NUMBERS, Act, pick
from tests.worlds.model import Registry
from tests.worlds.told import Told


@dataclass(frozen=True)
class Object(Act):
    number: int
    by: str | None
    only: str | None
    erasure: bool

    def __str__(self) -> str:
        kind = "asks for erasure" if self.erasure else "objects"
        return f"the person of {self.number} {kind} ({self.only or 'everybody'}), recorded by {self.by or 'itself'}"

    def apply(self, world: Registry) -> str:
        return world.object(self.number, self.by, self.only, erasure=self.erasure)

    def tell(self, told: Told) -> None:
        # Flags of what came before are written first, so that none depends on the speed of the worker.
        told.stage.settle()
        wanted: dict[str, Any] = {"kind": "erasure" if self.erasure else "objection"}
        if self.only:
            wanted |= {"scope": "organisation", "organisation_id": told.ids[self.only]}
        if self.by is None:
            response = told.person(self.number).request("POST", "/v1/objections", json=wanted)
            assert response.is_success, (response.status_code, response.text)
            objection_id, moment = response.json()["id"], response.json()["occurred_at"]
        else:
            moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            wanted["numbers"] = [{"number": told.number(self.number), "occurred_at": moment}]
            (result,) = told.callers[self.by].post("/v1/objections/received", wanted)["results"]
            assert result["objection_id"], result
            objection_id = result["objection_id"]
        name = self.apply(told.world)
        told.name(name, objection_id)
        if name not in told.moments.values():
            told.moments[moment] = name


@dataclass(frozen=True)
class End(Act):
    objection: str
    holder: str
    completed: bool

    def __str__(self) -> str:
        return f"{self.holder} {'completes' if self.completed else 'refuses'} {self.objection}"

    def apply(self, world: Registry) -> str:
        return (world.complete if self.completed else world.refuse)(self.objection, self.holder)

    def tell(self, told: Told) -> None:
        # What an erasure ends is flagged before, for the same reason.
        told.stage.settle()
        holder = told.callers[self.holder]
        relays = holder.get("/v1/objections/relays", params={"limit": 1000})["items"]
        (relay,) = [
            relay
            for relay in relays
            if told.moments.get(relay["occurred_at"]) == self.objection
            and relay["state"] in ("delivered", "acknowledged")
        ]
        path = f"/v1/objections/relays/{relay['id']}"
        if self.completed:
            holder.post(f"{path}/complete")
        else:
            holder.post(f"{path}/refuse", {"reason": "Nous devons garder la preuve."})
        self.apply(told.world)


def draw_object(draw: st.DrawFn, world: Registry) -> Act | None:
    number = pick(draw, [number for number in NUMBERS if world.holding(number)])
    if number is None:
        return None
    holders = sorted({row.holder for row in world.current_holdings(number)})
    with_account = [name for name in holders if world.organisations[name].account]
    by = draw(st.sampled_from([None, *with_account]))
    only = draw(st.sampled_from([None, None, *(holders if by is None else [by])]))
    return Object(number, by, only, draw(st.sampled_from([True, True, False])))


def draw_end(draw: st.DrawFn, world: Registry) -> Act | None:
    open_relays = [
        (row.name, relay.holder) for row in world.objections.values() for relay in row.relays if relay.is_open
    ]
    relay = pick(draw, open_relays)
    return End(*relay, completed=draw(st.integers(0, 5)) > 0) if relay else None
