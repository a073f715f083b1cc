"""The act of a party: a campaign, sent by itself or by its processor."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import strategies as st

from tests.worlds.act import PARTIES, SENDER, Act
from tests.worlds.model import Registry
from tests.worlds.told import Told


@dataclass(frozen=True)
class Send(Act):
    party: str
    sender: str | None
    datasets: tuple[str, ...]
    past: bool

    def __str__(self) -> str:
        when = "in 2024" if self.past else "now"
        return f"{self.party} sends a campaign {when} to {', '.join(self.datasets)}, by {self.sender or 'itself'}"

    def apply(self, world: Registry) -> str:
        return world.campaign(self.party, self.sender, self.datasets, past=self.past)

    def tell(self, told: Told) -> None:
        moment = "2024-06-06T10:00:00Z" if self.past else datetime.now(UTC).isoformat()
        body = {
            "party_id": told.ids[self.party],
            "sender_id": told.ids[self.sender] if self.sender else None,
            "name": "Dernier appel",
            "originator": "38001",
            "message_text": "Votez.",
            "began_at": moment,
            "ended_at": moment,
            "dataset_ids": [told.ids[name] for name in self.datasets],
        }
        campaign = told.callers[self.party].post("/v1/campaigns", body)
        told.name(self.apply(told.world), campaign["id"])


def draw_send(draw: st.DrawFn, world: Registry) -> Act | None:
    party = draw(st.sampled_from(PARTIES))
    own = [row.name for row in world.datasets.values() if row.holder == party and world.is_held(row)]
    if not own:
        return None
    names = draw(st.lists(st.sampled_from(own), min_size=1, max_size=2, unique=True))
    return Send(party, draw(st.sampled_from([None, SENDER])), tuple(names), draw(st.booleans()))
