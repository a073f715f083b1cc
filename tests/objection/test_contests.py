"""Contests: the person did not give an agreement, whom that reaches, what it changes, and what is answered."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.core.vocabulary import Role
from tests.builders import collected, filled, number
from tests.callers import Caller
from tests.collection.builders import admit
from tests.inspection import refusal, rows, until
from tests.objection.builders import Holders, create_objection, objections_of, relay_states, relays_to
from tests.persons import PersonCaller


def origin_of(caller: Caller, last_four: int) -> Any:
    (origin,) = caller.lookup(number(last_four))["origins"]
    return origin


def contest(person: PersonCaller, dataset_id: Any) -> Any:
    return person.request("POST", "/v1/objections/contests", json={"dataset_id": str(dataset_id)})


def contested(holders: Holders, person: PersonCaller, last_four: int) -> Any:
    response = contest(person, origin_of(holders.party, last_four)["dataset"]["id"])
    assert response.status_code == 201, response.text
    return response.json()


def relay_to(holder: Caller) -> Any:
    (relay,) = [relay for relay in relays_to(holder) if relay["kind"] == "contest"]
    return relay


def test_contest_reaches_the_collector_and_the_holders_on_the_path_alone(holders: Holders) -> None:
    other = holders.registry.broker()
    collected(other, [7])
    person = holders.person(7)
    dataset_id = origin_of(holders.party, 7)["dataset"]["id"]
    made = contested(holders, person, 7)
    assert (made["kind"], made["scope"]) == ("contest", "origin")
    assert made["origin"]["collector"]["id"] == holders.shop_id
    assert made["origin"]["dataset_id"] == dataset_id
    assert relay_states(made) == {
        holders.shop_id: "undeliverable",
        str(holders.broker.id): "pending",
        str(holders.party.id): "pending",
    }
    for holder in (holders.broker, holders.party):
        relay = relay_to(holder)
        assert (relay["number"], relay["origin_dataset_id"]) == (number(7), dataset_id)
        assert relay["recorder"] == "person"
        assert relay["due_at"]
    assert relays_to(other) == []
    assert contest(person, dataset_id).json()["id"] == made["id"]
    assert len(objections_of(person)) == 1


def test_contest_is_printed_in_answers_letters_and_data(holders: Holders) -> None:
    person = holders.person(7)
    assert origin_of(holders.party, 7)["contest"] is None
    made = contested(holders, person, 7)
    for caller in (holders.broker, holders.party):
        found = origin_of(caller, 7)["contest"]
        assert (found["contested_at"], found["answered_at"]) == (made["recorded_at"], None)
    assert origin_of(holders.party, 8)["contest"] is None
    body = {"form": "json", "language": "fr"}
    found = person.request("POST", "/v1/disclosures", json=body).json()
    assert found["origins"][0]["contest"]["contested_at"] == made["recorded_at"]
    report = str(found["report"])
    assert "Vous contestez cet accord depuis le" in report
    assert "vous le contestez" in report
    assert "vous contestez l’avoir accepté" in report
    assert person.request("POST", "/v1/disclosures", json={"form": "pdf"}).content.startswith(b"%PDF")
    undeliverable = next(relay["id"] for relay in made["relays"] if relay["state"] == "undeliverable")
    letter = person.request("GET", f"/v1/disclosures/letters/{undeliverable}")
    assert letter.content.startswith(b"%PDF")


def test_contest_forbids_nothing_flags_nothing_and_cuts_no_path(holders: Holders, dsn: str) -> None:
    person = holders.person(7)
    before = holders.party.lookup(number(7))
    contested(holders, person, 7)
    after = holders.party.lookup(number(7))
    for answer in (before, after):
        answer.pop("as_of")
        answer["origins"][0].pop("contest")
    assert after == before
    filled(holders.party, [7])
    until(lambda: rows(dsn, "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')") == [(0,)])
    assert rows(dsn, "SELECT count(*) FROM objection_flag") == [(0,)]


def test_collector_answers_with_its_record_and_the_person_reads_it(holders: Holders) -> None:
    person = holders.person(7)
    made = contested(holders, person, 7)
    collector = admit(holders.registry, holders.shop_id)
    body = {
        "organisation_id": holders.shop_id,
        "scopes": ["facts:read", "facts:write", "numbers:read", "numbers:write"],
    }
    collector.key = holders.registry.operator().post("/v1/keys", body)["key"]
    answer = {"answer_text": "Case cochée le 3 mai, voici notre capture.", "consent_record_id": "EM-77"}
    path = "/v1/objections/relays/{}/answer"
    other = relay_to(holders.broker)
    refused = holders.broker.request("POST", path.format(other["id"]), json=answer)
    assert refusal(refused) == (403, "not_the_collector")
    # What the broker asserts of the shop's dataset was released for the broker; the shop's own number counts alike.
    relay = relay_to(collector)
    assert refusal(collector.request("POST", path.format(other["id"]), json=answer)) == (404, "not_found")
    assert collector.post(path.format(relay["id"]), answer)["state"] == "completed"
    (seen,) = objections_of(person)
    (read,) = seen["answers"]
    assert (read["answer_text"], read["consent_record_id"]) == (answer["answer_text"], "EM-77")
    assert read["organisation"]["id"] == holders.shop_id
    assert origin_of(holders.party, 7)["contest"]["answered_at"] == read["recorded_at"]
    report = str(person.request("POST", "/v1/disclosures", json={"form": "json"}).json()["report"])
    assert answer["answer_text"] in report
    assert "EM-77" in report
    assert "a répondu le" in report
    assert made["id"] == seen["id"]
    objected = create_objection(person)
    mine = next(relay for relay in relays_to(collector) if relay["kind"] == "objection")
    assert refusal(collector.request("POST", path.format(mine["id"]), json=answer)) == (409, "not_a_contest")
    assert objected["kind"] == "objection"


def test_withdrawn_contest_ends_its_relays_and_is_printed_no_more(holders: Holders) -> None:
    person, stranger = holders.person(7), holders.person(8)
    made = contested(holders, person, 7)
    relay = relay_to(holders.party)
    holders.party.post(f"/v1/objections/relays/{relay['id']}/complete")
    path = f"/v1/objections/{made['id']}/withdraw"
    assert refusal(stranger.request("POST", path)) == (404, "not_found")
    taken = person.request("POST", path).json()
    assert taken["withdrawn_at"]
    assert taken["closed_at"]
    assert relay_states(taken) == {
        holders.shop_id: "undeliverable",
        str(holders.broker.id): "withdrawn",
        str(holders.party.id): "completed",
    }
    assert refusal(person.request("POST", path)) == (409, "already_withdrawn")
    assert origin_of(holders.party, 7)["contest"] is None
    late = holders.broker.request("POST", f"/v1/objections/relays/{relay_to(holders.broker)['id']}/complete")
    assert refusal(late) == (409, "relay_ended")
    report = str(person.request("POST", "/v1/disclosures", json={"form": "json"}).json()["report"])
    assert "Vous l’avez retirée le" in report
    again = contested(holders, person, 7)
    assert again["id"] != made["id"]
    objection = create_objection(person)
    refused = person.request("POST", f"/v1/objections/{objection['id']}/withdraw")
    assert refusal(refused) == (409, "not_a_contest")


def test_contest_of_what_is_no_origin_of_the_number_is_refused(holders: Holders, unknown_id: object) -> None:
    other = holders.registry.broker()
    foreign = collected(other, [300])
    person = holders.person(7)
    holdings = holders.party.lookup(number(7))["holdings"]
    (received,) = [row["dataset"]["id"] for row in holdings if row["dataset"]["holder"]["id"] == str(holders.party.id)]
    for dataset_id in (unknown_id, foreign["id"], received):
        assert refusal(contest(person, dataset_id)) == (404, "not_found")
    body: dict[str, Any] = {"kind": "contest"}
    assert refusal(person.request("POST", "/v1/objections", json=body)) == (422, "invalid_request")
    body = {"kind": "objection", "scope": "origin"}
    assert refusal(person.request("POST", "/v1/objections", json=body)) == (422, "invalid_request")


def test_same_contest_at_once_is_recorded_once(holders: Holders, dsn: str) -> None:
    person = holders.person(7)
    dataset_id = origin_of(holders.party, 7)["dataset"]["id"]
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda _: contest(person, dataset_id), range(3)))
    assert [response.status_code for response in made] == [201] * 3
    assert len({response.json()["id"] for response in made}) == 1
    assert rows(dsn, "SELECT count(*) FROM objection WHERE kind = 'contest'") == [(1,)]


def test_contest_of_an_unreleased_number_shows_no_number(holders: Holders) -> None:
    """Anybody can seal guessed numbers: until the operator releases them, their holder reads of no contest."""
    stranger = holders.registry.organisation(Role.BROKER, released=False)
    base = collected(stranger, [301])
    person = holders.person(301)
    made = contest(person, base["id"]).json()
    assert relay_states(made) == {str(stranger.id): "waiting"}
    assert relays_to(stranger) == []
    assert origin_of(stranger, 301)["contest"] is None
    released = holders.registry.operator().post(f"/v1/datasets/{base['id']}/release", {})
    assert released
    assert origin_of(stranger, 301)["contest"] is not None


def test_contest_reaches_a_collector_whose_holding_ended(holders: Holders) -> None:
    """It no longer has the file, and is asked by what it showed the agreement."""
    shop = holders.registry.collector()
    dataset = collected(shop, [77])
    shop.post(f"/v1/datasets/{dataset['id']}/end", {"occurred_at": "2025-01-01T00:00:00Z", "end_reason": "deleted"})
    made = contest(holders.person(77), dataset["id"])
    assert made.status_code == 201, made.text
    assert relay_states(made.json()) == {str(shop.id): "pending"}
    assert relay_to(shop)["origin_dataset_id"] == dataset["id"]


def test_correction_of_the_contested_dataset_takes_nothing_from_the_contest(holders: Holders) -> None:
    """Who is contested could otherwise switch the person's answer off, by stating that the file was not collected."""
    shop = holders.registry.collector()
    dataset, person = collected(shop, [78]), holders.person(78)
    made = contest(person, dataset["id"]).json()
    shop.post(f"/v1/datasets/{dataset['id']}/corrections", {"collection_id": None})
    (listed,) = objections_of(person)
    assert (listed["id"], listed["origin"]["collector"]["id"]) == (made["id"], str(shop.id))
    assert person.request("POST", "/v1/disclosures", json={"form": "json"}).status_code == 201
    relay = relay_to(shop)
    answered = shop.post(f"/v1/objections/relays/{relay['id']}/answer", {"answer_text": "Voici notre registre."})
    assert answered["state"] == "completed"
    assert contest(holders.person(78), dataset["id"]).status_code == 404
