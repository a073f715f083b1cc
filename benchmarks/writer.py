"""An organisation's clerks at work: facts of every kind, at a steady rate, while others ask."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle
from random import choices
from string import ascii_lowercase
from threading import Event
from typing import Any, Final

from benchmarks import files
from benchmarks.big_market import Market
from benchmarks.registration import open_dataset, upload_part
from benchmarks.service import Service
from benchmarks.trade import make_transfer

_PDF: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
)
_FIRST_NUMBER: Final = 30_000_000


@dataclass
class Writer:
    """What the clerks of a market record. `count` is how many acts they have done."""

    service: Service
    market: Market
    count: int = 0
    _last: dict[str, Any] = field(default_factory=dict)
    # Several writers work in one market, where no two organisations may have one name.
    _letters: str = field(default_factory=lambda: "".join(choices(ascii_lowercase, k=12)))  # noqa: S311  (no secret)

    def __post_init__(self) -> None:
        self._acts: Iterator[Callable[[], Any]] = cycle([
            self._name_organisation,
            self._register_notice,
            self._add_partner_list,
            self._add_evidence,
            self._register_collection,
            self._correct_collection,
            self._open_dataset,
            self._upload,
            self._seal,
            self._transfer,
            self._acknowledge,
            self._transfer_union,
            self._register_campaign,
        ])  # fmt: skip

    @contextmanager
    def at_work(self, per_second: float) -> Iterator[None]:
        """The clerks do so many acts a second during the block. A failed one is raised at its end."""
        stop = Event()

        def work() -> None:
            began, before = time.monotonic(), self.count
            while not stop.wait(max(0.0, began + (self.count - before) / per_second - time.monotonic())):
                self.act()

        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(work)
            try:
                yield
            finally:
                stop.set()
            working.result()

    def act(self) -> None:
        """Record one more fact, of the next kind."""
        next(self._acts)()
        self.count += 1

    def _name_organisation(self) -> None:
        body = {"legal_name": f"Client {self.count} {self._letters}", "country": "FR", "roles": ["party"]}
        self._last["organisation"] = self.market.broker.post("/v1/organisations", body)

    def _register_notice(self) -> None:
        body = {
            "occurred_at": "2020-01-01T00:00:00Z",
            "collector_id": self.market.shop.id,
            "code": f"N-{self.count}",
            "language": "fr",
            "wording": "☐ J'accepte.",
            "mechanism": "unticked_box",
            "purposes": ["political_canvassing"],
            "valid_from_on": "2020-01-01",
        }
        self._last["notice"] = self.market.shop.post("/v1/notices", body)

    def _add_partner_list(self) -> None:
        body = {"occurred_at": "2020-01-01T00:00:00Z", "valid_from_on": "2020-01-01", "partners": [{"name": "P"}]}
        self.market.shop.post(f"/v1/notices/{self._last['notice']['id']}/partner-lists", body)

    def _add_evidence(self) -> None:
        path = f"/v1/notices/{self._last['notice']['id']}/evidence"
        headers = {"Content-Type": "application/pdf"}
        self.market.shop.client.post(path, content=_PDF, headers=headers).raise_for_status()

    def _collection_body(self) -> dict[str, Any]:
        return {
            "occurred_at": "2020-01-02T00:00:00Z",
            "collector_id": self.market.shop.id,
            "notice_id": self._last["notice"]["id"],
            "channel": "web_form",
            "address": "https://form.example",
            "began_on": "2020-01-01",
        }

    def _register_collection(self) -> None:
        self._last["collection"] = self.market.shop.post("/v1/collections", self._collection_body())

    def _correct_collection(self) -> None:
        body = self._collection_body() | {"corrects_id": self._last["collection"]["id"], "channel": "shop"}
        self.market.shop.post("/v1/collections", body)

    def _open_dataset(self) -> None:
        # The one before is sealed by now, and is handed over.
        self._last["sealed"] = self._last.get("dataset")
        self._last["dataset"] = open_dataset(self.market.shop, collection_id=self._last["collection"]["id"])

    def _upload(self) -> None:
        begin = _FIRST_NUMBER + 100 * self.count
        file = files.write_file(self.service.folder / "written.csv", begin, 100, with_consents=True)
        upload_part(self.service, self.market.shop, self._last["dataset"], file, range(file.stat().st_size))

    def _seal(self) -> None:
        self.market.shop.post(f"/v1/datasets/{self._last['dataset']}/seal")

    def _transfer(self) -> None:
        if self._last["sealed"] is not None:
            dataset = self.market.shop.get(f"/v1/datasets/{self._last['sealed']}")
            self._last["transfer"] = make_transfer(self.market.shop, dataset, self.market.broker)

    def _acknowledge(self) -> None:
        if "transfer" in self._last:
            body = {"occurred_at": "2024-03-01T00:00:00Z", "status": "acknowledged"}
            self.market.broker.post(f"/v1/transfers/{self._last['transfer']['id']}/statements", body)

    def _transfer_union(self) -> None:
        """Hand the union, whose numbers are asked for, to one more client."""
        make_transfer(
            self.market.broker, self.market.union, replace(self.market.party, id=self._last["organisation"]["id"])
        )

    def _register_campaign(self) -> None:
        """Correct the campaign to the numbers that are asked for, so that their answers change but do not grow."""
        body = {
            "party_id": self.market.party.id,
            "name": f"Campaign {self.count}",
            "originator": "38001",
            "message_text": "Votez ! STOP au 38001",
            "began_at": "2024-06-06T10:00:00+02:00",
            "ended_at": "2024-06-06T12:00:00+02:00",
            "dataset_ids": [self.market.received_id],
            "corrects_id": self._last["campaign"]["id"] if "campaign" in self._last else None,
        }
        self._last["campaign"] = self.market.party.post("/v1/campaigns", body)
