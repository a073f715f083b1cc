"""A dataset that was never so is withdrawn: organisations no longer see it, its persons and the authority still do."""

from threading import Thread
from typing import Any

import pytest
from httpx2 import Response

from tests.builders import collected, filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships
from tests.inspection import refusal, until
from tests.persons import prove

pytestmark = pytest.mark.one_registry

WHY = {"reason": "Enregistré deux fois."}
MARCH, APRIL = {"occurred_at": "2024-03-01T00:00:00Z"}, {"occurred_at": "2024-04-01T00:00:00Z"}


def withdraw(holder: Caller, dataset_id: str) -> Any:
    return holder.post(f"/v1/datasets/{dataset_id}/withdrawal", WHY)


def take_back(holder: Caller, dataset_id: str) -> Any:
    return holder.post(f"/v1/datasets/{dataset_id}/withdrawal/take-back", {})


def refused(holder: Caller, dataset_id: str) -> tuple[int, str]:
    return refusal(holder.request("POST", f"/v1/datasets/{dataset_id}/withdrawal", json=WHY))


def transfer_body(dataset_id: str, recipient: Caller) -> Any:
    roles = {"sender_role": "controller", "recipient_role": "controller"}
    why = {"purpose": "political_canvassing", "lawful_basis": "consent"}
    return {"dataset_id": dataset_id, "recipient_id": str(recipient.id), **roles, **why, **MARCH}


def counted(caller: Caller, dataset_id: str) -> tuple[int, int]:
    """The counts of a dataset once they are made again."""
    path = f"/v1/datasets/{dataset_id}"
    until(lambda: not caller.get(path)["recounting"])
    row = caller.get(path)
    return row["number_count"], row["orphan_count"]


def union(caller: Caller, *parents: str, **more: Any) -> str:
    dataset = open_dataset(caller, content="union", derived_from=list(parents), **more)
    caller.seal(dataset["id"])
    return str(dataset["id"])


def test_withdrawn_dataset_is_lost_to_organisations_and_shown_to_the_person(  # noqa: PLR0915  (one story)
    registry: Registry, dsn: str
) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    wrong, right = collected(shop, [201, 202]), collected(shop, [202, 203])
    got_wrong = hand_over(shop, wrong, broker)["received_dataset_id"]
    both = union(shop, wrong["id"], right["id"])
    cut = filled(shop, [201, 202, 209], derived_from=[both], **MARCH)["id"]
    sold = hand_over(shop, {"id": cut}, party, **APRIL)["received_dataset_id"]
    before = {dataset: counted(shop, dataset) for dataset in (both, cut)} | {sold: counted(party, sold)}
    assert before == {both: (3, 0), cut: (3, 1), sold: (3, 1)}
    stated = withdraw(shop, wrong["id"])
    assert (stated["kind"], stated["reason"]) == ("withdrawn", WHY["reason"])
    # In the transaction: nobody but its holder sees it, and no origin leads there.
    assert broker.lookup(number(201))["summary"].startswith("No dataset")
    assert broker.request("GET", f"/v1/datasets/{wrong['id']}").status_code == 404
    assert wrong["id"] not in {row["id"] for row in party.get("/v1/datasets")["items"]}
    assert party.lookup(number(201))["origins"] == []
    assert [origin["dataset"]["id"] for origin in party.lookup(number(202))["origins"]] == [right["id"]]
    assert shop.get(f"/v1/datasets/{wrong['id']}")["withdrawn_at"] == stated["recorded_at"]
    assert wrong["id"] not in {row["dataset"]["id"] for row in shop.lookup(number(202))["holdings"]}
    # Shares and unions lose it. An uploaded file keeps its numbers, as orphans where nothing else leads to them.
    assert {both: counted(shop, both), cut: counted(shop, cut)} == {both: (2, 0), cut: (3, 2)}
    assert (counted(party, sold), counted(broker, got_wrong)) == ((3, 2), (0, 0))
    found = registry.regulator().lookup(number(201), reason="Test")
    withdrawal = {row["id"]: row["withdrawal"] for row in [origin["dataset"] for origin in found["origins"]]}
    assert withdrawal[wrong["id"]]["reason"] == WHY["reason"]
    current = {row["dataset"]["id"]: row["current"] for row in found["holdings"]}
    assert current == {wrong["id"]: False, got_wrong: False, both: False, cut: True, sold: True}
    person = prove(broker.client, dsn, number(201))
    report = person.request("POST", "/v1/disclosures", json={"form": "json", "language": "en"}).json()
    assert {row["dataset"]["id"] for row in report["past_holdings"]} == {wrong["id"], got_wrong, both}
    assert "had been declared by mistake" in str(report["report"])
    assert check_memberships(dsn).findings == []
    take_back(shop, wrong["id"])
    assert {dataset: counted(shop, dataset) for dataset in (both, cut)} | {sold: counted(party, sold)} == before
    assert counted(broker, got_wrong) == (2, 0)
    assert len(party.lookup(number(202))["origins"]) == 2
    assert check_memberships(dsn).findings == []


