"""Transfers of collected numbers, and recipients that reconcile them with files of their own."""

from collections.abc import Iterable
from typing import Any

from tests.builders import collected, hand_over, number
from tests.callers import Caller


def transfer_collected(seller: Caller, buyer: Caller, numbers: Iterable[int]) -> Any:
    """A transfer of numbers that the seller collected itself."""
    return hand_over(seller, collected(seller, numbers), buyer)


def send_file(buyer: Caller, transfer: Any, numbers: Iterable[int]) -> None:
    """Open the reconciliation and upload the buyer's own file."""
    buyer.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    buyer.put_part(transfer["received_dataset_id"], [number(last) for last in numbers])


def compare_file(buyer: Caller, transfer: Any) -> Any:
    """Have the file compared, and return the transfer as it is afterwards."""
    job = buyer.finish(buyer.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true"))
    assert job["state"] == "succeeded", job["problem"]
    return buyer.get(f"/v1/transfers/{transfer['id']}")
