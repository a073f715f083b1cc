"""Who may call a route. Every route of `/v1` names one of these, or stands on the short public list of the tests."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.access.actor import Actor, Scope
from service.access.idempotency import once
from service.access.keys import authenticate
from service.access.models import Inspection
from service.core.db import Connection, Database, SessionDep, driver
from service.core.errors import Forbidden
from service.core.resources import resources_of
from service.core.vocabulary import Role

_bearer = HTTPBearer(auto_error=False, scheme_name="ApiKey", description="An API key that the operator issued.")


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Rule:
    """Lets a request through if its key has `scope` and its organisation one of `roles`."""

    def __init__(self, scope: Scope, *roles: Role) -> None:
        self.scope, self.roles = scope, frozenset(roles)

    async def admit(self, connection: Connection, credentials: Credentials) -> Actor:
        """The caller, or a 401 or 403 problem."""
        actor = await authenticate(connection, credentials.credentials if credentials else None)
        if self.scope not in actor.scopes:
            raise Forbidden(
                "scope_missing",
                f"This key lacks the scope `{self.scope}`: ask the operator for one that has it.",
            )
        if not self.roles & actor.roles:
            raise Forbidden(
                "role_refused",
                f"Only these may call this address: {', '.join(sorted(self.roles))}. You are none.",
            )
        return actor


class Allow(Rule):
    """A rule that works in the request's own transaction, where a repeated POST and a regulator's look are noted."""

    async def __call__(self, request: Request, session: SessionDep, credentials: Credentials) -> Actor:
        """The caller, or a 401 or 403 problem."""
        actor = await self.admit(await driver(session), credentials)
        if request.method == "POST":
            await once(session, actor, request)
        if actor.is_regulator and request.method == "GET":
            session.add(_look(request, actor))
        return actor


class AllowBriefly(Rule):
    """A rule for routes without a transaction: a body may take hours to arrive, and a lookup writes nothing."""

    async def __call__(self, request: Request, credentials: Credentials) -> Actor:
        """The caller, or a 401 or 403 problem."""
        database = resources_of(request).get(Database)
        return await database.ask(lambda connection: self.admit(connection, credentials))


def _look(request: Request, actor: Actor) -> Inspection:
    """The record that the regulator looked at what this GET answers. Path parameters are ids, never numbers."""
    route = request.scope["route"]
    subject = ",".join(str(value) for value in request.path_params.values()) or None
    return Inspection(
        organisation_id=actor.organisation_id, api_key_id=actor.key_id, operation=route.name, subject=subject
    )


_TRADE = (Role.COLLECTOR, Role.BROKER, Role.PARTY, Role.PROCESSOR)

FactsReader = Annotated[Actor, Depends(Allow(Scope.FACTS_READ, *_TRADE, Role.REGULATOR), scope="function")]
FactsWriter = Annotated[Actor, Depends(Allow(Scope.FACTS_WRITE, *_TRADE), scope="function")]
NumbersReader = Annotated[Actor, Depends(AllowBriefly(Scope.NUMBERS_READ, *_TRADE, Role.REGULATOR))]
NumbersWriter = Annotated[Actor, Depends(Allow(Scope.NUMBERS_WRITE, *_TRADE), scope="function")]
Uploader = Annotated[Actor, Depends(AllowBriefly(Scope.NUMBERS_WRITE, *_TRADE))]
HoldersReader = Annotated[Actor, Depends(Allow(Scope.NUMBERS_READ, *_TRADE), scope="function")]
DirectoryReader = Annotated[Actor, Depends(Allow(Scope.FACTS_READ, *Role), scope="function")]
DirectoryWriter = Annotated[Actor, Depends(Allow(Scope.FACTS_WRITE, *_TRADE, Role.OPERATOR), scope="function")]
Operator = Annotated[Actor, Depends(Allow(Scope.ACCOUNTS, Role.OPERATOR), scope="function")]
KeyHolder = Annotated[Actor, Depends(Allow(Scope.ACCOUNTS, *Role), scope="function")]
Regulator = Annotated[Actor, Depends(Allow(Scope.FACTS_READ, Role.REGULATOR), scope="function")]
