"""The part of the naive registry that is about contests."""

from abc import abstractmethod

from tests.worlds.notices import NoticeRules
from tests.worlds.rows import Dataset, Objection, Organisation, Relay
from tests.worlds.standings import View


class ContestRules(NoticeRules):
    """What a person contests, whom that reaches, and what becomes of it."""

    organisations: dict[str, Organisation]
    datasets: dict[str, Dataset]
    objections: dict[str, Objection]

    @property
    @abstractmethod
    def view(self) -> View: ...

    @abstractmethod
    def current_holdings(self, number: int) -> list[Dataset]: ...

    @abstractmethod
    def _next(self) -> int: ...

    def contest(self, number: int, origin: str) -> str:
        """A person did not give an agreement: told to its collector, and to who holds the number by a path of it."""
        collection = self.collections[self.latest_collection(self.datasets[origin].collection or "")]
        holding = self.current_holdings(number)
        found = {row.holder for row in holding if origin in self.view.upstream(number, row.name)}
        name = f"O{len(self.objections) + 1}"
        row = self.objections[name] = Objection(name, number, False, None, None, self._next(), origin)
        for holder in sorted(found | {collection.collector}):
            row.relays.append(Relay(holder, "open" if self.organisations[holder].account else "undeliverable"))
        return name

    def withdraw_contest(self, objection: str) -> str:
        row = self.objections[objection]
        row.withdrawn = True
        for relay in row.relays:
            relay.state = "withdrawn" if relay.is_open else relay.state
        return objection

    def is_contested(self, number: int, origin: str) -> bool:
        rows = self.objections.values()
        return any((row.number, row.origin) == (number, origin) and not row.withdrawn for row in rows)
