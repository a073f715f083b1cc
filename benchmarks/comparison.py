"""One row of the results: a figure of the product, the figure it is compared with, and a target if there is one."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

TIMES = "×"


class Target(NamedTuple):
    """A bound: on the ratio to the yardstick if `unit` is ×, else on the product's own figure in that unit."""

    sense: Literal["≥", "≤"]
    bound: float
    unit: str = TIMES

    def __str__(self) -> str:
        return f"{self.sense} {self.bound:,.10g}{'' if self.unit == TIMES else ' '}{self.unit}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measured figure. `yardstick` is that of a plain method, a peer or the machine itself for the same work."""

    id: str
    work: str
    product: float
    yardstick: float | None
    unit: str
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """The product's figure divided by the yardstick's; None without a yardstick."""
        return self.product / self.yardstick if self.yardstick else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is no target, or no figure to compare."""
        if self.target is None:
            return None
        figure = self.ratio if self.target.unit == TIMES else self.product
        if figure is None:
            return None
        return figure >= self.target.bound if self.target.sense == "≥" else figure <= self.target.bound

    def as_json(self) -> dict[str, Any]:
        """The row as it is stored in `results.json`."""
        return {
            "id": self.id,
            "work": self.work,
            "product": self.product,
            "yardstick": self.yardstick,
            "unit": self.unit,
            "ratio": self.ratio,
            "target": str(self.target) if self.target else None,
            "met": self.met,
        }
