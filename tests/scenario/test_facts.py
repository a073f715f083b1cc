"""Every fact of the story, read through HTTP."""

from typing import Any

from service.demo.expected_answers import (
    EXPECTED_ANSWERS,
    EXPECTED_IMPACTS,
    differences,
    impact_differences,
)
from service.provenance.answer.schemas import Answer
from service.provenance.lineage.schemas import ImpactOut
from tests.scenario.conftest import Scenario


def test_answer_for_regulator_states_every_fact(scenario: Scenario) -> None:
    answers = {
        expected.number: Answer.model_validate(scenario.answer("cnil", expected.number))
        for expected in EXPECTED_ANSWERS
    }
    found = {expected.number: differences(expected, answers[expected.number]) for expected in EXPECTED_ANSWERS}
    assert {number: wrong for number, wrong in found.items() if wrong} == {}


def test_differences_with_another_answer_are_found(scenario: Scenario) -> None:
    other = Answer.model_validate(scenario.answer("cnil", 4600))
    assert differences(EXPECTED_ANSWERS[1], other)


def impact_of(scenario: Scenario, notice: str) -> Any:
    """The impact of a notice as the regulator sees it."""
    return scenario.caller("cnil").get(f"/v1/notices/{scenario.story.ids[notice]}/impact")


def test_impact_of_notice_is_what_its_numbers_reached(scenario: Scenario) -> None:
    ids = scenario.story.ids
    found = {
        expected.notice: impact_differences(
            expected, ImpactOut.model_validate(impact_of(scenario, expected.notice)), ids
        )
        for expected in EXPECTED_IMPACTS
    }
    assert {notice: wrong for notice, wrong in found.items() if wrong} == {}


def test_impact_of_notice_does_not_pass_through_unions(scenario: Scenario) -> None:
    reached_and_not = {
        "JL-1": ({"D8", "D9", "rivage", "C2"}, {"D6", "D7", "aube", "C1", "C3"}),
        "CA-1": ({"D6", "D8", "aube", "C1", "revente-data"}, {"D7", "D9", "rivage", "C2", "C3"}),
    }
    for notice, (reached, not_reached) in reached_and_not.items():
        impact = str(impact_of(scenario, notice))
        assert {code for code in reached | not_reached if scenario.story.ids[code] in impact} == reached, notice


def test_status_of_transfer_is_what_its_recipient_stated(scenario: Scenario) -> None:
    stated = {
        "T5": ("confirmed", 0, 0),
        "T6": ("disputed", 4, 0),
        "T7": ("acknowledged", None, None),
        "T8": ("declared", None, None),
    }
    found = {}
    for code in stated:
        transfer = scenario.caller("cnil").get(f"/v1/transfers/{scenario.story.ids[code]}")
        last = transfer["statements"][-1]
        found[code] = (transfer["status"], last["extra_count"], last["missing_count"])
    assert found == stated


def test_counts_of_datasets(scenario: Scenario) -> None:
    counts = {
        "D1": (3000, 0),
        "D5": (8500, 0),
        "D6": (3500, 0),
        "D7": (3504, 4),
        "D8": (4000, 0),
        "D9": (1000, 0),
    }
    found = {}
    for code in counts:
        dataset = scenario.caller("cnil").get(f"/v1/datasets/{scenario.story.ids[code]}")
        found[code] = (dataset["number_count"], dataset["orphan_count"])
    assert found == counts


def test_list_orphans_is_for_their_holder_only(scenario: Scenario) -> None:
    path = f"/v1/datasets/{scenario.story.ids['D7']}/orphans"
    listed = scenario.caller("rivage").get(path)["numbers"]
    assert sorted(listed) == [f"+3363998{last}" for last in range(9000, 9004)]
    for other in ("contact-direct", "aube", "enseigne-maison", "revente-data"):
        assert scenario.caller(other).request("GET", path).status_code == 404
