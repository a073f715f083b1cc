"""Campaigns: who registers them, for which datasets and times, and who may see them."""

from typing import Any

import pytest

from service.core.vocabulary import Role
from tests.builders import collected, filled, hand_over, open_dataset
from tests.callers import Caller, Registry
from tests.campaign.builders import body_of
from tests.inspection import refusal

pytestmark = pytest.mark.one_registry


def refused(caller: Caller, body: dict[str, Any]) -> tuple[int, str]:
    return refusal(caller.request("POST", "/v1/campaigns", json=body))


def test_register_campaign_keeps_it_unchanged(registry: Registry) -> None:
    party = registry.party()
    dataset, other = filled(party, [1]), filled(party, [2])
    made = party.post("/v1/campaigns", body_of(party, dataset, other))
    assert made["message_text"] == " Votez.\nSTOP "
    assert (made["began_at"], made["ended_at"]) == ("2024-06-06T08:00:00Z", "2024-06-06T10:00:00Z")
    assert set(made["dataset_ids"]) == {dataset["id"], other["id"]}
    assert party.get(f"/v1/campaigns/{made['id']}") == made
    for method in ("PUT", "PATCH", "DELETE"):
        assert party.request(method, f"/v1/campaigns/{made['id']}", json=made).status_code == 405


def test_register_campaign_with_a_key_that_does_not_act_for_the_party_is_refused(registry: Registry) -> None:
    party, rival, broker = registry.party(), registry.party(), registry.broker()
    dataset = filled(party, [1])
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    other = registry.organisation(Role.PROCESSOR, acts_for=rival)
    named = {"sender_id": str(sender.id)}
    for caller in (rival, broker, other, registry.operator(), registry.regulator()):
        assert refused(caller, body_of(party, dataset))[0] == 403
    assert refused(broker, body_of(broker, filled(broker, [1]))) == (403, "not_the_party")
    assert refused(sender, body_of(party, dataset)) == (403, "not_the_sender")
    assert refused(sender, body_of(party, dataset, sender_id=str(other.id))) == (403, "not_the_sender")
    made = sender.post("/v1/campaigns", body_of(party, dataset, **named))
    assert (made["asserted_by_id"], made["asserted_through_id"]) == (str(party.id), str(sender.id))
    assert party.post("/v1/campaigns", body_of(party, dataset, **named))["asserted_through_id"] is None


def test_register_campaign_with_a_sender_other_than_a_processor_is_refused(
    registry: Registry, unknown_id: object
) -> None:
    party, broker = registry.party(), registry.broker()
    dataset = filled(party, [1])
    assert refused(party, body_of(party, dataset, sender_id=str(broker.id))) == (422, "sender_not_a_processor")
    assert refused(party, body_of(party, dataset, sender_id=str(unknown_id))) == (404, "not_found")


def test_register_campaign_with_an_open_or_foreign_dataset_is_refused(registry: Registry, unknown_id: object) -> None:
    shop, party, rival = registry.collector(), registry.party(), registry.party()
    upstream = collected(shop, [1])
    transfer = hand_over(shop, upstream, party)
    received = party.get(f"/v1/datasets/{transfer['received_dataset_id']}")
    unsealed, foreign = open_dataset(party), filled(rival, [2])
    assert refused(party, body_of(party, upstream)) == (422, "dataset_not_held_by_party")
    assert refused(party, body_of(party, unsealed)) == (409, "dataset_not_sealed")
    assert refused(party, body_of(party, received, foreign)) == (404, "not_found")
    assert refused(party, body_of(party, {"id": str(unknown_id)})) == (404, "not_found")
    assert party.get("/v1/campaigns")["items"] == []
    assert party.post("/v1/campaigns", body_of(party, received))["dataset_ids"] == [received["id"]]


