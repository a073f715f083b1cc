"""What each organisation sees of the same numbers: everything upstream, one hop down, never sideways."""

import json
from typing import Any

from tests.scenario.conftest import Scenario

JEUX, COMPARAUTO, ENSEIGNE = "Jeux & Lots SARL", "Comparauto SAS", "Enseigne Maison SA"
CONTACT, REVENTE = "Contact Direct SAS", "Revente Data SARL"
AUBE, RIVAGE = "Parti de l'Aube", "Mouvement du Rivage"


def _origins(answer: Any) -> set[str]:
    return {origin["notice"]["code"] for origin in answer["origins"]}


def _recipients(answer: Any) -> set[str]:
    return {recipient["organisation"]["legal_name"] for recipient in answer["recipients"]}


def _campaigns(answer: Any) -> int:
    return len(answer["campaigns"])


# Who looks up which number, and the notices, the recipients and the count of campaigns in its answer.
SEEN = [
    ("enseigne-maison", 5200, {"EM-1"}, {CONTACT}, 0),
    ("enseigne-maison", 1500, set(), set(), 0),
    ("contact-direct", 5200, {"CA-2", "EM-1"}, {CONTACT, AUBE, RIVAGE}, 0),
    ("contact-direct", 1500, {"JL-1"}, {CONTACT, REVENTE}, 0),
    ("contact-direct", 2500, {"JL-1", "CA-1"}, {CONTACT, REVENTE}, 0),
    ("contact-direct", 9001, set(), set(), 0),
    ("revente-data", 1500, {"JL-1"}, {CONTACT, REVENTE, RIVAGE}, 0),
    ("revente-data", 2500, {"JL-1", "CA-1"}, {CONTACT, REVENTE}, 0),
    ("revente-data", 5200, set(), set(), 0),
    ("aube", 4600, {"CA-1", "EM-1"}, {CONTACT, AUBE}, 1),
    ("aube", 5200, {"CA-2", "EM-1"}, {CONTACT, AUBE}, 1),
    ("aube", 1500, set(), set(), 0),
    ("aube", 9001, set(), set(), 0),
    ("rivage", 5200, {"CA-2", "EM-1"}, {CONTACT, RIVAGE}, 2),
    ("rivage", 1500, {"JL-1"}, {CONTACT, REVENTE, RIVAGE}, 1),
    ("rivage", 4600, set(), set(), 0),
    ("rivage", 9001, set(), {RIVAGE}, 2),
    ("routage for aube", 5200, {"CA-2", "EM-1"}, {CONTACT, AUBE}, 1),
    ("routage for rivage", 5200, {"CA-2", "EM-1"}, {CONTACT, RIVAGE}, 2),
]


def test_look_up_shows_each_organisation_what_it_may_see(scenario: Scenario) -> None:
    found = []
    for who, last_four, *_ in SEEN:
        answer = scenario.answer(who, last_four)
        found.append((who, last_four, _origins(answer), _recipients(answer), _campaigns(answer)))
    assert [line for line in found if line not in SEEN] == []


# Who looks up which number, and what may stand nowhere in its answer.
NEVER = [
    ("aube", 5200, [RIVAGE, "rivage", REVENTE, JEUX, "38002"]),
    ("aube", 6000, [RIVAGE, REVENTE, JEUX, "38002"]),
    ("rivage", 5200, [AUBE, "aube", "38001"]),
    ("rivage", 1500, [AUBE, COMPARAUTO, ENSEIGNE, "38001"]),
    ("enseigne-maison", 5200, [AUBE, RIVAGE, REVENTE, COMPARAUTO]),
    ("contact-direct", 1500, [RIVAGE, AUBE]),
    ("revente-data", 1500, [AUBE, ENSEIGNE, COMPARAUTO]),
]


def test_look_up_shows_nothing_sideways(scenario: Scenario) -> None:
    found = []
    for who, last_four, never in NEVER:
        answer = scenario.answer(who, last_four)
        assert answer["held"], (who, last_four)
        # The wording is evidence and is shown unchanged, whatever organisations it names.
        for origin in answer["origins"]:
            origin["notice"].pop("wording")
        text = json.dumps(answer, ensure_ascii=False)
        found += [(who, last_four, name) for name in never if name in text]
    assert found == []


