"""Campaigns of a test, and what is needed for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.callers import Caller


def body_of(party: Caller, *datasets: Any, **more: Any) -> dict[str, Any]:
    """A campaign of a party to the numbers of datasets, which began in 2024."""
    body = {"party_id": str(party.id), "name": "Dernier appel", "originator": "38001", "message_text": " Votez.\nSTOP "}
    body |= {"poll_name": "Européennes", "poll_on": "2024-06-09"}
    body |= {"began_at": "2024-06-06T10:00:00+02:00", "ended_at": "2024-06-06T12:00:00+02:00"}
    return body | {"dataset_ids": [dataset["id"] for dataset in datasets]} | more


def beginning_in(**elapsed: float) -> dict[str, str]:
    """The period of a campaign that begins so long from now, and lasts an hour."""
    began_at = datetime.now(UTC) + timedelta(**elapsed)
    return {"began_at": began_at.isoformat(), "ended_at": (began_at + timedelta(hours=1)).isoformat()}


def cancel(caller: Caller, campaign: Any, **more: Any) -> Any:
    """Cancel a campaign, as a party does whose sending was called off."""
    return caller.post(f"/v1/campaigns/{campaign['id']}/cancellation", cancellation(**more))


def cancellation(**more: Any) -> dict[str, Any]:
    """The body of a cancellation."""
    return {"occurred_at": "2024-06-05T10:00:00Z", "reason": "Le fichier n'a pas été vérifié."} | more
