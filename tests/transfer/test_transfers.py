"""Transfers: who registers them, of which datasets and when, and the statements of both sides."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from service.core.vocabulary import Role
from tests.builders import collected, filled, hand_over, name_organisation, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows, until, waiting_for_locks

pytestmark = pytest.mark.one_registry


def body_of(dataset: Any, recipient: Any, **more: Any) -> dict[str, Any]:
    body = {"occurred_at": "2024-02-01T00:00:00Z", "dataset_id": dataset["id"], "recipient_id": str(recipient)}
    body |= {"purpose": "political_canvassing", "lawful_basis": "consent"}
    return body | {"sender_role": "controller", "recipient_role": "controller"} | more


def asked(caller: Caller, *body: Any, **more: Any) -> tuple[int, str]:
    return refusal(caller.request("POST", "/v1/transfers", json=body_of(*body, **more)))


def without_account(broker: Caller, role: str = "collector") -> str:
    """An organisation without an account."""
    return str(name_organisation(broker, "Muette", role)["id"])


def state(caller: Caller, transfer: Any, status: str, occurred_at: str = "2024-05-01T00:00:00Z", **more: Any) -> Any:
    body = {"status": status, "occurred_at": occurred_at} | more
    return caller.request("POST", f"/v1/transfers/{transfer['id']}/statements", json=body)


def received(recipient: Caller, transfer: Any) -> Any:
    return recipient.get(f"/v1/datasets/{transfer['received_dataset_id']}")


def test_register_transfer_creates_a_dataset_of_the_recipient(registry: Registry) -> None:
    shop, broker = registry.collector(), registry.broker()
    dataset = collected(shop, range(10))
    criterion = {"criterion": "age", "selection": "30-60", "source": None}
    transfer = hand_over(shop, dataset, broker, targeting=[criterion], contract="2024-118")
    assert (transfer["status"], transfer["number_count"], transfer["targeting"]) == ("declared", 10, [criterion])
    assert [(statement["side"], statement["status"]) for statement in transfer["statements"]] == [
        ("sender", "declared")
    ]
    held = received(broker, transfer)
    assert (held["content"], held["state"], held["number_count"], held["orphan_count"]) == ("shared", "sealed", 10, 0)
    assert (held["holder_id"], held["asserted_by_id"]) == (str(broker.id), str(shop.id))
    assert held["received_by_transfer_id"] == transfer["id"]
    assert broker.get(f"/v1/transfers/{transfer['id']}") == transfer == shop.get(f"/v1/transfers/{transfer['id']}")
    part = f"/v1/datasets/{held['id']}/parts/1"
    sent = broker.request("PUT", part, content=b"0639980001", headers={"Content-Type": "text/csv"})
    assert refusal(sent) == (409, "takes_no_parts")
    assert refusal(broker.request("POST", f"/v1/datasets/{held['id']}/seal")) == (409, "already_sealed")


def test_register_transfer_by_others_than_the_sender_is_refused(registry: Registry, unknown_id: object) -> None:
    broker, buyer, stranger = registry.broker(), registry.broker(), registry.broker()
    dataset = filled(broker, [1])
    assert asked(stranger, dataset, stranger.id) == (404, "not_found")
    assert asked(broker, dataset, broker.id) == (422, "same_organisation")
    assert asked(broker, dataset, unknown_id) == (404, "not_found")
    assert asked(broker, {"id": str(unknown_id)}, buyer.id) == (404, "not_found")
    sold = received(buyer, hand_over(broker, dataset, buyer))
    assert asked(buyer, dataset, stranger.id) == (403, "not_your_transfer")
    assert asked(broker, sold, stranger.id) == (404, "not_found")


def test_register_transfer_for_a_sender_without_account_is_the_buyers(registry: Registry) -> None:
    broker, second, party = registry.broker(), registry.broker(), registry.party()
    collector, other = without_account(broker), without_account(broker)
    dataset = filled(broker, [1], holder_id=collector)
    assert asked(second, dataset, second.id) == (404, "not_found")
    assert asked(broker, dataset, party.id) == (403, "not_your_transfer")
    between_others = hand_over(broker, dataset, broker, recipient_id=other)
    assert [(statement["side"], statement["status"]) for statement in between_others["statements"]] == [
        ("sender", "declared")
    ]
    assert between_others["status"] == "declared"
    bought = hand_over(broker, dataset, broker)
    assert [(statement["side"], statement["status"]) for statement in bought["statements"]] == [
        ("recipient", "acknowledged")
    ]
    assert bought["status"] == "acknowledged"
    hand_over(broker, received(broker, bought), second, occurred_at="2024-03-01T00:00:00Z")
    assert asked(second, dataset, second.id, occurred_at="2024-03-01T00:00:00Z") == (403, "not_your_transfer")


def test_register_transfer_of_an_open_or_later_dataset_is_refused(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    dataset = open_dataset(broker, occurred_at="2024-02-01T00:00:00+01:00")
    assert asked(broker, dataset, party.id) == (409, "dataset_not_sealed")
    broker.put_part(dataset["id"], ["0639980001"])
    dataset = broker.seal(dataset["id"])
    assert asked(broker, dataset, party.id, occurred_at="2024-01-31T22:59:59Z") == (422, "transfer_before_dataset")
    assert asked(broker, dataset, party.id, occurred_at="2199-01-01T00:00:00Z") == (422, "in_the_future")
    transfer = hand_over(broker, dataset, party, occurred_at="2024-01-31T23:00:00Z")
    again = received(party, transfer)
    earlier = "2024-01-31T22:00:00Z"
    assert asked(party, again, broker.id, occurred_at=earlier) == (422, "transfer_before_dataset")


def test_register_transfer_before_its_consents_is_refused(registry: Registry) -> None:
    shop, broker = registry.collector(), registry.broker()
    empty = collected(shop, [1])
    (collection,) = shop.get("/v1/collections")["items"]
    dataset = open_dataset(shop, collection_id=collection["id"], occurred_at="2024-01-01T00:00:00Z")
    shop.put_part(
        dataset["id"],
        ["mobile;consented_at", "0639980001;2023-12-31T23:59:59Z", "0639980002;2024-01-01T00:00:01Z"],
    )
    sealed = shop.seal(dataset["id"])
    assert (sealed["number_count"], sealed["rejected_count"]) == (1, 1)
    assert asked(shop, sealed, broker.id, occurred_at="2023-12-31T23:59:59Z") == (422, "transfer_before_dataset")
    assert empty["last_consented_at"] is None


def test_state_transfer_keeps_every_statement_and_the_latest_counts(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    transfer = hand_over(broker, filled(broker, [1]), party)
    statements = [("acknowledged", "Reçu."), ("denied", "Une erreur : rien reçu."), ("acknowledged", None)]
    for status, comment in statements:
        assert state(party, transfer, status, comment=comment).json()["status"] == status
    kept = broker.get(f"/v1/transfers/{transfer['id']}")["statements"]
    assert [(statement["side"], statement["status"], statement["comment"]) for statement in kept] == [
        ("sender", "declared", None),
        *(("recipient", status, comment) for status, comment in statements),
    ]
    assert [statement["asserted_by_id"] for statement in kept] == [str(broker.id)] + [str(party.id)] * 3


def test_state_transfer_by_a_sender_admitted_later_is_recorded(registry: Registry) -> None:
    broker, operator = registry.broker(), registry.operator()
    collector = without_account(broker)
    bought = hand_over(broker, filled(broker, [1], holder_id=collector), broker)
    key = operator.post("/v1/keys", {"organisation_id": collector, "scopes": ["facts:read", "facts:write"]})["key"]
    itself = Caller(registry.client, operator.id, key)
    answer = state(itself, bought, "denied", comment="Jamais vendu.").json()
    assert answer["status"] == "acknowledged"
    stated = [(statement["side"], statement["status"]) for statement in answer["statements"]]
    assert stated == [("recipient", "acknowledged"), ("sender", "denied")]
    assert refusal(state(broker, bought, "denied")) == (403, "registered_by_you")


def test_state_transfer_by_others_or_with_other_statuses_is_refused(registry: Registry) -> None:
    shop, broker, party, stranger = registry.collector(), registry.broker(), registry.party(), registry.party()
    first = hand_over(shop, filled(shop, [1]), broker)
    hand_over(broker, received(broker, first), party, occurred_at="2024-03-01T00:00:00Z")
    assert refusal(state(shop, first, "acknowledged")) == (403, "registered_by_you")
    assert refusal(state(party, first, "denied")) == (403, "not_a_side")
    assert refusal(state(stranger, first, "denied")) == (404, "not_found")
    assert refusal(state(registry.regulator(), first, "denied"))[0] == 403
    for status in ("confirmed", "disputed", "?"):
        assert refusal(state(broker, first, status)) == (422, "invalid_request")
    early = state(broker, first, "acknowledged", occurred_at="2024-01-31T23:59:59Z")
    assert refusal(early) == (422, "statement_before_transfer")
    assert refusal(state(broker, first, "acknowledged", occurred_at="2199-01-01T00:00:00Z")) == (422, "in_the_future")


def test_deny_transfer_ends_the_holding_until_it_is_acknowledged(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    dataset = collected(shop, [1])
    transfer = hand_over(shop, dataset, party)
    assert party.lookup("+33639980001")["held"]
    state(party, transfer, "denied")
    assert party.get("/v1/datasets")["items"] == []
    assert party.get("/v1/notices")["items"] == []
    assert [row["id"] for row in party.get("/v1/transfers")["items"]] == [transfer["id"]]
    assert asked(party, {"id": transfer["received_dataset_id"]}, shop.id) == (404, "not_found")
    assert refusal(party.request("POST", f"/v1/transfers/{transfer['id']}/reconciliation")) == (409, "transfer_denied")
    state(party, transfer, "acknowledged")
    assert party.request("POST", f"/v1/transfers/{transfer['id']}/reconciliation").status_code == 201


def test_deny_transfer_after_use_is_refused(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    dataset = filled(broker, range(5))
    derived, passed, campaigned = (hand_over(broker, dataset, party) for _ in range(3))
    open_dataset(party, derived_from=[derived["received_dataset_id"]], occurred_at="2024-03-01T00:00:00Z")
    hand_over(party, received(party, passed), broker, occurred_at="2024-03-01T00:00:00Z")
    campaign(party, campaigned["received_dataset_id"])
    assert refusal(state(party, derived, "denied")) == (409, "passed_on")
    assert refusal(state(party, passed, "denied")) == (409, "passed_on")
    assert refusal(state(party, campaigned, "denied")) == (409, "used_in_campaign")
    for transfer in (derived, passed, campaigned):
        assert state(party, transfer, "acknowledged").json()["status"] == "acknowledged"


def campaign(party: Caller, dataset_id: str) -> Any:
    body = {"party_id": str(party.id), "name": "C", "originator": "38001", "message_text": "Votez.", "poll_on": None}
    body |= {"began_at": "2024-06-06T10:00:00Z", "ended_at": "2024-06-06T12:00:00Z"}
    return party.post("/v1/campaigns", body | {"dataset_ids": [dataset_id]})


def test_use_dataset_during_a_denial_waits_and_is_refused(registry: Registry, dsn: str) -> None:
    broker, party = registry.broker(), registry.party()
    transfer = hand_over(broker, filled(broker, [1]), party)
    held = {"id": transfer["received_dataset_id"]}
    derived = {"occurred_at": "2024-03-01T00:00:00Z", "holder_id": str(party.id), "name": "D"}
    used = {"party_id": str(party.id), "name": "C", "originator": "38001", "message_text": "Votez."}
    used |= {"began_at": "2024-06-06T10:00:00Z", "ended_at": "2024-06-06T12:00:00Z"}
    uses = {
        "/v1/transfers": body_of(held, broker.id, occurred_at="2024-03-01T00:00:00Z"),
        "/v1/datasets": derived | {"derived_from": [held["id"]]},
        "/v1/campaigns": used | {"dataset_ids": [held["id"]]},
    }
    with psycopg.connect(dsn) as denying, ThreadPoolExecutor(3) as pool:
        denying.execute("SELECT 1 FROM dataset WHERE id = %s FOR UPDATE", (held["id"],))
        denying.execute(
            "INSERT INTO transfer_statement (id, transfer_id, side, status, asserted_by_id, occurred_at, recorded_at) "
            "SELECT gen_random_uuid(), id, 'recipient', 'denied', recipient_id, now(), now() FROM transfer"
        )
        waiting = [pool.submit(party.request, "POST", path, json=body) for path, body in uses.items()]
        until(lambda: waiting_for_locks(dsn) == len(uses))
        denying.commit()
        assert [refusal(answer.result()) for answer in waiting] == [(404, "not_found")] * 3


def test_register_transfers_concurrently_creates_each(registry: Registry) -> None:
    broker, first, second = registry.broker(), registry.party(), registry.party()
    dataset = filled(broker, range(3))
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda party: hand_over(broker, dataset, party), (first, second, first, second)))
    assert len({transfer["received_dataset_id"] for transfer in made}) == 4
    assert len(broker.get("/v1/transfers")["items"]) == 4
    for party in (first, second):
        assert len(party.get("/v1/transfers")["items"]) == 2


def test_register_transfer_to_a_party_shows_the_sender_nothing_of_it(registry: Registry) -> None:
    shop, honest, hostile = registry.collector(), registry.broker(), registry.broker()
    party = registry.party()
    honest_transfer = hand_over(shop, collected(shop, range(10)), honest)
    hand_over(honest, received(honest, honest_transfer), party, occurred_at="2024-03-01T00:00:00Z")
    campaign(party, party.get("/v1/datasets")["items"][-1]["id"])
    pushed = hand_over(hostile, filled(hostile, range(10)), party)
    assert {row["id"] for row in hostile.get("/v1/transfers")["items"]} == {pushed["id"]}
    assert hostile.get("/v1/campaigns")["items"] == []
    seen = {row["id"] for row in hostile.get("/v1/organisations")["items"]}
    assert seen == {str(hostile.id), str(party.id)}
    answer = str(hostile.lookup("+33639980001"))
    assert str(honest.id) not in answer
    assert str(shop.id) not in answer
    assert refusal(hostile.request("GET", f"/v1/datasets/{pushed['received_dataset_id']}")) == (404, "not_found")


def test_state_transfer_by_a_processor_is_asserted_by_its_party(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    transfer = hand_over(broker, filled(broker, [1]), party)
    statement = state(sender, transfer, "acknowledged").json()["statements"][-1]
    assert (statement["asserted_by_id"], statement["asserted_through_id"]) == (str(party.id), str(sender.id))


def test_derive_dataset_from_itself_or_a_later_one_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    later = filled(broker, [1], occurred_at="2024-02-01T00:00:00Z")
    body = {"occurred_at": "2024-01-31T23:59:59Z", "holder_id": str(broker.id), "name": "D"}
    answer = broker.request("POST", "/v1/datasets", json=body | {"derived_from": [later["id"]]})
    assert refusal(answer) == (422, "dataset_before_parent")
    twice = body | {"occurred_at": "2024-03-01T00:00:00Z", "derived_from": [later["id"], later["id"]]}
    assert refusal(broker.request("POST", "/v1/datasets", json=twice)) == (422, "invalid_request")
    named = body | {"id": later["id"], "derived_from": [later["id"]]}
    assert refusal(broker.request("POST", "/v1/datasets", json=named)) == (422, "invalid_request")
    for method in ("PUT", "PATCH"):
        changed = broker.request(method, f"/v1/datasets/{later['id']}", json={"derived_from": [later["id"]]})
        assert changed.status_code == 405
    with pytest.raises(psycopg.errors.CheckViolation, match="ck_dataset_parent_not_itself"):
        rows(dsn, "INSERT INTO dataset_parent (dataset_id, parent_id) VALUES (%s, %s)", later["id"], later["id"])
