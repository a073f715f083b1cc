"""What lives as long as a process, found by its type."""

import pytest

from service.core.resources import Resources


class Lamp:
    """Something that a process has."""


def test_get_gives_the_object_of_that_type() -> None:
    lamp = Lamp()
    assert Resources("text", lamp).get(Lamp) is lamp


def test_get_without_such_an_object_names_the_type() -> None:
    with pytest.raises(LookupError, match="This process has no Lamp"):
        Resources().get(Lamp)


def test_add_a_second_object_of_a_type_is_refused() -> None:
    with pytest.raises(ValueError, match="This process already has a Lamp"):
        Resources(Lamp()).add(Lamp())
