"""Transfers that were registered by mistake: their registrant retracts them, and takes that back."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.builders import collected, filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import refusal
from tests.transfer.builders import compare_file, send_file, transfer_collected
from tests.transfer.test_transfers import body_of, campaign, received, state, without_account

pytestmark = pytest.mark.one_registry

NUMBER = number(1)


def retract(caller: Caller, transfer: Any, reason: str = "Mauvais destinataire.") -> Any:
    return state(caller, transfer, "retracted", comment=reason)


def retracted(caller: Caller, transfer: Any) -> Any:
    """The transfer after its retraction, which must be accepted."""
    answer = retract(caller, transfer)
    assert answer.status_code == 201, answer.text
    return answer.json()


def number_of(caller: Caller, transfer: Any) -> Any:
    """What a lookup of the number shows of a transfer."""
    return next((row for row in caller.lookup(NUMBER)["transfers"] if row["id"] == transfer["id"]), None)


def test_retract_transfer_to_a_recipient_without_account_ends_what_it_gave(registry: Registry) -> None:
    shop, regulator = registry.collector(), registry.regulator()
    party = without_account(shop, "party")
    transfer = hand_over(shop, collected(shop, [701]), shop, recipient_id=party)
    assert (transfer["recipient_has_account"], transfer["vouched_by"]) == (False, ["sender"])
    before = regulator.lookup(number(701), reason="Contrôle")
    assert [row["organisation"]["id"] for row in before["recipients"]] == [party]
    after = retracted(shop, transfer)
    assert (after["status"], after["vouched_by"], after["retracted_at"] is None) == ("retracted", [], False)
    answer = regulator.lookup(number(701), reason="Contrôle")
    assert (answer["recipients"], answer["contradictions"]) == ([], [])
    assert {row["dataset"]["holder"]["id"] for row in answer["holdings"]} == {str(shop.id)}
    (shown,) = answer["transfers"]
    assert (shown["status"], shown["retraction"]["reason"]) == ("retracted", "Mauvais destinataire.")
    assert shown["retraction"]["asserted_by"]["id"] == str(shop.id)
    assert shown["recipient_has_account"] is False
    assert "Retracted, as it was stated by mistake: a transfer to" in answer["summary"]
    assert state(shop, transfer, "declared").json()["status"] == "declared"
    assert [row["organisation"]["id"] for row in regulator.lookup(number(701), reason="Contrôle")["recipients"]] == [
        party
    ]


def test_retract_transfer_shows_its_recipient_only_that_it_was_a_mistake(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, [1])
    assert party.lookup(NUMBER)["held"]
    after = retracted(shop, transfer)
    assert party.get("/v1/transfers")["items"] == [after]
    answer = party.lookup(NUMBER)
    assert not any(answer[part] for part in ("held", "origins", "chains", "holdings", "transfers", "recipients"))
    assert party.get("/v1/datasets")["items"] == party.get("/v1/notices")["items"] == []
    assert refusal(party.request("GET", f"/v1/datasets/{transfer['received_dataset_id']}")) == (404, "not_found")
    # It never had the numbers by this transfer, so that it cannot claim them now.
    assert refusal(state(party, transfer, "acknowledged")) == (409, "transfer_retracted")
    opened = party.request("POST", f"/v1/transfers/{transfer['id']}/reconciliation")
    assert refusal(opened) == (409, "transfer_retracted")
    assert number_of(shop, transfer)["status"] == "retracted"


def test_retract_transfer_that_its_recipient_acknowledged_rests_on_its_word_alone(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, [1])
    state(party, transfer, "acknowledged")
    after = retracted(shop, transfer)
    assert (after["status"], after["vouched_by"]) == ("acknowledged", ["recipient"])
    answer = party.lookup(NUMBER)
    assert (answer["held"], [row["kind"] for row in answer["contradictions"]]) == (True, ["retracted_by_sender"])
    shown = number_of(party, transfer)
    assert (shown["number_declared"], shown["number_received"]) == (None, True)
    assert state(party, transfer, "denied").json()["status"] == "retracted"
    assert not party.lookup(NUMBER)["held"]
    assert state(shop, transfer, "declared").json()["status"] == "denied"
    assert state(party, transfer, "acknowledged").json()["vouched_by"] == ["recipient", "sender"]
    assert party.lookup(NUMBER)["held"]


def test_retract_transfer_that_its_recipient_disputes_leaves_its_own_file(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, [1, 2])
    send_file(party, transfer, [1, 3])
    assert compare_file(party, transfer)["status"] == "disputed"
    assert retracted(shop, transfer)["status"] == "disputed"
    assert party.lookup(number(3))["held"]


def test_retract_transfer_told_by_its_recipient_leaves_the_senders_word(registry: Registry) -> None:
    broker, operator = registry.broker(), registry.operator()
    collector = without_account(broker)
    bought = hand_over(broker, filled(broker, [1], holder_id=collector), broker)
    assert retracted(broker, bought)["status"] == "retracted"
    assert {row["dataset"]["holder"]["id"] for row in broker.lookup(NUMBER)["holdings"]} == {collector}
    assert refusal(state(broker, bought, "denied")) == (403, "registered_by_you")
    assert refusal(state(broker, bought, "declared")) == (403, "registered_by_you")
    key = operator.post("/v1/keys", {"organisation_id": collector, "scopes": ["facts:read", "facts:write"]})["key"]
    itself = Caller(registry.client, operator.id, key)
    answer = state(itself, bought, "acknowledged").json()
    assert (answer["status"], answer["vouched_by"]) == ("declared", ["sender"])
    shown = number_of(broker, bought)
    assert (shown["number_declared"], shown["number_received"]) == (True, None)
    kinds = [row["kind"] for row in broker.lookup(NUMBER)["contradictions"]]
    assert kinds == ["retracted_by_recipient"]
    assert state(broker, bought, "denied").json()["status"] == "denied"
    assert state(broker, bought, "acknowledged").json()["status"] == "acknowledged"


def test_retract_transfer_between_two_without_account_by_who_told_of_it(registry: Registry) -> None:
    broker = registry.broker()
    seller, buyer = without_account(broker), without_account(broker)
    told = hand_over(broker, filled(broker, [1], holder_id=seller), broker, recipient_id=buyer)
    assert retracted(broker, told)["status"] == "retracted"
    assert [row["id"] for row in broker.get("/v1/transfers")["items"]] == [told["id"]]
    assert refusal(retract(broker, told)) == (409, "already_retracted")
    assert state(broker, told, "declared").json()["status"] == "declared"


def test_retract_transfer_by_others_or_without_a_reason_is_refused(registry: Registry) -> None:
    shop, party, stranger = registry.collector(), registry.party(), registry.party()
    transfer = transfer_collected(shop, party, [1])
    assert refusal(retract(party, transfer)) == (403, "not_your_statement")
    assert refusal(state(party, transfer, "declared")) == (403, "not_your_statement")
    assert refusal(retract(stranger, transfer)) == (404, "not_found")
    assert refusal(state(shop, transfer, "retracted")) == (422, "invalid_request")
    assert refusal(state(shop, transfer, "declared")) == (403, "registered_by_you")


def test_retract_transfer_in_use_is_refused_and_names_what_the_caller_recorded(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    dataset = filled(broker, range(5))
    derived, campaigned = (hand_over(broker, dataset, party) for _ in range(2))
    open_dataset(party, derived_from=[derived["received_dataset_id"]], occurred_at="2024-03-01T00:00:00Z")
    campaign(party, campaigned["received_dataset_id"])
    middle = without_account(broker, "broker")
    first = hand_over(broker, dataset, broker, recipient_id=middle)
    onward = hand_over(broker, {"id": first["received_dataset_id"]}, broker, occurred_at="2024-03-01T00:00:00Z")
    for transfer in (derived, campaigned, first):
        assert refusal(retract(broker, transfer)) == (409, "in_use")
    assert retract(broker, first).json()["transfer_ids"] == [onward["id"]]
    assert "transfer_ids" not in retract(broker, derived).json()
    assert retracted(broker, onward)["status"] == "retracted"
    assert retracted(broker, first)["status"] == "retracted"
    # What was passed on can count again only when what it came from does.
    assert refusal(state(broker, onward, "acknowledged")) == (409, "source_not_held")
    assert state(broker, first, "declared").json()["status"] == "declared"
    assert state(broker, onward, "acknowledged").json()["status"] == "acknowledged"


def test_retract_transfers_of_a_chain_leaves_all_of_it_in_the_history(registry: Registry) -> None:
    broker, regulator = registry.broker(), registry.regulator()
    middle, end = without_account(broker, "broker"), without_account(broker, "party")
    first = hand_over(broker, filled(broker, [702]), broker, recipient_id=middle)
    second = hand_over(
        broker, {"id": first["received_dataset_id"]}, broker, recipient_id=end, occurred_at="2024-03-01T00:00:00Z"
    )
    for transfer in (second, first):
        retracted(broker, transfer)
    answer = regulator.lookup(number(702), reason="Contrôle")
    assert {row["id"]: row["status"] for row in answer["transfers"]} == {
        first["id"]: "retracted",
        second["id"]: "retracted",
    }
    assert [row["dataset"]["holder"]["id"] for row in answer["holdings"]] == [str(broker.id)]


def test_retract_transfer_during_its_reconciliation_leaves_nothing_to_compare(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    transfer = transfer_collected(shop, party, [1])
    send_file(party, transfer, [1, 2])
    retracted(shop, transfer)
    path = f"/v1/transfers/{transfer['id']}/reconciliation"
    assert refusal(party.request("POST", f"{path}/compare")) == (409, "transfer_retracted")
    assert party.request("DELETE", path).json()["status"] == "retracted"
    assert not party.lookup(number(2))["held"]


def test_correct_campaign_to_other_datasets_lets_its_party_deny_the_transfer(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    wrong, right = (hand_over(broker, filled(broker, [last]), party) for last in (1, 2))
    sent = campaign(party, wrong["received_dataset_id"])
    assert refusal(state(party, wrong, "denied")) == (409, "used_in_campaign")
    body = {key: sent[key] for key in ("party_id", "name", "originator", "message_text", "began_at", "ended_at")}
    body |= {"dataset_ids": [right["received_dataset_id"]], "corrects_id": sent["id"]}
    party.post("/v1/campaigns", body)
    assert state(party, wrong, "denied").json()["status"] == "denied"
    assert refusal(state(party, right, "denied")) == (409, "used_in_campaign")
    assert received(party, right)["id"] == right["received_dataset_id"]


def test_pass_on_a_dataset_and_retract_it_lets_its_holder_deny_the_transfer(registry: Registry) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    first = transfer_collected(shop, broker, [1])
    onward = hand_over(broker, {"id": first["received_dataset_id"]}, party, occurred_at="2024-03-01T00:00:00Z")
    assert refusal(state(broker, first, "denied")) == (409, "passed_on")
    retracted(broker, onward)
    assert state(broker, first, "denied").json()["status"] == "denied"
    assert refusal(state(broker, onward, "declared")) == (409, "source_not_held")


def test_retract_and_pass_on_at_once_lets_one_of_them_through(registry: Registry) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    dataset = filled(shop, [1])
    for _ in range(6):
        transfer = hand_over(shop, dataset, broker)
        held = {"id": transfer["received_dataset_id"]}
        body = body_of(held, party.id, occurred_at="2024-03-01T00:00:00Z")
        with ThreadPoolExecutor(2) as pool:
            taken_back = pool.submit(retract, shop, transfer)
            passed_on = pool.submit(broker.request, "POST", "/v1/transfers", json=body)
        outcome = taken_back.result().status_code, passed_on.result().status_code
        assert outcome in ((201, 404), (409, 201))
