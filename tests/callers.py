"""Organisations of a test, and how they call the API."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain, repeat
from time import monotonic, sleep
from typing import Any, TypeVar

import httpx2
from fastapi.testclient import TestClient
from httpx2 import Response

from service.access import operations as keys
from service.access.actor import Scope
from service.access.schemas import KeyIn
from service.core.db import Database
from service.core.errors import Conflict
from service.core.vocabulary import Role
from service.organisation import operations as organisations
from service.organisation.schemas import OrganisationIn
from service.release.models import StandingRelease
from tests.inspection import resources_of_app

Found = TypeVar("Found")
Made = TypeVar("Made", bound=Any)

TRADE_SCOPES = (Scope.FACTS_READ, Scope.FACTS_WRITE, Scope.NUMBERS_READ, Scope.NUMBERS_WRITE)


@dataclass
class Caller:
    """The API as one organisation calls it."""

    client: TestClient | httpx2.Client
    id: uuid.UUID
    key: str

    def request(self, method: str, path: str, **options: Any) -> Response:
        """Call with this organisation's key.

        A body in pieces has to be made before. The test client would make it in the event loop, and send it as a whole.
        """
        if isinstance(self.client, TestClient):
            assert isinstance(options.get("content"), bytes | str | list | None), "Send these pieces over a socket."
        headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        """The answer to a GET that must succeed."""
        return _good(self.request("GET", path, **options))

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """The answer to a POST that must succeed."""
        return _good(self.request("POST", path, json=body, **options))

    def put_part(self, dataset_id: str, lines: Iterable[str], number: int = 1, **options: Any) -> Any:
        """Upload lines of CSV as a part."""
        headers = {"Content-Type": "text/csv"} | options.pop("headers", {})
        content = "\n".join(lines).encode()
        return _good(
            self.request(
                "PUT",
                f"/v1/datasets/{dataset_id}/parts/{number}",
                content=content,
                headers=headers,
                **options,
            )
        )

    def finish(self, job: Any) -> Any:
        """Wait until a job has ended, and return it."""
        end = monotonic() + 120
        # Each look costs as much as a step of the job. So the pauses grow with the job.
        for pause in chain((0.03, 0.02, 0.03, 0.05, 0.08), repeat(0.12)):
            sleep(pause)
            found = self.get(f"/v1/jobs/{job['id']}")
            if found["finished_at"]:
                return found
            if monotonic() > end:
                break
        raise AssertionError(f"job {job['kind']} did not finish")

    def seal(self, dataset_id: str) -> Any:
        """Seal a dataset, and return it as it is then."""
        job = self.finish(self.post(f"/v1/datasets/{dataset_id}/seal"))
        assert job["state"] == "succeeded", job["problem"]
        return self.get(f"/v1/datasets/{dataset_id}")

    def lookup(self, number: str, **more: Any) -> Any:
        """The answer about a number."""
        return self.post("/v1/lookups", {"number": number} | more)


def called_through(client: TestClient | httpx2.Client, made: Made) -> Made:
    """A dataclass whose callers call through `client`, which runs over a copy of their database."""
    callers = {part.name: getattr(made, part.name) for part in fields(made)}
    moved = {name: replace(caller, client=client) for name, caller in callers.items() if isinstance(caller, Caller)}
    return replace(made, **moved)


def _good(response: Response) -> Any:
    assert response.is_success, (response.status_code, response.text)
    return response.json()


class Registry:
    """Creates organisations and their keys, as the operator does at the command line."""

    def __init__(self, client: TestClient | httpx2.Client, dsn: str) -> None:
        self.client, self.dsn = client, dsn
        self.serial = 0
        """The number in the last name that was given to an organisation."""

    def organisation(
        self,
        *roles: Role,
        scopes: Sequence[Scope] = TRADE_SCOPES,
        acts_for: Caller | None = None,
        name: str | None = None,
        released: bool = True,
    ) -> Caller:
        """A new organisation with an account, and its caller. If `released`, its files are released when sealed."""
        if name is None:
            self.serial += 1
            name = f"{roles[0].value.capitalize()} {self.serial}"
        wanted = OrganisationIn(legal_name=name, country="FR", roles=list(roles))

        async def make(database: Database) -> Caller:
            try:
                return await make_one(database)
            except Conflict as similar:
                # Tests that share a registry give the same names.
                wanted.distinct_from_ids = [uuid.UUID(known) for known in similar.extensions["organisation_ids"]]
                return await make_one(database)

        async def make_one(database: Database) -> Caller:
            async with database.transaction() as session:
                made = await organisations.register_organisation(session, None, wanted)
                key = await keys.issue_key(
                    session,
                    KeyIn(
                        organisation_id=made.id,
                        acts_for_id=acts_for.id if acts_for else None,
                        scopes=list(scopes),
                    ),
                )
                if released:
                    session.add(StandingRelease(organisation_id=made.id, up_to_count=2**40, operator_id=made.id))
            assert key.key is not None
            return Caller(self.client, made.id, key.key)

        return self._with_database(make)

    def _with_database(self, act: Callable[[Database], Awaitable[Found]]) -> Found:
        """The result of `act`, with the connections of the application if it runs in this process."""
        if isinstance(self.client, TestClient) and self.client.portal is not None:
            return self.client.portal.call(act, resources_of_app(self.client.app).get(Database))

        async def run() -> Found:
            database = Database(self.dsn, pool_size=1)
            try:
                return await act(database)
            finally:
                await database.close()

        return asyncio.run(run())

    def broker(self) -> Caller:
        """A new broker."""
        return self.organisation(Role.BROKER)

    def party(self) -> Caller:
        """A new party."""
        return self.organisation(Role.PARTY)

    def collector(self) -> Caller:
        """A new collector."""
        return self.organisation(Role.COLLECTOR)

    def regulator(self) -> Caller:
        """A supervisory authority."""
        return self.organisation(Role.REGULATOR, scopes=(Scope.FACTS_READ, Scope.NUMBERS_READ))

    def operator(self) -> Caller:
        """The operator of the registry."""
        return self.organisation(Role.OPERATOR, scopes=(Scope.FACTS_READ, Scope.FACTS_WRITE, Scope.ACCOUNTS))
