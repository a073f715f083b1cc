"""JSON that a route reads: everything that is documented fits within the bounds. Which routes wait for no turns."""

import json

import pytest

from service.core.bounded_route import DEEPEST, MOST_VALUES, MOST_VALUES_OF_LIST, read_json
from service.core.errors import TooManyValues
from service.core.turns import is_served_first
from tests.routes import ROUTES


def test_longest_documented_bodies_are_within_the_bounds() -> None:
    partners = [{"name": "Contact Direct SAS", "organisation_id": "01890000"}] * 10_000
    received = [{"number": "+33639980042", "occurred_at": "2024-05-20T10:00:00+02:00", "text": "Stop !"}] * 1000
    assert read_json(json.dumps({"partners": partners}).encode(), MOST_VALUES_OF_LIST)["partners"] == partners
    assert read_json(json.dumps({"numbers": received}).encode(), MOST_VALUES)["numbers"] == received


def test_values_and_levels_beyond_the_bounds_are_refused() -> None:
    assert read_json(b"[" * DEEPEST + b"]" * DEEPEST, MOST_VALUES)
    for body in (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), b"[" + b"1," * MOST_VALUES + b"1]"):
        with pytest.raises(TooManyValues):
            read_json(body, MOST_VALUES)


def test_only_questions_that_somebody_waits_for_are_served_before_other_work() -> None:
    first = {route.name for route in ROUTES if is_served_first(route.endpoint)}
    assert first == {"look_up_number", "create_objection", "contest_origin", "get_health", "get_alive", "get_ready"}
