"""Acts of the two sides of a transfer: handing over, statements, and the recipient's own file."""

import uuid
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.builders import hand_over
from tests.callers import Caller
from tests.worlds.act import BROKERS, NUMBERS, PARTIES, Act, pick, shown
from tests.worlds.model import Registry
from tests.worlds.rows import Numbers
from tests.worlds.told import RECORDED, Told


@dataclass(frozen=True)
class HandOver(Act):
    dataset: str
    recipient: str
    by: str

    def __str__(self) -> str:
        return f"{self.by} records that {self.dataset} was handed to {self.recipient}"

    def apply(self, world: Registry) -> str:
        return world.transfer(self.dataset, self.recipient, self.by)

    def tell(self, told: Told) -> None:
        by, recipient = told.callers[self.by], told.ids[self.recipient]
        transfer = hand_over(
            by,
            {"id": told.ids[self.dataset]},
            Caller(told.stage.client, uuid.UUID(recipient), ""),
            occurred_at=RECORDED,
        )
        name = self.apply(told.world)
        told.name(name, transfer["id"])
        told.name(told.world.transfers[name].received, transfer["received_dataset_id"])


@dataclass(frozen=True)
class State(Act):
    transfer: str
    by: str
    status: str

    def __str__(self) -> str:
        return f"{self.by} states of {self.transfer}: {self.status}"

    def apply(self, world: Registry) -> str:
        return world.state(self.transfer, self.by, self.status)

    def tell(self, told: Told) -> None:
        body = {"occurred_at": RECORDED, "status": self.status, "comment": "Une erreur."}
        told.callers[self.by].post(f"/v1/transfers/{told.ids[self.transfer]}/statements", body)
        self.apply(told.world)


@dataclass(frozen=True)
class Receipt(Act):
    transfer: str
    numbers: Numbers
    looks: bool = False
    cancels: bool = False

    def __str__(self) -> str:
        then = ", looks, and cancels" if self.cancels else ", and looks" if self.looks else ""
        return f"the recipient of {self.transfer} sends its own file: {shown(self.numbers)}{then}"

    def apply(self, world: Registry) -> str:
        return self.transfer if self.cancels else world.receipt(self.transfer, self.numbers)

    def tell(self, told: Told) -> None:
        """The recipient looks at what its file would say, and sends another if that would count wrongly."""
        by, path = _send_file(told, self.transfer, self.numbers)
        if self.looks:
            _compare(by, path)
            _check_look(told, self.transfer, self.numbers)
            if self.cancels:
                assert by.request("DELETE", path).is_success
                return
            job = by.finish(by.post(f"{path}/confirm"))
            assert job["state"] == "succeeded", job["problem"]
        else:
            _compare(by, f"{path}", confirm=True)
        self.apply(told.world)


def _send_file(told: Told, transfer: str, numbers: Numbers) -> tuple[Caller, str]:
    row = told.world.transfers[transfer]
    by, path = told.callers[row.recipient], f"/v1/transfers/{told.ids[transfer]}/reconciliation"
    by.post(path)
    by.put_part(told.ids[row.received], told.lines(numbers))
    return by, path


def _compare(by: Caller, path: str, *, confirm: bool = False) -> None:
    job = by.finish(by.post(f"{path}/compare?confirm={str(confirm).lower()}"))
    assert job["state"] == "succeeded", job["problem"]


def _check_look(told: Told, transfer: str, numbers: Numbers) -> None:
    """What the recipient is shown of its file before it counts, which the sender is not."""
    row = told.world.transfers[transfer]
    by, path = told.callers[row.recipient], f"/v1/transfers/{told.ids[transfer]}"
    extra, missing = told.world.difference(transfer, numbers)
    found = by.get(f"{path}/reconciliation")
    assert (found["extra_count"], found["missing_count"]) == (len(extra), len(missing))
    assert set(map(told.last_of, by.get(f"{path}/differences")["numbers"])) == extra


def draw_hand_over(draw: st.DrawFn, world: Registry) -> Act | None:
    dataset = pick(draw, (row for row in world.datasets.values() if row.holder not in PARTIES and world.is_usable(row)))
    if dataset is None:
        return None
    by = dataset.holder if world.organisations[dataset.holder].account else dataset.by
    others = [name for name in BROKERS + PARTIES if name != dataset.holder]
    if by != dataset.holder:
        others = [name for name in others if name == by or not world.organisations[name].account]
    return HandOver(dataset.name, draw(st.sampled_from(others)), by) if others else None


def _may_change(world: Registry, name: str) -> bool:
    row = world.transfers[name]
    return world.organisations[row.recipient].account and world.datasets[row.received].content != "uploaded"


def draw_state(draw: st.DrawFn, world: Registry) -> Act | None:
    options = []
    for row in world.transfers.values():
        recipient_speaks = _may_change(world, row.name)
        if recipient_speaks and row.by != row.recipient:
            statuses = ["denied"] if row.status == "retracted" else ["acknowledged", "denied"]
            options += [State(row.name, row.recipient, status) for status in statuses]
        if recipient_speaks and row.by == row.recipient and row.retracted and row.states("sender"):
            options.append(State(row.name, row.recipient, "denied"))
        if recipient_speaks and row.by == row.recipient and row.status == "denied":
            options.append(State(row.name, row.recipient, "acknowledged"))
        if world.organisations[row.sender].account and row.by != row.sender:
            options += [State(row.name, row.sender, status) for status in ("acknowledged", "denied")]
    return pick(draw, (act for act in options if world.may_state(act.transfer, act.by, act.status)))


def draw_retract(draw: st.DrawFn, world: Registry) -> Act | None:
    """The registrant retracts what it stated by mistake, or states it again."""
    options = []
    for row in world.transfers.values():
        again = "acknowledged" if row.by == row.recipient else "declared"
        act = State(row.name, row.by, again if row.retracted else "retracted")
        if world.may_state(act.transfer, act.by, act.status) and (
            row.by != row.recipient or _may_change(world, row.name)
        ):
            options.append(act)
    return pick(draw, options)


def draw_receipt(draw: st.DrawFn, world: Registry) -> Act | None:
    rows = world.transfers.values()
    row = pick(draw, (row for row in rows if _may_change(world, row.name) and not row.void))
    if row is None or world.passed_on(row.received):
        return None
    file = frozenset(row.declared) ^ draw(st.just(Numbers()) | st.frozensets(st.sampled_from(NUMBERS), max_size=3))
    looks, cancels = draw(st.sampled_from([(False, False), (True, False), (True, True)]))
    return Receipt(row.name, file, looks, cancels) if file else None
