"""Random sequences of parts, replacements, statements and sealings, beside a naive model of which dates are in doubt.

The model keeps the cells of each part, and judges them again each time. It knows which order the files were written
in: whatever the service lets through must have been read in that order.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.callers import Caller, Registry
from tests.dataset.test_consent_dates import collected, seal, send, state
from tests.inspection import refusal

# Each file has lines of one kind, in the order in which all files were written: day and month, as numbers.
KINDS = {
    "decides": [(26, 3), (27, 3), (4, 11)],
    "decides too": [(31, 1)],
    "leaves open": [(4, 11), (5, 12)],
    "leaves open too": [(1, 2)],
    "leaves open with hyphens": [(4, 11)],
    "decides with hyphens": [(26, 3), (4, 11)],
    "says nothing": [(5, 5)],
}
PARTS = (1, 2, 3)


def write(kind: str, order: str) -> list[str]:
    first = {"day_first": "{day:02}/{month:02}/2022", "month_first": "{month:02}/{day:02}/2022"}[order]
    sign = "-" if "hyphens" in kind else "/"
    return [first.format(day=day, month=month).replace("/", sign) for day, month in KINDS[kind]]


@dataclass
class SentPart:
    """The cells of a stored part, the format that was stated when it was read, and whether for itself."""

    cells: list[str]
    read_with: str | None
    is_own: bool

    def sign(self) -> str:
        return self.cells[0][2]

    def numbers(self) -> list[tuple[int, int]]:
        return [(int(cell[:2]), int(cell[3:5])) for cell in self.cells]

    def decides_for(self, order: str) -> bool:
        place = 0 if order == "day_first" else 1
        return any(pair[place] > 12 for pair in self.numbers())

    def is_open(self) -> bool:
        return any(first <= 12 and second <= 12 and first != second for first, second in self.numbers())

    def shows_order(self) -> bool:
        return self.is_open() or self.decides_for("day_first") or self.decides_for("month_first")


@dataclass
class Model:
    """What the service must do."""

    stated: str | None = None
    parts: dict[int, SentPart] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)

    def is_stated(self, part: SentPart) -> bool:
        return part.is_own or (self.stated is not None and self.stated == (part.read_with or "day_first"))

    def is_outdated(self, part: SentPart) -> bool:
        return self.stated is not None and not self.is_stated(part) and part.shows_order()

    def has_month_first(self, part: SentPart) -> bool:
        return self.is_stated(part) and part.read_with == "month_first" and part.shows_order()

    def by_lines_alone(self, part: SentPart) -> bool:
        return not self.is_stated(part) and not self.is_outdated(part) and part.decides_for("day_first")

    def send(self, number: int, cells: list[str], own: str | None) -> str:
        part = SentPart(cells, own or self.stated, own is not None)
        if part.read_with is None and part.decides_for("month_first"):
            self.refused.add(number)
            return "dates_month_first"
        others = [other for at, other in self.parts.items() if at != number]
        month = any(self.has_month_first(other) for other in others)
        day = any(self.by_lines_alone(other) for other in others)
        if (self.has_month_first(part) and day) or (self.by_lines_alone(part) and month):
            if part.read_with == "month_first":
                self.refused.add(number)
            return "dates_in_other_order"
        self.refused.discard(number)
        self.parts[number] = part
        return "taken"

    def seal(self) -> str:
        if not self.parts:
            return "no_parts_uploaded"
        if not any(self.accepted(part) for part in self.parts.values()):
            return "no_numbers"
        if len(self.parts) != max(self.parts):
            return "parts_missing"
        if any(map(self.is_outdated, self.parts.values())):
            return "parts_read_otherwise"
        open_parts = [part for part in self.parts.values() if not self.is_stated(part) and part.is_open()]
        if open_parts and (self.refused or any(map(self.has_month_first, self.parts.values()))):
            return "date_order_in_doubt"
        decided = {
            part.sign()
            for part in self.parts.values()
            if part.decides_for("day_first") or (self.is_stated(part) and part.shows_order())
        }
        return "date_order_unstated" if {part.sign() for part in open_parts} - decided else "sealed"

    def accepted(self, part: SentPart) -> int:
        wrong = 1 if (part.read_with or "day_first") == "day_first" else 0
        return sum(pair[wrong] <= 12 for pair in part.numbers())


SENDINGS = st.tuples(st.just("send"), st.sampled_from(PARTS), st.sampled_from(sorted(KINDS)), st.booleans())
STATEMENTS = st.tuples(st.just("state"))
SEALINGS = st.tuples(st.just("seal"))
STEPS = st.lists(st.one_of(SENDINGS, SENDINGS, SENDINGS, STATEMENTS, SEALINGS), min_size=3, max_size=9)


@given(STEPS, st.sampled_from(["day_first", "month_first"]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_seal_after_any_sequence_reads_every_date_in_the_order_in_which_it_was_written(
    registry: Registry, steps: list[tuple[Any, ...]], order: str
) -> None:
    shop = registry.collector()
    dataset_id, model = collected(shop), Model()
    for step in [*steps, ("seal",)]:
        found, expected = _do(shop, dataset_id, model, step, order)
        assert found == expected, (step, model)
        if found == "sealed":
            assert all(
                (part.read_with or "day_first") == order or not part.is_open() for part in model.parts.values()
            ), model
            return


def _do(shop: Caller, dataset_id: str, model: Model, step: tuple[Any, ...], order: str) -> tuple[str, str]:
    if step[0] == "state":
        model.stated = order
        return str(state(shop, dataset_id, order).json()["date_format"]), order
    if step[0] == "seal":
        answer = seal(shop, dataset_id)
        if answer.status_code == 202:
            shop.finish(answer.json())
            return "sealed", model.seal()
        return refusal(answer)[1], model.seal()
    _, number, kind, states_order = step
    if number > 1 and 1 not in model.parts:
        number = 1
    cells, own = write(kind, order), order if states_order else None
    answer = send(shop, dataset_id, cells, number, **({"date_format": own} if own else {}))
    found = "taken" if answer.status_code == 200 else refusal(answer)[1]
    return found, model.send(number, cells, own)
