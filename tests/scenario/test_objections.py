"""The story's two objections: a letter to the broker on 20 May, and a STOP to the first campaign."""

from tests.builders import number
from tests.inspection import until
from tests.persons import PersonCaller, prove
from tests.scenario.conftest import Scenario


def person(scenario: Scenario, last_four: int) -> PersonCaller:
    """The owner of a number, verified."""
    return prove(scenario.client, scenario.dsn, number(last_four))


def flagged(owner: PersonCaller) -> set[str]:
    """The datasets and campaigns that are flagged for a person's only objection."""
    (seen,) = owner.request("GET", "/v1/objections").json()["items"]
    return {flag["dataset_id"] or flag["campaign"]["id"] for flag in seen["flags"]}


def test_letter_of_7777_is_relayed_to_holders_and_flags_what_came_later(scenario: Scenario) -> None:
    ids = scenario.story.ids
    owner = person(scenario, 7777)
    (seen,) = owner.request("GET", "/v1/objections").json()["items"]
    assert (seen["id"], seen["source"], seen["scope"]) == (ids["O1"], "holder", "everything")
    assert (seen["occurred_at"], seen["recorded_by"]["id"]) == ("2024-05-20T10:00:00Z", ids["contact-direct"])
    assert {relay["holder"]["id"]: relay["state"] for relay in seen["relays"]} == {
        ids["contact-direct"]: "acknowledged",
        ids["enseigne-maison"]: "pending",
    }

    later = {ids[code] for code in ("X6", "D6", "X7", "D7", "C1", "C2", "C3")}
    assert until(lambda: flagged(owner) == later)


def test_stop_of_6666_is_relayed_to_every_holder(scenario: Scenario) -> None:
    ids = scenario.story.ids
    owner = person(scenario, 6666)
    (seen,) = owner.request("GET", "/v1/objections").json()["items"]
    assert (seen["id"], seen["source"], seen["campaign"]["id"]) == (ids["O2"], "stop", ids["C1"])
    assert (seen["occurred_at"], seen["recorded_by"]["id"]) == ("2024-06-06T08:40:00Z", ids["aube"])
    assert {relay["holder"]["id"] for relay in seen["relays"]} == {
        ids[code] for code in ("enseigne-maison", "contact-direct", "aube", "rivage")
    }
    assert until(lambda: flagged(owner) == {ids["C2"], ids["C3"]})


def test_flagged_numbers_of_later_campaign_show_both(scenario: Scenario) -> None:
    rivage, ids = scenario.caller("rivage"), scenario.story.ids

    def numbers(subject: str) -> set[str]:
        answer = rivage.request("GET", f"/v1/objections/flags/{ids[subject]}/numbers")
        return {flagged["number"] for flagged in answer.json().get("items", ())}

    assert until(lambda: numbers("C3") == {number(6666), number(7777)})
    assert until(lambda: numbers("D7") == {number(7777)})
