"""How long its owner waits does not show whether a number is held."""

from statistics import median
from time import perf_counter

from service.disclosure.operations import get_report
from service.wording.language import Language
from tests.disclosure.conftest import Owners

ROUNDS = 9
# What a network adds to and takes from an answer hides far more.
UNSEEN_SECONDS = 0.02


def test_get_report_takes_as_long_for_a_number_that_nobody_holds(owners: Owners) -> None:
    persons = {last_four: owners.person(last_four) for last_four in (9999, 5200)}
    seconds: dict[int, list[float]] = {last_four: [] for last_four in persons}
    for _ in range(ROUNDS):
        for last_four, person in persons.items():
            began = perf_counter()
            owners.call(get_report, person, Language.FR)
            seconds[last_four].append(perf_counter() - began)
    assert abs(median(seconds[9999]) - median(seconds[5200])) < UNSEEN_SECONDS
