"""Mappings of one state of the facts while the next state is made from it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Edited(Generic[Key, Value]):
    """A mapping that is copied at its first change, so that whoever reads the original goes on seeing one state.

    `changed` are the keys whose value is another than in the original.
    """

    __slots__ = ("_copied", "_original", "changed", "current")

    def __init__(self, original: Mapping[Key, Value]) -> None:
        self._original, self._copied = original, False
        self.current: Mapping[Key, Value] = original
        self.changed: set[Key] = set()

    def put(self, key: Key, value: Value | None) -> None:
        """Give a key a value, or remove it. An equal value leaves the old one in its place."""
        if self.current.get(key) == value:
            return
        if not self._copied:
            self.current, self._copied = dict(self._original), True
        assert isinstance(self.current, dict)
        if value is None:
            del self.current[key]
        else:
            self.current[key] = value
        self.changed.add(key)

    def put_all(self, keys: Iterable[Key], values: Mapping[Key, Value]) -> None:
        """Give each of these keys its value in `values`, and remove those that have none there."""
        for key in keys:
            self.put(key, values.get(key))
