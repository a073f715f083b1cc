"""Whether anybody holds a number is not told by how long its owner waits."""

from statistics import median
from time import perf_counter

from service.disclosure.operations import tell
from service.wording.language import Language
from tests.disclosure.conftest import Owners

ROUNDS = 9
# What a network adds to and takes from an answer hides far more.
UNSEEN_SECONDS = 0.02


def test_that_nobody_holds_a_number_takes_as_long_to_tell(owners: Owners) -> None:
    persons = {last_four: owners.person(last_four) for last_four in (9999, 5200)}
    taken: dict[int, list[float]] = {last_four: [] for last_four in persons}
    for _ in range(ROUNDS):
        for last_four, person in persons.items():
            began = perf_counter()
            owners.call(tell, person, Language.FR)
            taken[last_four].append(perf_counter() - began)
    assert abs(median(taken[9999]) - median(taken[5200])) < UNSEEN_SECONDS
