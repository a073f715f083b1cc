"""No sequence of statements and files makes a transfer vanish from what its persons and the authority are shown."""

from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.builders import collected, filled, hand_over, number
from tests.callers import Caller, Registry
from tests.transfer.test_transfers import state, without_account

NUMBER = number(1)
SIDES = ("sender", "recipient", "recipient")
FILE = ("open", "matching", "look", "confirm", "cancel")
ACTS = ("acknowledged", "denied", "retracted", "declared", *FILE)


def act(caller: Caller, transfer: Any, kind: str) -> None:
    """What a side tries. Most of it is refused, as what it did before decides."""
    path = f"/v1/transfers/{transfer['id']}/reconciliation"
    match kind:
        case "open":
            caller.request("POST", path)
        case "matching":
            file = f"telephone\n{NUMBER}".encode()
            part = f"/v1/datasets/{transfer['received_dataset_id']}/parts/1"
            caller.request("PUT", part, content=file, headers={"Content-Type": "text/csv"})
        case "look" | "confirm":
            step = "compare" if kind == "look" else "compare?confirm=true"
            job = caller.request("POST", f"{path}/{step}")
            if job.status_code == 202:
                caller.finish(job.json())
        case "cancel":
            caller.request("DELETE", path)
        case _:
            state(caller, transfer, kind, comment="Une erreur.")


def test_a_transfer_stays_in_the_history_whatever_its_sides_do(registry: Registry) -> None:
    authority, reached = registry.regulator(), set[str]()

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @example(False, [("recipient", kind) for kind in ("acknowledged", "denied", "open", "acknowledged", *FILE)])
    @given(st.booleans(), st.lists(st.tuples(st.sampled_from(SIDES), st.sampled_from(ACTS)), min_size=6, max_size=14))
    def is_shown(registered_by_recipient: bool, acts: list[tuple[str, str]]) -> None:
        sides = {"sender": registry.broker(), "recipient": registry.party()}
        transfer = registered(sides["sender"], sides["recipient"], by_recipient=registered_by_recipient)
        path = f"/v1/transfers/{transfer['id']}"
        for side, kind in acts:
            act(sides[side], transfer, kind)
            answer = authority.lookup(NUMBER, reason="Contrôle")
            (shown,) = (row for row in answer["transfers"] if row["id"] == transfer["id"])
            listed = sides["recipient"].get(path)
            assert [row["id"] for row in listed["statements"]]
            assert (shown["status"], shown["retraction"] is None) == (listed["status"], listed["retracted_at"] is None)
            held = {row["dataset"]["id"] for row in answer["holdings"]}
            void = shown["status"] in ("denied", "retracted")
            assert (transfer["received_dataset_id"] in held) == (not void)
            reached.add(shown["status"])

    is_shown()
    assert reached == {"declared", "acknowledged", "confirmed", "denied", "retracted"}


def registered(sender: Caller, recipient: Caller, *, by_recipient: bool) -> Any:
    """A transfer of the number, as the sender registers it, or its recipient for a sender without account."""
    if not by_recipient:
        return hand_over(sender, collected(sender, [1]), recipient)
    dataset = filled(recipient, [1], holder_id=without_account(recipient))
    return hand_over(recipient, dataset, recipient)
