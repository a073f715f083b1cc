"""Corrections of a dataset's name, date and collection: what counted before stays recorded, and counts follow."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from service.core.locks import Lock
from tests.builders import collected, filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships
from tests.inspection import refusal, until

pytestmark = pytest.mark.one_registry

CONSENTS = ["telephone;date_consentement", f"{number(1)};02/03/2023 12:00", f"{number(2)};20/06/2023 12:00"]


def correct(caller: Caller, dataset: Any, **body: Any) -> Any:
    return caller.post(f"/v1/datasets/{dataset['id']}/corrections", body)


def refused(caller: Caller, dataset: Any, **body: Any) -> tuple[int, str]:
    return refusal(caller.request("POST", f"/v1/datasets/{dataset['id']}/corrections", json=body))


def recounted(caller: Caller, dataset_id: str) -> Any:
    """A dataset, once its counts are made again."""
    return until(lambda: (row := caller.get(f"/v1/datasets/{dataset_id}")) and not row["recounting"] and row)


@contextmanager
def nothing_is_counted(dsn: str) -> Iterator[None]:
    """Until the end of the block, no count is made again."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", Lock.ERASURES.numbers())
        yield


def test_correct_dataset_keeps_what_counted_before(registry: Registry) -> None:
    shop, broker = registry.collector(), registry.broker()
    base = collected(shop, [1, 2])
    first = correct(shop, base, name="Jeu", reason="Registered with the name of the file.")
    second = correct(shop, base, occurred_at="2023-12-01T00:00:00Z")
    assert (first["former_name"], first["name"], second["name"]) == ("Base", "Jeu", "Jeu")
    assert (second["former_occurred_at"], second["occurred_at"]) == ("2024-01-01T00:00:00Z", "2023-12-01T00:00:00Z")
    now = shop.get(f"/v1/datasets/{base['id']}")
    assert (now["name"], now["occurred_at"], now["collection_id"]) == (
        "Jeu",
        "2023-12-01T00:00:00Z",
        base["collection_id"],
    )
    (origin,) = shop.lookup(number(1))["origins"]
    assert origin["dataset"]["name"] == "Jeu"
    page = shop.get(f"/v1/datasets/{base['id']}/corrections", params={"limit": 1})
    assert page["items"] == [first]
    rest = shop.get(f"/v1/datasets/{base['id']}/corrections", params={"after": page["next"]})
    assert (rest["items"], rest["next"]) == ([second], None)
    # Another organisation sees nothing of it, before a number of its own came from there.
    assert broker.request("GET", f"/v1/datasets/{base['id']}/corrections").status_code == 404
    hand_over(shop, base, broker)
    shown = broker.get(f"/v1/datasets/{base['id']}/corrections")["items"]
    assert [(row["name"], row["reason"]) for row in shown] == [("Jeu", None), ("Jeu", None)]
    assert refused(broker, base, name="Autre") == (404, "not_found")


def test_correct_dataset_of_a_holder_without_account_is_for_who_asserts_it(registry: Registry) -> None:
    broker, other = registry.broker(), registry.broker()
    holder = broker.post("/v1/organisations", {"legal_name": "X SARL", "country": "FR", "roles": ["broker"]})
    dataset = filled(broker, [3], holder_id=holder["id"])
    assert correct(broker, dataset, name="Autre")["name"] == "Autre"
    assert refused(other, dataset, name="Faux") == (404, "not_found")
    admitted = registry.operator().post("/v1/keys", {"organisation_id": holder["id"], "scopes": ["facts:write"]})
    assert refused(broker, dataset, name="Encore") == (404, "not_found")
    own = Caller(broker.client, broker.id, admitted["key"])
    assert correct(own, dataset, name="La nôtre")["former_name"] == "Autre"


