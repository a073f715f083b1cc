"""Every row of the story's table of facts, through HTTP."""

import pytest

from service.demo.expected_answers import (
    EXPECTED_ANSWERS,
    EXPECTED_IMPACTS,
    ExpectedAnswer,
    ExpectedImpact,
    differences,
    impact_differences,
)
from service.provenance.answer.schemas import Answer
from service.provenance.lineage.schemas import ImpactOut
from tests.scenario.conftest import Scenario


@pytest.mark.parametrize("expected", EXPECTED_ANSWERS, ids=lambda expected: f"{expected.number:04}")
def test_the_regulator_is_told_every_fact(scenario: Scenario, expected: ExpectedAnswer) -> None:
    answer = Answer.model_validate(scenario.answer("cnil", expected.number))
    assert differences(expected, answer) == []


def test_the_checker_finds_a_wrong_answer(scenario: Scenario) -> None:
    other = Answer.model_validate(scenario.answer("cnil", 4600))
    assert differences(EXPECTED_ANSWERS[1], other)


@pytest.mark.parametrize("expected", EXPECTED_IMPACTS, ids=lambda expected: expected.notice)
def test_a_notice_reached_exactly_these(scenario: Scenario, expected: ExpectedImpact) -> None:
    notice_id = scenario.told.ids[expected.notice]
    impact = ImpactOut.model_validate(scenario.caller("cnil").get(f"/v1/notices/{notice_id}/impact"))
    assert impact_differences(expected, impact, scenario.told.ids) == []


@pytest.mark.parametrize(
    ("notice", "reached", "spared"),
    [
        ("JL-1", {"D8", "D9", "rivage", "C2"}, {"D6", "D7", "aube", "C1", "C3"}),
        ("CA-1", {"D6", "D8", "aube", "C1", "revente-data"}, {"D7", "D9", "rivage", "C2", "C3"}),
    ],
)
def test_a_union_leads_to_no_false_origin(scenario: Scenario, notice: str, reached: set[str], spared: set[str]) -> None:
    impact = str(scenario.caller("cnil").get(f"/v1/notices/{scenario.told.ids[notice]}/impact"))
    assert {code for code in reached | spared if scenario.told.ids[code] in impact} == reached


@pytest.mark.parametrize(
    ("transfer", "status", "extra", "missing"),
    [
        ("T5", "confirmed", 0, 0),
        ("T6", "disputed", 4, 0),
        ("T7", "acknowledged", None, None),
        ("T8", "declared", None, None),
    ],
)
def test_transfers_have_the_status_that_their_recipients_gave_them(
    scenario: Scenario, transfer: str, status: str, extra: int | None, missing: int | None
) -> None:
    found = scenario.caller("cnil").get(f"/v1/transfers/{scenario.told.ids[transfer]}")
    assert found["status"] == status
    last = found["statements"][-1]
    assert (last["extra_count"], last["missing_count"]) == (extra, missing)


@pytest.mark.parametrize(
    ("dataset", "numbers", "orphans"),
    [("D1", 3000, 0), ("D5", 8500, 0), ("D6", 3500, 0), ("D7", 3504, 4), ("D8", 4000, 0), ("D9", 1000, 0)],
)
def test_datasets_are_counted(scenario: Scenario, dataset: str, numbers: int, orphans: int) -> None:
    found = scenario.caller("cnil").get(f"/v1/datasets/{scenario.told.ids[dataset]}")
    assert (found["number_count"], found["orphan_count"]) == (numbers, orphans)


def test_the_orphans_are_listed_to_their_holder_only(scenario: Scenario) -> None:
    path = f"/v1/datasets/{scenario.told.ids['D7']}/orphans"
    listed = scenario.caller("rivage").get(path)["numbers"]
    assert sorted(listed) == [f"+3363998{last}" for last in range(9000, 9004)]
    for other in ("contact-direct", "aube", "enseigne-maison", "revente-data"):
        assert scenario.caller(other).request("GET", path).status_code == 404