def test_register_campaign_with_an_invalid_period_or_text_is_refused(registry: Registry) -> None:
    party = registry.party()
    dataset = filled(party, [1], occurred_at="2024-06-06T10:00:00+02:00")
    wrong: list[tuple[dict[str, Any], tuple[int, str]]] = [
        ({"ended_at": "2024-06-06T09:59:59+02:00"}, (422, "invalid_request")),
        ({"began_at": "2024-06-06T09:59:59+02:00"}, (422, "campaign_before_dataset")),
        ({"began_at": "2024-06-06T10:00:00"}, (422, "invalid_request")),
        ({"ended_at": "9999-12-31T23:59:59-12:00"}, (422, "invalid_request")),
        ({"dataset_ids": []}, (422, "invalid_request")),
        ({"dataset_ids": [dataset["id"]] * 2}, (422, "invalid_request")),
        ({"message_text": ""}, (422, "invalid_request")),
        ({"originator": ""}, (422, "invalid_request")),
    ]
    for more, expected in wrong:
        assert refused(party, body_of(party, dataset, **more)) == expected, more
    assert party.post("/v1/campaigns", body_of(party, dataset, ended_at="2024-06-06T10:00:00+02:00"))


def test_register_campaign_before_it_is_sent_succeeds(registry: Registry) -> None:
    party = registry.party()
    window = {"began_at": "2199-06-06T10:00:00Z", "ended_at": "2199-06-06T12:00:00Z"}
    assert party.post("/v1/campaigns", body_of(party, filled(party, [1]), **window))


@pytest.mark.own_registry
def test_list_campaigns_shows_each_caller_what_it_may_see(registry: Registry) -> None:
    broker, party, rival = registry.broker(), registry.party(), registry.party()
    transfer = hand_over(broker, filled(broker, [1]), party)
    received = {"id": transfer["received_dataset_id"]}
    sender, other = (registry.organisation(Role.PROCESSOR, acts_for=party) for _ in range(2))
    by_sender = party.post("/v1/campaigns", body_of(party, received, sender_id=str(sender.id)))["id"]
    by_itself = party.post("/v1/campaigns", body_of(party, received))["id"]
    visible: list[tuple[Caller, set[str]]] = [
        (party, {by_sender, by_itself}),
        (registry.regulator(), {by_sender, by_itself}),
        (sender, {by_sender}),
        (other, set()),
        (broker, set()),
        (rival, set()),
    ]
    for caller, campaigns in visible:
        assert {row["id"] for row in caller.get("/v1/campaigns")["items"]} == campaigns
        for campaign in (by_sender, by_itself):
            status = caller.request("GET", f"/v1/campaigns/{campaign}").status_code
            assert status == (200 if campaign in campaigns else 404)


def test_list_campaigns_as_a_processor_of_two_parties_keeps_them_apart(registry: Registry) -> None:
    first_party, second_party = registry.party(), registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=first_party)
    operator = registry.operator()
    scopes = ["facts:read", "facts:write", "numbers:read", "numbers:write"]
    issued = {"organisation_id": str(sender.id), "acts_for_id": str(second_party.id), "scopes": scopes}
    second_key = Caller(registry.client, sender.id, operator.post("/v1/keys", issued)["key"])
    named = {"sender_id": str(sender.id)}
    first = sender.post("/v1/campaigns", body_of(first_party, filled(first_party, [1]), **named))
    second = second_key.post("/v1/campaigns", body_of(second_party, filled(second_party, [2]), **named))
    for caller, own, other, party in ((sender, first, second, first_party), (second_key, second, first, second_party)):
        assert [row["id"] for row in caller.get("/v1/campaigns")["items"]] == [own["id"]]
        assert refusal(caller.request("GET", f"/v1/campaigns/{other['id']}")) == (404, "not_found")
        assert refused(caller, body_of(party, {"id": other["dataset_ids"][0]}, **named)) == (404, "not_found")
    assert str(second_party.id) not in str(sender.get("/v1/organisations"))


def test_processor_of_a_correction_is_not_told_of_the_campaign_that_another_sent(registry: Registry) -> None:
    party = registry.party()
    sender = registry.organisation(Role.PROCESSOR, acts_for=party)
    dataset = filled(party, [1])
    first = party.post("/v1/campaigns", body_of(party, dataset))
    corrected = {"sender_id": str(sender.id), "corrects_id": first["id"]}
    second = party.post("/v1/campaigns", body_of(party, dataset, **corrected))
    assert second["corrects_id"] == first["id"]
    (listed,) = sender.get("/v1/campaigns")["items"]
    assert (listed["id"], listed["corrects_id"]) == (second["id"], None)