def test_look_up_shows_the_partner_list_in_force_unchanged(scenario: Scenario) -> None:
    """6000 opted in when the list named the other party. That name is part of the evidence and is shown with it."""
    answer = scenario.answer("rivage", 6000)
    (origin,) = [origin for origin in answer["origins"] if origin["notice"]["code"] == "CA-2"]
    assert AUBE in json.dumps(origin["partner_list"], ensure_ascii=False)
    earlier = scenario.answer("rivage", 5200)
    assert AUBE not in json.dumps(earlier, ensure_ascii=False)


def test_look_up_of_a_number_that_nobody_holds_is_empty(scenario: Scenario) -> None:
    for who in ("cnil", "aube", "contact-direct"):
        answer = scenario.answer(who, 9999)
        assert not answer["held"]
        assert answer["chains"] == answer["recipients"] == answer["transfers"] == []


# Who lists what, and the codes of what the list shows.
LISTED = [
    ("aube", "datasets", {"D2", "D3", "D4", "R2", "R3", "R4", "D5", "X6", "D6"}),
    ("rivage", "datasets", {"D1", "D3", "D4", "R1", "R3", "R4", "D5", "X7", "D7", "X8", "D8", "X9", "D9"}),
    ("revente-data", "datasets", {"D1", "D2", "R1", "R2", "X8", "D8", "X9"}),
    ("enseigne-maison", "datasets", {"D4"}),
    ("aube", "transfers", {"T2", "T3", "T4", "T5"}),
    ("rivage", "transfers", {"T1", "T3", "T4", "T6", "T7", "T8"}),
    ("contact-direct", "transfers", {"T1", "T2", "T3", "T4", "T5", "T6", "T7"}),
    ("enseigne-maison", "transfers", {"T4"}),
    ("revente-data", "transfers", {"T1", "T2", "T7", "T8"}),
    ("aube", "campaigns", {"C1"}),
    ("rivage", "campaigns", {"C2", "C3"}),
    ("routage for aube", "campaigns", {"C1"}),
    ("contact-direct", "campaigns", set()),
]


def test_list_shows_the_same_as_answers(scenario: Scenario) -> None:
    codes_of = {identity: code for code, identity in scenario.story.ids.items()}
    found = []
    for who, collection, _ in LISTED:
        items = scenario.caller(who).get(f"/v1/{collection}")["items"]
        # Other tests of the process record facts of their own beside the scenario.
        found.append((who, collection, {codes_of[item["id"]] for item in items if item["id"] in codes_of}))
    assert [line for line in found if line not in LISTED] == []


# Who lists organisations and notices, and what no list shows: suppliers of whose numbers it got none.
NOT_LISTED = [
    ("aube", [JEUX, REVENTE, RIVAGE, "JL-1"]),
    ("rivage", ["CA-1"]),
    ("revente-data", [ENSEIGNE, AUBE, "EM-1", "CA-2"]),
]


def test_list_names_no_supplier_whose_numbers_did_not_come(scenario: Scenario) -> None:
    found = []
    for who, never in NOT_LISTED:
        organisations = scenario.caller(who).get("/v1/organisations")["items"]
        notices = scenario.caller(who).get("/v1/notices")["items"]
        names = {row["legal_name"] for row in organisations} | {row["code"] for row in notices}
        found += [(who, name) for name in never if name in names]
    assert found == []


def test_get_lineage_leaves_out_ancestors_that_gave_no_number(scenario: Scenario) -> None:
    lineage = json.dumps(scenario.caller("rivage").get(f"/v1/datasets/{scenario.story.ids['D7']}/lineage"))
    shown = {
        code
        for code in ("D1", "D2", "D3", "D4", "R1", "R2", "R3", "R4", "D5", "X7")
        if scenario.story.ids[code] in lineage
    }
    assert shown == {"D3", "D4", "R3", "R4", "D5", "X7"}


def test_look_up_as_regulator_is_recorded(scenario: Scenario) -> None:
    scenario.answer("cnil", 5200, reason="Réclamation 17")
    inspections = scenario.caller("cnil").get("/v1/inspections", params={"limit": 1000})["items"]
    assert ("look_up_number", "Réclamation 17") in [(look["operation"], look["reason"]) for look in inspections]