def test_correct_dataset_refuses_what_disagrees_with_what_is_recorded(registry: Registry) -> None:
    shop, party = registry.collector(), registry.party()
    notice = make_notice(shop, shop.id)
    spring = make_collection(
        shop, shop.id, notice["id"], began_on="2023-01-01", ended_on="2023-06-30", occurred_at="2023-07-01T00:00:00Z"
    )
    short = make_collection(
        shop, shop.id, notice["id"], began_on="2023-01-01", ended_on="2023-03-31", occurred_at="2023-07-01T00:00:00Z"
    )
    base = open_dataset(shop, collection_id=spring["id"], occurred_at="2023-07-15T00:00:00Z")
    shop.put_part(base["id"], CONSENTS)
    found: dict[str, tuple[int, str]] = {}
    found["open"] = refused(shop, base, occurred_at="2023-07-16T00:00:00Z")
    shop.seal(base["id"])
    sold = hand_over(shop, base, party)
    derived = open_dataset(shop, derived_from=[base["id"]], occurred_at="2024-01-01T00:00:00Z", content="union")
    shop.seal(derived["id"])
    campaign = {
        "party_id": str(party.id),
        "name": "Appel",
        "originator": "38001",
        "message_text": "Votez.",
        "began_at": "2024-06-06T10:00:00Z",
        "ended_at": "2024-06-06T10:00:00Z",
        "dataset_ids": [sold["received_dataset_id"]],
    }
    party.post("/v1/campaigns", campaign)
    received = {"id": sold["received_dataset_id"]}
    strangers = make_collection(party, party.id, make_notice(party, party.id)["id"])
    found |= {
        "nothing": refused(shop, base, name="Base"),
        "future": refused(shop, base, occurred_at="2090-01-01T00:00:00Z"),
        "before the collection": refused(shop, base, occurred_at="2022-12-01T00:00:00Z"),
        "before a consent": refused(shop, base, occurred_at="2023-06-01T00:00:00Z"),
        "after a transfer": refused(shop, base, occurred_at="2024-02-02T00:00:00Z"),
        "after a derivation": refused(shop, base, occurred_at="2024-01-15T00:00:00Z"),
        "consents outside": refused(shop, base, collection_id=short["id"]),
        "another's collection": refused(shop, base, collection_id=strangers["id"]),
        "derived and collected": refused(shop, derived, collection_id=spring["id"]),
        "date of a received dataset": refused(party, received, occurred_at="2024-02-02T00:00:00Z"),
        "empty": refused(shop, base, reason="Par erreur."),
        "no name": refused(shop, base, name=None),
    }
    assert found == {
        "open": (409, "dataset_not_sealed"),
        "nothing": (422, "nothing_corrected"),
        "future": (422, "in_the_future"),
        "before the collection": (422, "dataset_before_collection"),
        "before a consent": (422, "consents_after_dataset"),
        "after a transfer": (422, "transfer_before_dataset"),
        "after a derivation": (422, "derived_before_dataset"),
        "consents outside": (422, "consents_outside_collection"),
        "another's collection": (404, "not_found"),
        "derived and collected": (422, "derived_dataset"),
        "date of a received dataset": (409, "received_dataset"),
        "empty": (422, "invalid_request"),
        "no name": (422, "invalid_request"),
    }
    # A recipient gives what it received a name of its own.
    assert correct(party, received, name="Fichier national")["former_name"] == "Base"
    assert shop.get(f"/v1/datasets/{base['id']}")["name"] == "Base"


def test_correct_dataset_to_another_notice_counts_everything_below_again(registry: Registry, dsn: str) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    base = collected(shop, [11, 12, 13])
    wrong = shop.get(f"/v1/collections/{base['collection_id']}")["notice_id"]
    right = make_notice(shop, shop.id, code="N-2")
    collection = make_collection(shop, shop.id, right["id"])
    bought = {"id": hand_over(shop, base, broker)["received_dataset_id"]}
    cut = filled(broker, [11, 12, 19], derived_from=[bought["id"]], occurred_at="2024-03-01T00:00:00Z")
    sold = hand_over(broker, cut, party, occurred_at="2024-04-01T00:00:00Z")["received_dataset_id"]
    with nothing_is_counted(dsn):
        correct(shop, base, collection_id=collection["id"])
        # What is its own alone is counted at once. No old figure is shown of anything else.
        assert shop.get(f"/v1/datasets/{base['id']}")["recounting"] is False
        row = broker.get(f"/v1/datasets/{cut['id']}")
        assert (row["recounting"], row["number_count"], row["orphan_count"]) == (True, 3, None)
        assert party.get(f"/v1/datasets/{sold}")["number_count"] is None
        assert {origin["notice"]["code"] for origin in party.lookup(number(11))["origins"]} == {"N-2"}
        lineage = party.get(f"/v1/datasets/{sold}/lineage")
        assert {node["common_count"] for node in lineage["nodes"]} == {None}
        assert {edge["number_count"] for edge in lineage["edges"]} == {None}
        regulator = registry.regulator()
        reached = regulator.get(f"/v1/notices/{right['id']}/impact")
        assert {row["dataset"]["id"]: row["number_count"] for row in reached["datasets"]} == {
            base["id"]: 3,
            bought["id"]: None,
            cut["id"]: None,
            sold: None,
        }
        assert regulator.get(f"/v1/notices/{wrong}/impact")["datasets"] == []
        again = broker.request("POST", "/v1/transfers", json=_transfer(cut["id"], party))
        assert refusal(again) == (409, "recounting")
    assert recounted(broker, cut["id"])["orphan_count"] == 1
    assert recounted(party, sold)["number_count"] == 3
    reached = registry.regulator().get(f"/v1/notices/{right['id']}/impact")
    assert [row["number_count"] for row in reached["datasets"]] == [3, 3, 2, 2]
    check_memberships(dsn)


def _transfer(dataset_id: str, recipient: Caller) -> dict[str, Any]:
    return {
        "occurred_at": "2024-04-01T00:00:00Z",
        "dataset_id": dataset_id,
        "recipient_id": str(recipient.id),
        "purpose": "political_canvassing",
        "lawful_basis": "consent",
        "sender_role": "controller",
        "recipient_role": "controller",
    }


def test_correct_dataset_without_collection_gives_an_origin_and_takes_it_away(registry: Registry, dsn: str) -> None:
    shop, party = registry.collector(), registry.party()
    base = filled(shop, [21, 22])
    collection = make_collection(shop, shop.id, make_notice(shop, shop.id)["id"])
    sold = hand_over(shop, base, party)["received_dataset_id"]
    assert party.get(f"/v1/datasets/{sold}")["orphan_count"] == 2
    correct(shop, base, collection_id=collection["id"])
    assert [origin["dataset"]["id"] for origin in party.lookup(number(21))["origins"]] == [base["id"]]
    assert recounted(party, sold)["orphan_count"] == 0
    assert shop.get(f"/v1/datasets/{base['id']}")["orphan_count"] == 0
    correct(shop, base, collection_id=None)
    assert party.lookup(number(21))["origins"] == []
    assert recounted(party, sold)["orphan_count"] == 2
    check_memberships(dsn)
