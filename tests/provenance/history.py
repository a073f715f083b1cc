"""A registry in which everybody records facts of every kind through the API, in any order."""

import random
from collections.abc import Callable
from typing import Any

from service.core.vocabulary import Role
from tests.builders import name_organisation, number, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.builders import complete_erasure

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
NUMBERS = range(10)
_EARLY, _MADE, _LATER = "2020-01-02T00:00:00Z", "2024-01-15T00:00:00Z", "2024-03-01T00:00:00Z"


def _notice(collector_id: str) -> dict[str, Any]:
    return {
        "occurred_at": "2020-01-01T00:00:00Z",
        "collector_id": collector_id,
        "code": "N",
        "language": "fr",
        "wording": "J'accepte.",
        "mechanism": "oral",
        "purposes": ["transfer"],
        "valid_from_on": "2020-01-01",
    }


class History:
    """The callers and what they recorded. What the API refuses is part of a history too."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self.registry, self.chosen = registry, random.Random(seed)
        # Corrections are drawn apart, so that they change nothing else that happens.
        self.corrected = random.Random(seed)
        self.shop, self.broker, self.party = registry.collector(), registry.broker(), registry.party()
        self.regulator, self.operator = registry.regulator(), registry.operator()
        self.named: list[str] = []
        self.notices: list[tuple[Caller, Any]] = []
        self.collections: list[tuple[Caller, Any]] = []
        self.datasets: list[tuple[Caller, str]] = []
        self.transfers: list[tuple[Caller, Any]] = []
        self.campaigns: list[Any] = []
        self.evidence: list[tuple[Caller, Any]] = []

    @property
    def callers(self) -> dict[Role, Caller]:
        """Who asks, by role."""
        return {
            Role.COLLECTOR: self.shop,
            Role.BROKER: self.broker,
            Role.PARTY: self.party,
            Role.REGULATOR: self.regulator,
        }

    def acts(self) -> list[Callable[[], object]]:
        """Acts of every kind, in an order in which they have what they need."""
        return [
            self.name_organisation,
            self.register_notice,
            self.register_notice,
            self.add_partner_list,
            self.add_evidence,
            self.withdraw_evidence,
            self.correct_notice,
            self.register_collection,
            self.register_collection,
            self.correct_collection,
            self.upload,
            self.upload,
            self.transfer,
            self.derive_union,
            self.transfer,
            self.state,
            self.reconcile,
            self.release,
            self.register_campaign,
            self.register_campaign,
            self.cancel_campaign,
            self.admit,
            self.attest,
            self.erase,
            self.end_holding,
            self.withdraw,
            self.correct_dataset,
            self.discard,
        ]

    def _send(self, caller: Caller, method: str, path: str, body: Any = None) -> Any:
        """The answer, or None if the request is refused."""
        response = caller.request(method, path, json=body)
        assert response.status_code < 500, response.text
        return response.json() if response.is_success else None

    def name_organisation(self) -> None:
        roles = self.chosen.choice((["collector"], ["collector", "party"]))
        self.named.append(name_organisation(self.broker, f"N {len(self.named)}", roles=roles)["id"])

    def correct_organisation(self) -> None:
        """The operator states another name, that an organisation has ceased, or who succeeded it."""
        accounts = [str(caller.id) for caller in (self.shop, self.broker, self.party)]
        heir = self.corrected.choice((None, *accounts))
        stated: dict[str, Any] = self.corrected.choice(
            (
                {"legal_name": f"Corrected {self.corrected.randrange(1000)}"},
                {"closed_on": self.corrected.choice((None, "2024-06-01"))},
                {"succeeded_by_id": heir, "succeeded_on": heir and "2024-06-01"},
            )
        )
        path = f"/v1/organisations/{self.corrected.choice((*accounts, *self.named))}/statements"
        self._send(self.operator, "POST", path, stated | {"reason": "Extract of the register"})

    def register_notice(self) -> None:
        collector = self.chosen.choice((str(self.shop.id), *self.named))
        caller = self.shop if collector == str(self.shop.id) else self.broker
        if notice := self._send(caller, "POST", "/v1/notices", _notice(collector)):
            self.notices.append((caller, notice))

    def add_partner_list(self) -> None:
        caller, notice = self.chosen.choice(self.notices)
        partners = [{"name": "P", "organisation_id": self.chosen.choice((None, *self.named))}]
        body = {"occurred_at": _MADE, "valid_from_on": "2021-01-01", "partners": partners}
        self._send(caller, "POST", f"/v1/notices/{notice['id']}/partner-lists", body)

    def add_evidence(self) -> None:
        caller, notice = self.chosen.choice(self.notices)
        path, headers = f"/v1/notices/{notice['id']}/evidence", {"Content-Type": "application/pdf"}
        response = caller.request("POST", path, content=PDF, headers=headers)
        assert response.status_code < 500
        if response.is_success:
            self.evidence.append((caller, response.json()))

    def withdraw_evidence(self) -> None:
        caller, evidence = self.chosen.choice(self.evidence)
        path = f"/v1/notices/{evidence['notice_id']}/evidence/{evidence['id']}/withdrawal"
        self._send(caller, "POST", path, {"occurred_at": _MADE, "reason": "Ce n'est pas ce formulaire."})

    def correct_notice(self) -> None:
        caller, notice = self.chosen.choice(self.notices)
        body = _notice(notice["collector_id"]) | {"wording": "J'accepte tout.", "corrects_id": notice["id"]}
        if correction := self._send(caller, "POST", "/v1/notices", body):
            self.notices.append((caller, correction))

    def _register_collection(self, caller: Caller, notice: Any, **more: Any) -> None:
        body = {
            "occurred_at": _EARLY,
            "collector_id": notice["collector_id"],
            "notice_id": notice["id"],
            "channel": self.chosen.choice(("web_form", "shop", "event")),
            "address": "https://form.example",
            "began_on": "2020-01-01",
        }
        if collection := self._send(caller, "POST", "/v1/collections", body | more):
            self.collections.append((caller, collection))

    def register_collection(self) -> None:
        self._register_collection(*self.chosen.choice(self.notices))

    def correct_collection(self) -> None:
        caller, collection = self.chosen.choice(self.collections)
        notice = {"id": collection["notice_id"], "collector_id": collection["collector_id"]}
        self._register_collection(caller, notice, corrects_id=collection["id"])

    def attest(self) -> None:
        """A broker asserts a collection of a collector that gets an account, attests it, and takes that back."""
        self.name_organisation()
        named = self.named.pop()
        notice = self._send(self.broker, "POST", "/v1/notices", _notice(named))
        self._register_collection(self.broker, notice)
        path = f"/v1/collections/{self.collections[-1][1]['id']}/statements"
        own = self._admit(named)
        for status in ("attested", self.chosen.choice(("denied", "withdrawn"))):
            assert self._send(own, "POST", path, {"occurred_at": _EARLY, "status": status})

    def admit(self) -> None:
        self._admit(self.chosen.choice(self.named))

    def _admit(self, organisation_id: str) -> Caller:
        body = {"organisation_id": organisation_id, "scopes": ["facts:read", "facts:write"]}
        key = self.operator.post("/v1/keys", body)["key"]
        return Caller(self.registry.client, self.operator.id, key)

    def upload(self) -> None:
        # The first is the broker's own, which it can hand over whatever else the registry has. The second is collected.
        uncollected = [(self.broker, None)] * (len(self.datasets) != 1)
        caller, collection = self.chosen.choice([*self.collections] * bool(self.datasets) + uncollected)
        holder = collection["collector_id"] if collection else str(caller.id)
        body = {
            "occurred_at": _MADE,
            "holder_id": holder,
            "name": "D",
            "collection_id": collection["id"] if collection else None,
        }
        if dataset := self._send(caller, "POST", "/v1/datasets", body):
            caller.put_part(dataset["id"], [number(last) for last in self.chosen.sample(NUMBERS, 5)])
            caller.seal(dataset["id"])
            self.datasets.append((caller, dataset["id"]))

    def derive_union(self) -> None:
        own = [dataset_id for caller, dataset_id in self.datasets if caller is self.broker]
        parents = self.chosen.sample(own, min(2, len(own)))
        body = {"occurred_at": _MADE, "holder_id": str(self.broker.id), "name": "U", "content": "union"}
        if parents and (union := self._send(self.broker, "POST", "/v1/datasets", body | {"derived_from": parents})):
            self.broker.seal(union["id"])
            self.datasets.append((self.broker, union["id"]))

    def transfer(self) -> None:
        """The first of the datasets in any order that can be handed over, to the party if it has none yet."""
        sold = [found for found in self.datasets if found[0] is not self.party]
        party_has_some = any(caller is self.party for caller, _ in self.datasets)
        for caller, dataset_id in self.chosen.sample(sold, len(sold)):
            recipient = self.chosen.choice((self.party, self.broker)) if party_has_some else self.party
            body = {
                "occurred_at": _LATER,
                "dataset_id": dataset_id,
                "recipient_id": str(recipient.id),
                "purpose": "political_canvassing",
                "lawful_basis": "consent",
                "sender_role": "controller",
                "recipient_role": "controller",
            }
            if transfer := self._send(caller, "POST", "/v1/transfers", body):
                self.transfers.append((recipient, transfer))
                self.datasets.append((recipient, transfer["received_dataset_id"]))
                return

    def state(self) -> None:
        recipient, transfer = self.chosen.choice(self.transfers)
        body = {"occurred_at": _LATER, "status": self.chosen.choice(("acknowledged", "denied"))}
        self._send(recipient, "POST", f"/v1/transfers/{transfer['id']}/statements", body)

    def reconcile(self) -> None:
        recipient, transfer = self.chosen.choice(self.transfers)
        path = f"/v1/transfers/{transfer['id']}/reconciliation"
        if self._send(recipient, "POST", path):
            lines = [number(last) for last in self.chosen.sample(NUMBERS, 4)]
            recipient.put_part(transfer["received_dataset_id"], lines)
            if job := self._send(recipient, "POST", f"{path}/compare?confirm=true"):
                recipient.finish(job)

    def release(self) -> None:
        _, dataset_id = self.chosen.choice(self.datasets)
        act = self.chosen.choice(("release", "release/withdraw"))
        self._send(self.operator, "POST", f"/v1/datasets/{dataset_id}/{act}", {})

    def end_holding(self) -> None:
        caller, dataset_id = self.chosen.choice(self.datasets)
        end = {"occurred_at": "2025-01-01T00:00:00Z", "end_reason": "deleted"}
        self._send(caller, "POST", f"/v1/datasets/{dataset_id}/end", end)
        if self.chosen.random() < 0.5:
            self._send(caller, "POST", f"/v1/datasets/{dataset_id}/end/take-back", {})

    def withdraw(self) -> None:
        """Withdraw the first of the datasets in any order that can be, and perhaps take that back."""
        for caller, dataset_id in self.chosen.sample(self.datasets, len(self.datasets)):
            if self._send(caller, "POST", f"/v1/datasets/{dataset_id}/withdrawal", {"reason": "Erreur."}):
                if self.chosen.random() < 0.5:
                    self._send(caller, "POST", f"/v1/datasets/{dataset_id}/withdrawal/take-back", {})
                return

    def correct_dataset(self) -> None:
        caller, dataset_id = self.chosen.choice(self.datasets)
        collection_id = self.chosen.choice([None, *(row["id"] for _, row in self.collections)])
        body = {"name": f"D {self.chosen.randrange(1000)}"} | (
            {"collection_id": collection_id} if collection_id else {}
        )
        self._send(caller, "POST", f"/v1/datasets/{dataset_id}/corrections", body)

    def discard(self) -> None:
        dataset = open_dataset(self.broker)
        self._send(self.broker, "DELETE", f"/v1/datasets/{dataset['id']}")

    def register_campaign(self) -> None:
        own = [dataset_id for caller, dataset_id in self.datasets if caller is self.party]
        body = {
            "party_id": str(self.party.id),
            "name": f"C {len(self.campaigns)}",
            "originator": "38001",
            "message_text": "Votez !",
            "began_at": "2024-06-06T10:00:00Z",
            "ended_at": "2024-06-06T12:00:00Z",
            "dataset_ids": self.chosen.sample(own, min(1, len(own))),
            "corrects_id": self.chosen.choice((None, *(row["id"] for row in self.campaigns))),
        }
        if campaign := self._send(self.party, "POST", "/v1/campaigns", body):
            self.campaigns.append(campaign)

    def cancel_campaign(self) -> None:
        campaign = self.chosen.choice(self.campaigns)
        path = f"/v1/campaigns/{campaign['id']}/cancellation"
        self._send(self.party, "POST", path, {"occurred_at": _LATER, "reason": "Rien n'a été envoyé."})

    def erase(self) -> None:
        caller, _ = self.chosen.choice(self.datasets)
        complete_erasure(self.registry.dsn, caller, self.chosen.choice(NUMBERS))
