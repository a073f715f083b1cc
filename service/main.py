"""The application: routers, error handling, and what lives as long as the process does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from service.access import routes as access
from service.campaign import routes as campaign
from service.collection import routes as collection
from service.core import errors, health
from service.core.allocator import keep_freed_memory
from service.core.db import Database
from service.core.middleware import Bounds, Surround
from service.core.openapi import DescribedApp
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.task_queue import open_queue, run_worker
from service.dataset import routes as dataset
from service.disclosure import routes as disclosure
from service.job import routes as job
from service.membership import routes as membership
from service.messaging.gateway import Messaging, open_gateway
from service.messaging.providers import kannel_routes
from service.number.app_keyring import open_key_ring, require_same_secret
from service.number.keyring import KeyRing
from service.objection import routes as objection
from service.objection.stops import record_inbound_stop
from service.organisation import routes as organisation
from service.portal import routes as portal
from service.provenance import routes as provenance
from service.provenance.snapshot import Snapshots
from service.transfer import routes as transfer
from service.verification import routes as verification
from service.web.api_docs import page as api_docs
from service.webhook import routes as webhook

ROUTERS = (
    provenance.router,
    organisation.router,
    collection.notices,
    collection.collections,
    dataset.router,
    transfer.router,
    campaign.router,
    webhook.router,
    objection.campaigns,
    objection.public,
    objection.holders,
    objection.persons,
    job.router,
    membership.router,
    access.router,
    access.inspections,
    verification.verifications,
    verification.session,
    kannel_routes.router,
    disclosure.router,
    health.router,
)

# Those that no API key opens say themselves what they may answer.
_WITHOUT_KEY = (
    objection.public,
    objection.persons,
    verification.verifications,
    verification.session,
    kannel_routes.router,
    disclosure.router,
    health.router,
)

_DESCRIPTION = """
Who first collected a phone number, in which opt-in wording, through whose hands it passed, and which clients have it.

Every error is an RFC 9457 problem with a stable `type`. Numbers travel in bodies only, never in an address. A creating
POST takes an `Idempotency-Key`. Lists are cut into pages: pass the `next` of one as `after` for the following.
"""

_TAGS = [
    {"name": "provenance", "description": "One number's answer, the lineage of a dataset, whom a notice reached."},
    {"name": "organisations", "description": "Who collects, sells, uses and oversees. Most have no account here."},
    {"name": "notices", "description": "Opt-in wordings to the letter, with dated partner lists and screenshots."},
    {"name": "collections", "description": "When and where numbers were gathered under a notice, and who attests it."},
    {"name": "datasets", "description": "Sets of numbers in one organisation's hands: sent in parts, then sealed."},
    {"name": "transfers", "description": "From hand to hand, by double entry: what each side says is kept for ever."},
    {"name": "campaigns", "description": "Messages that parties sent to the numbers of their datasets."},
    {"name": "webhooks", "description": "What happened is sent to an organisation's own address, signed, and again."},
    {"name": "objections", "description": "No more messages, or to be erased: told to every holder, followed by hop."},
    {"name": "jobs", "description": "Work that takes longer than a request, and how far it is."},
    {"name": "memberships", "description": "How they are stored. For the operator: no numbers, and no names."},
    {"name": "keys", "description": "API keys: issued by the operator, rotated and revoked by whoever has them."},
    {"name": "inspections", "description": "What the supervisory authority looked at, when and why."},
    {"name": "verifications", "description": "A person proves by a code sent by SMS that a number is theirs."},
    {"name": "disclosures", "description": "A person's answer about their number, as a letter or as data."},
    {"name": "messages", "description": "What the registry's own SMS gateway reports and brings."},
    {"name": "health", "description": "Whether the service is up. Needs no key."},
]


def _operation_id(route: APIRoute) -> str:
    """The name of the function, so that one search finds everything about an operation."""
    return route.name


def _description() -> dict[str, Any]:
    """What the application says of itself, and where."""
    return {
        "title": "Filiation",
        "version": health.VERSION,
        "summary": "For any phone number: who first collected it, and who has it now.",
        "description": _DESCRIPTION,
        "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "openapi_tags": _TAGS,
        # The framework's own pages load their scripts from elsewhere. `api_docs` serves one from local files.
        "docs_url": None,
        "redoc_url": None,
    }


def create_app(settings: Settings, dsn: str, *, with_worker: bool = True) -> FastAPI:
    """The application over the migrated database `dsn`; with a worker for its jobs beside it unless told otherwise."""
    app = DescribedApp(
        **_description(),
        generate_unique_id_function=_operation_id,
        lifespan=partial(_lifespan, settings, dsn, with_worker=with_worker),
        responses=errors.responses(500),
        # A redirect would repeat the address, and whatever a caller put into it.
        redirect_slashes=False,
    )
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router, responses=None if router in _WITHOUT_KEY else errors.responses(401, 403, 422))
    app.add_middleware(Surround, bounds=Bounds(settings.max_json_bytes, settings.max_evidence_bytes))
    app.include_router(api_docs.router)
    portal.install(app)
    return app


@asynccontextmanager
async def _lifespan(settings: Settings, dsn: str, app: FastAPI, *, with_worker: bool) -> AsyncIterator[None]:
    """What is there while the application runs, and the worker beside it."""
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(running(settings, dsn))
        queue = await stack.enter_async_context(open_queue(dsn))
        database, ring = resources.get(Database), resources.get(KeyRing)
        snapshots = Snapshots(database)
        gateway = await stack.enter_async_context(open_gateway(settings, database, ring))
        on_inbound = partial(record_inbound_stop, database, snapshots, ring, queue)
        resources.add(queue, snapshots, Messaging(gateway, on_inbound))
        app.state.resources = resources
        worker = asyncio.create_task(run_worker(resources)) if with_worker else None
        try:
            yield
        finally:
            if worker is not None:
                worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker


@asynccontextmanager
async def running(settings: Settings, dsn: str) -> AsyncIterator[Resources]:
    """What every process needs: the settings, the database and the key ring."""
    keep_freed_memory()
    ring = open_key_ring(settings)
    database = Database(dsn, settings.pool_size)
    try:
        await require_same_secret(database, ring)
        yield Resources(settings, database, ring)
    finally:
        await database.close()
