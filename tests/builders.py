"""Short ways to make the facts that a test needs besides the ones that it is about."""

from collections.abc import Iterable
from typing import Any

from tests.callers import Caller

FICTION = 33639980000


def number(last_four: int) -> str:
    """A number of the range that ARCEP keeps for fiction, by its last four digits."""
    return f"+{FICTION + last_four}"


def name_organisation(caller: Caller, name: str, role: str = "collector", **more: Any) -> Any:
    """An organisation that a caller names. It is another than those of the same name, which other tests made."""
    body = {"legal_name": name, "country": "FR", "roles": [role]} | more
    response = caller.request("POST", "/v1/organisations", json=body)
    if response.status_code == 409:
        return caller.post("/v1/organisations", body | {"distinct_from_ids": response.json()["organisation_ids"]})
    assert response.status_code == 201, response.text
    return response.json()


def make_notice(caller: Caller, collector_id: Any, **more: Any) -> Any:
    """A notice shown from 2020 on."""
    body = {
        "occurred_at": "2020-01-01T00:00:00Z",
        "collector_id": str(collector_id),
        "code": "N-1",
        "language": "fr",
        "wording": "☐ J'accepte.",
        "mechanism": "unticked_box",
        "purposes": ["commercial_canvassing"],
        "valid_from_on": "2020-01-01",
    }
    return caller.post("/v1/notices", body | more)


def make_collection(caller: Caller, collector_id: Any, notice_id: Any, **more: Any) -> Any:
    """A collection that goes on since 2020."""
    body = {
        "occurred_at": "2020-01-02T00:00:00Z",
        "collector_id": str(collector_id),
        "notice_id": notice_id,
        "channel": "web_form",
        "address": "https://form.example",
        "began_on": "2020-01-01",
    }
    return caller.post("/v1/collections", body | more)


def open_dataset(caller: Caller, **more: Any) -> Any:
    """An open dataset of the caller's."""
    body = {"occurred_at": "2024-01-01T00:00:00Z", "holder_id": str(caller.id), "name": "Base"}
    return caller.post("/v1/datasets", body | more)


def collected(caller: Caller, numbers: Iterable[int], **more: Any) -> Any:
    """A sealed dataset that the caller collected itself."""
    notice = make_notice(caller, caller.id)
    collection = make_collection(caller, caller.id, notice["id"])
    return filled(caller, numbers, collection_id=collection["id"], **more)


def filled(caller: Caller, numbers: Iterable[int], **more: Any) -> Any:
    """A sealed dataset with these numbers, given by their last four digits."""
    dataset = open_dataset(caller, **more)
    caller.put_part(dataset["id"], [number(last) for last in numbers])
    return caller.seal(dataset["id"])


def hand_over(sender: Caller, dataset: Any, recipient: Caller, **more: Any) -> Any:
    """A transfer of a sealed dataset."""
    body = {
        "occurred_at": "2024-02-01T00:00:00Z",
        "dataset_id": dataset["id"],
        "recipient_id": str(recipient.id),
        "purpose": "political_canvassing",
        "lawful_basis": "consent",
        "sender_role": "controller",
        "recipient_role": "controller",
    }
    return sender.post("/v1/transfers", body | more)
