"""The acts of a party: a campaign, sent by itself or by its processor; its correction, and its cancellation."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import strategies as st

from tests.worlds.act import PARTIES, SENDER, Act, pick
from tests.worlds.model import Registry
from tests.worlds.rows import Campaign
from tests.worlds.told import RECORDED, Told

_WHEN = {"past": "in 2024", "now": "now", "planned": "in 2199"}


@dataclass(frozen=True)
class Send(Act):
    party: str
    sender: str | None
    datasets: tuple[str, ...]
    when: str
    corrects: str | None = None

    def __str__(self) -> str:
        correcting = f", correcting {self.corrects}" if self.corrects else ""
        sent = f"sends a campaign {_WHEN[self.when]} to {', '.join(self.datasets)}, by {self.sender or 'itself'}"
        return f"{self.party} {sent}{correcting}"

    def apply(self, world: Registry) -> str:
        return world.campaign(self.party, self.sender, self.datasets, when=self.when, corrects=self.corrects)

    def tell(self, told: Told) -> None:
        # Flags of what is corrected are written first, so that none depends on the speed of the worker.
        told.stage.settle()
        moments = {"past": "2024-06-06T10:00:00Z", "planned": "2199-06-06T10:00:00Z"}
        moment = moments.get(self.when) or datetime.now(UTC).isoformat()
        body = {
            "party_id": told.ids[self.party],
            "sender_id": told.ids[self.sender] if self.sender else None,
            "name": "Dernier appel",
            "originator": "38001",
            "message_text": "Votez.",
            "began_at": moment,
            "ended_at": moment,
            "dataset_ids": [told.ids[name] for name in self.datasets],
            "corrects_id": told.ids[self.corrects] if self.corrects else None,
        }
        campaign = told.callers[self.party].post("/v1/campaigns", body)
        told.name(self.apply(told.world), campaign["id"])


@dataclass(frozen=True)
class Cancel(Act):
    campaign: str
    party: str

    def __str__(self) -> str:
        return f"{self.party} states that {self.campaign} is not sent"

    def apply(self, world: Registry) -> str:
        return world.cancel(self.campaign)

    def tell(self, told: Told) -> None:
        body = {"occurred_at": RECORDED, "reason": "Rien n'est parti."}
        told.callers[self.party].post(f"/v1/campaigns/{told.ids[self.campaign]}/cancellation", body)
        self.apply(told.world)


def draw_send(draw: st.DrawFn, world: Registry) -> Act | None:
    return _send(draw, world, draw(st.sampled_from(PARTIES)), None)


def draw_correct_campaign(draw: st.DrawFn, world: Registry) -> Act | None:
    row = pick(draw, (row for row in world.campaigns.values() if not row.corrected))
    return _send(draw, world, row.party, row) if row else None


def _send(draw: st.DrawFn, world: Registry, party: str, corrects: Campaign | None) -> Act | None:
    sender, when = draw(st.sampled_from([None, SENDER])), draw(st.sampled_from(sorted(_WHEN)))
    rows = [row for row in world.datasets.values() if row.holder == party and world.is_usable(row)]
    own = [row.name for row in rows if when == "past" or not row.ended]
    if not own:
        return None
    names = draw(st.lists(st.sampled_from(own), min_size=1, max_size=2, unique=True))
    return Send(party, sender, tuple(names), when, corrects.name if corrects else None)


def draw_cancel(draw: st.DrawFn, world: Registry) -> Act | None:
    row = pick(draw, (row for row in world.campaigns.values() if row.counts))
    return Cancel(row.name, row.party) if row else None
