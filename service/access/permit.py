"""Who may call a route. Every route of `/v1` names one of these rules, or is on the short public list of the tests."""

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.access.actor import Actor, Scope
from service.access.idempotency import claim_or_replay
from service.access.inspections import inspection_of
from service.access.keys import authenticate
from service.core.bounded_route import Gate
from service.core.db import Connection, Database, SessionDep, connection_of
from service.core.errors import Forbidden
from service.core.request_places import place_of
from service.core.resources import resources_of
from service.core.vocabulary import Role

_bearer = HTTPBearer(auto_error=False, scheme_name="ApiKey", description="An API key that the operator issued.")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Rule(Gate):
    """Permits a request if its key has `scope` and the organisation has one of `roles`."""

    def __init__(self, scope: Scope, *roles: Role) -> None:
        self.scope, self.roles = scope, frozenset(roles)

    async def admit(self, request: Request, connection: Connection, credentials: Credentials) -> Actor:
        """Authenticate the caller, check the rule, and count the request for the key's organisation.

        Raises:
            Unauthenticated: the key is missing or invalid.
            Forbidden: the key lacks the scope, or the organisation the role.
            TooManyRequests: the organisation has its share of requests running.
        """
        actor = await authenticate(connection, credentials.credentials if credentials else None)
        if self.scope not in actor.scopes:
            raise Forbidden(
                "scope_missing",
                f"This key lacks the scope `{self.scope}`. Ask the operator for a key that has it.",
            )
        if not self.roles & actor.roles:
            raise Forbidden(
                "role_missing",
                f"This endpoint is for {', '.join(sorted(self.roles))} only. "
                "Your organisation has none of these roles. Ask the operator to add the role.",
            )
        # A processor or heir has one share, for however many organisations it acts.
        place_of(request).belong_to(actor.asserts_through_id or actor.organisation_id)
        return actor

    async def admit_before_body(self, request: Request) -> None:
        """Check the rule without the request's transaction, and keep the caller for a rule that has none."""
        database, credentials = resources_of(request).get(Database), await _bearer(request)
        request.state.actor = await database.without_transaction(
            lambda connection: self.admit(request, connection, credentials)
        )


class Allow(Rule):
    """A rule in the request's own transaction, where a repeated POST is replayed and an inspection recorded."""

    async def __call__(self, request: Request, session: SessionDep, credentials: Credentials) -> Actor:
        """The caller, if the rule permits the request."""
        actor = await self.admit(request, await connection_of(session), credentials)
        if request.method == "POST":
            await claim_or_replay(session, actor, request)
        if actor.is_regulator and request.method == "GET":
            session.add(inspection_of(request, actor))
        return actor


class AllowWithoutTransaction(Rule):
    """A rule for routes without a transaction: a body may take hours to upload, and a lookup writes nothing."""

    async def __call__(self, request: Request, credentials: Credentials) -> Actor:
        """The caller, if the rule permits the request."""
        if (actor := getattr(request.state, "actor", None)) is not None:
            return cast("Actor", actor)
        database = resources_of(request).get(Database)
        return await database.without_transaction(lambda connection: self.admit(request, connection, credentials))


def admitted(request: Request) -> Actor:
    """The caller whom the rule of the route let through, for what is done before the request's transaction begins."""
    return cast("Actor", request.state.actor)


_TRADE = (Role.COLLECTOR, Role.BROKER, Role.PARTY, Role.PROCESSOR)

FactsReader = Annotated[Actor, Depends(Allow(Scope.FACTS_READ, *_TRADE, Role.REGULATOR), scope="function")]
FactsWriter = Annotated[Actor, Depends(Allow(Scope.FACTS_WRITE, *_TRADE), scope="function")]
NumbersReader = Annotated[Actor, Depends(AllowWithoutTransaction(Scope.NUMBERS_READ, *_TRADE, Role.REGULATOR))]
NumbersWriter = Annotated[Actor, Depends(Allow(Scope.NUMBERS_WRITE, *_TRADE), scope="function")]
Uploader = Annotated[Actor, Depends(AllowWithoutTransaction(Scope.NUMBERS_WRITE, *_TRADE))]
HoldersReader = Annotated[Actor, Depends(Allow(Scope.NUMBERS_READ, *_TRADE), scope="function")]
DirectoryReader = Annotated[Actor, Depends(Allow(Scope.FACTS_READ, *Role), scope="function")]
DirectoryWriter = Annotated[Actor, Depends(Allow(Scope.FACTS_WRITE, *_TRADE, Role.OPERATOR), scope="function")]
Operator = Annotated[Actor, Depends(Allow(Scope.ACCOUNTS, Role.OPERATOR), scope="function")]
KeyHolder = Annotated[Actor, Depends(Allow(Scope.ACCOUNTS, *Role), scope="function")]
Regulator = Annotated[Actor, Depends(Allow(Scope.FACTS_READ, Role.REGULATOR), scope="function")]