def test_withdrawn_dataset_gets_no_relay_and_its_open_relays_stay(registry: Registry, dsn: str) -> None:
    broker, other = registry.broker(), registry.broker()
    for organisation in (broker, other):
        registry.operator().post(f"/v1/organisations/{organisation.id}/standing-release", {"up_to_count": 1000})
    dataset, kept = filled(broker, [211, 212])["id"], filled(other, [211, 212])["id"]
    early = prove(broker.client, dsn, number(211)).request("POST", "/v1/objections", json={"kind": "erasure"}).json()
    withdraw(broker, dataset)
    (relay,) = broker.get("/v1/objections/relays")["items"]
    assert relay["state"] == "delivered"
    late = prove(broker.client, dsn, number(212)).request("POST", "/v1/objections", json={"kind": "erasure"}).json()
    assert [relay["holder"]["id"] for relay in late["relays"]] == [str(other.id)]
    assert len(early["relays"]) == 2
    assert broker.post(f"/v1/objections/relays/{relay['id']}/complete")["state"] == "completed"
    erased = {
        last: [row["dataset"]["id"] for row in registry.regulator().lookup(number(last), reason="Test")["erasures"]]
        for last in (211, 212)
    }
    assert erased == {211: [dataset], 212: [dataset]}
    assert other.get(f"/v1/datasets/{kept}")["number_count"] == 2
    assert check_memberships(dsn).violations == []


def test_withdraw_is_refused_while_others_built_on_it(registry: Registry) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    base = collected(shop, [221, 222])
    transfer = hand_over(shop, base, broker)
    got = transfer["received_dataset_id"]
    assert refused(broker, got) == (409, "received_dataset")
    assert refused(broker, base["id"]) == (404, "not_found")
    opened = open_dataset(shop)
    assert refused(shop, opened["id"]) == (409, "dataset_not_sealed")
    # The recipient passed it on, which the sender may not know.
    onward = hand_over(broker, {"id": got}, party, **MARCH)
    response = shop.request("POST", f"/v1/datasets/{base['id']}/withdrawal", json=WHY)
    assert refusal(response) == (409, "dataset_in_use")
    assert response.json()["detail"].endswith("It is in use further on.")
    assert all(str(hidden) not in response.text for hidden in (party.id, onward["id"]))
    denied = {"status": "denied", "occurred_at": "2024-03-02T00:00:00Z"}
    party.post(f"/v1/transfers/{onward['id']}/statements", denied)
    broker.post(f"/v1/transfers/{transfer['id']}/statements", {"status": "acknowledged", **MARCH})
    assert withdraw(shop, base["id"])["kind"] == "withdrawn"
    assert refused(shop, base["id"]) == (409, "dataset_withdrawn")
    for body in (
        {"derived_from": [base["id"]], "holder_id": str(shop.id), "name": "B", **MARCH},
        {"occurred_at": "2024-06-01T00:00:00Z", "end_reason": "deleted"},
    ):
        path = "/v1/datasets" if "name" in body else f"/v1/datasets/{base['id']}/end"
        assert refusal(shop.request("POST", path, json=body)) == (409, "dataset_withdrawn")


def test_withdraw_is_refused_after_the_recipient_sent_its_own_file(registry: Registry) -> None:
    shop, broker = registry.collector(), registry.broker()
    base = collected(shop, [241, 242])
    transfer = hand_over(shop, base, broker)
    broker.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    broker.put_part(transfer["received_dataset_id"], ["telephone", number(241), number(242)])
    broker.finish(broker.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true"))
    response = shop.request("POST", f"/v1/datasets/{base['id']}/withdrawal", json=WHY)
    assert (refusal(response), transfer["id"] in response.text) == ((409, "dataset_in_use"), True)


def test_withdraw_is_refused_after_a_campaign_began(registry: Registry) -> None:
    party = registry.party()
    dataset = filled(party, [231])["id"]
    campaign = {
        "party_id": str(party.id),
        "name": "Appel",
        "originator": "38001",
        "message_text": "Votez.",
        "began_at": "2024-06-06T10:00:00Z",
        "ended_at": "2024-06-06T10:00:00Z",
        "dataset_ids": [dataset],
    }
    sent = party.post("/v1/campaigns", campaign)
    response = party.request("POST", f"/v1/datasets/{dataset}/withdrawal", json=WHY)
    assert (refusal(response), sent["id"] in response.text) == ((409, "dataset_in_use"), True)
    other = filled(party, [232])["id"]
    party.post("/v1/campaigns", campaign | {"dataset_ids": [other], "corrects_id": sent["id"]})
    assert withdraw(party, dataset)["kind"] == "withdrawn"
    again = party.request("POST", "/v1/campaigns", json=campaign)
    assert refusal(again) == (409, "dataset_withdrawn")


def test_withdraw_beside_a_recipient_that_passes_it_on_ends_one_of_them(registry: Registry) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    for last in range(251, 255):
        base = collected(shop, [last])
        got = hand_over(shop, base, broker)["received_dataset_id"]
        found: dict[str, Response] = {}
        body = transfer_body(got, party)

        def act(name: str, caller: Caller, path: str, body: Any) -> None:
            found[name] = caller.request("POST", path, json=body)  # noqa: B023

        acts = [
            Thread(target=act, args=("withdraw", shop, f"/v1/datasets/{base['id']}/withdrawal", WHY)),
            Thread(target=act, args=("pass on", broker, "/v1/transfers", body)),
        ]
        for thread in acts if last % 2 else reversed(acts):
            thread.start()
        for thread in acts:
            thread.join()
        if found["withdraw"].status_code == 201:
            # What was passed on afterwards is empty.
            count = found["pass on"].json().get("number_count", 0)
            assert (found["pass on"].status_code, count) in ((409, 0), (201, 0)), found["pass on"].text
        else:
            assert refusal(found["withdraw"]) == (409, "dataset_in_use")
            assert found["pass on"].json()["number_count"] == 1
