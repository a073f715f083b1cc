"""Organisations with an account, and their calls to the API through the product's own client."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from benchmarks.service import Service
from service.access import operations as keys
from service.access.actor import Scope
from service.access.schemas import KeyIn
from service.command.client import call, connect
from service.command.upload import follow_job
from service.core.db import Database
from service.core.vocabulary import Role
from service.organisation import operations as organisations
from service.organisation.schemas import OrganisationIn
from service.release.models import StandingRelease

_SCOPES = [Scope.FACTS_READ, Scope.FACTS_WRITE, Scope.NUMBERS_READ, Scope.NUMBERS_WRITE]
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.005, 0.05
_serials = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Caller:
    """One organisation's access to the API."""

    id: str
    key: str
    client: httpx2.Client

    def get(self, path: str) -> Any:
        """The JSON answer to a GET."""
        return call(self.client, "GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """The JSON answer to a POST."""
        return call(self.client, "POST", path, json=body)

    def lookup(self, number: int) -> Any:
        """The answer about one number."""
        return self.post("/v1/lookups", {"number": f"+{number}"})

    def finish(self, job: Any) -> None:
        """Wait for a job. It is asked less and less often, so that the questions do not slow down a long one."""
        pause = _FIRST_PAUSE_SECONDS
        while not job["finished_at"]:
            time.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE_SECONDS)
            job = self.get(f"/v1/jobs/{job['id']}")
        self._require_success(job)

    def follow(self, job: Any) -> None:
        """Wait for a job as the command line does, by its events: half a second late, and by a single request."""
        for state in follow_job(self.client, job["id"]):
            job = state
        self._require_success(job)

    @staticmethod
    def _require_success(job: Any) -> None:
        if job["problem"]:
            raise RuntimeError(f"{job['kind']} failed: {job['problem']['detail']}")


@contextmanager
def admit_callers(service: Service, *roles: Role) -> Iterator[Sequence[Caller]]:
    """A new organisation of each role, admitted as the operator does it."""
    accounts = asyncio.run(_admit(service.dsn, roles))
    callers = [Caller(id_, key, connect(service.url, key)) for id_, key in accounts]
    try:
        yield callers
    finally:
        for caller in callers:
            caller.client.close()


async def _admit(dsn: str, roles: Sequence[Role]) -> list[tuple[str, str]]:
    database = Database(dsn, pool_size=1)
    accounts = []
    for role in roles:
        wanted = OrganisationIn(legal_name=f"{role.value.capitalize()} {next(_serials)}", country="FR", roles=[role])
        async with database.transaction() as session:
            organisation = await organisations.register_organisation(session, None, wanted)
            issued = await keys.issue_key(session, KeyIn(organisation_id=organisation.id, scopes=_SCOPES))
            # The operator knows these organisations: their numbers count as soon as they are sealed.
            session.add(
                StandingRelease(organisation_id=organisation.id, up_to_count=2**40, operator_id=organisation.id)
            )
        assert issued.key is not None
        accounts.append((str(organisation.id), issued.key))
    await database.close()
    return accounts
