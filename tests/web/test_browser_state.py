"""The cookie of a site carries its state, opens with its own name only, and is out of reach of scripts."""

from fastapi import Response
from hypothesis import given
from hypothesis import strategies as st

from service.web.browser_state import StateCookie
from tests.persons import ring_of_tests
from tests.web.small_site import State

RING = ring_of_tests()
COOKIE = StateCookie("__Host-small-state", State)


def _value(state: State) -> str:
    response = Response()
    COOKIE.set(response, RING, state)
    return response.headers["set-cookie"].partition("=")[2].partition(";")[0]


@given(name=st.none() | st.text(), flash=st.none() | st.text())
def test_state_survives_its_cookie(name: str | None, flash: str | None) -> None:
    state = State(name=name, flash=flash)
    assert COOKIE.read(RING, _value(state)) == state


def test_state_is_not_readable_in_its_cookie() -> None:
    assert b"Anne".hex() not in _value(State(name="Anne"))


def test_cookie_of_another_name_or_changed_is_not_read() -> None:
    value = _value(State())
    assert StateCookie("__Host-other-state", State).read(RING, value) is None
    changed = (None, "", "x", value[:-2], ("0" if value[0] != "0" else "1") + value[1:])
    assert [given for given in changed if COOKIE.read(RING, given) is not None] == []


def test_cookie_is_of_the_host_alone_and_out_of_reach() -> None:
    response = Response()
    COOKIE.set(response, RING, State())
    parts = response.headers["set-cookie"].lower().split("; ")
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(parts)
    assert [part for part in parts if part.startswith("domain")] == []
