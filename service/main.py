"""The application: its routers, its error handling, and the resources that live as long as the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from procrastinate import App

from service.access import routes as access
from service.campaign import routes as campaign
from service.collection import routes as collection
from service.core import error_handlers, errors, health
from service.core.allocator import keep_freed_memory
from service.core.body_limits import BodyLimits
from service.core.bounded_route import BoundedRoute
from service.core.db import Database
from service.core.disk import Disk
from service.core.middleware import OutermostMiddleware
from service.core.openapi import DescribedApp
from service.core.personal_responses import PersonalResponses
from service.core.readiness import Readiness
from service.core.resources import Resources
from service.core.settings import Settings
from service.core.task_queue import open_queue
from service.core.time_limits import TimeLimits
from service.core.worker import run_worker
from service.dataset import routes as dataset
from service.disclosure import routes as disclosure
from service.job import routes as job
from service.membership import routes as membership
from service.messaging.gateway import Messaging, open_gateway
from service.messaging.providers.kannel import receiver as kannel_receiver
from service.number.app_keyring import open_key_ring, require_same_secret
from service.number.keyring import KeyRing
from service.objection import routes as objection
from service.objection.stops import record_inbound_stop
from service.organisation import routes as organisation
from service.portal import routes as portal
from service.provenance import routes as provenance
from service.provenance.snapshot import Snapshots
from service.release import routes as release
from service.sandbox.pool import ReaderPool
from service.transfer import routes as transfer
from service.usage import routes as usage
from service.usage.lookups import LookupMeter
from service.verification import routes as verification
from service.web.api_docs import page as api_docs
from service.webhook import routes as webhook

ROUTERS = (
    provenance.router,
    # Early, so that a probe is answered without a look at all others.
    health.router,
    organisation.router,
    collection.notices,
    collection.collections,
    dataset.router,
    dataset.previews,
    release.router,
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
    usage.router,
    verification.verifications,
    verification.session,
    disclosure.router,
)

# No API key opens these. They declare their error responses themselves.
_WITHOUT_KEY = (
    objection.public,
    objection.persons,
    verification.verifications,
    verification.session,
    disclosure.router,
    health.router,
)

# Workers run what these modules register.
_BESIDE_TASKS = (kannel_receiver.receive_messages,)

_DESCRIPTION = """
Who first collected a phone number, under which opt-in wording, which organisations it passed through, and which clients
received it.

Every error is an RFC 9457 problem with a stable `type`. Numbers are sent in bodies only, never in a URL. A POST that
creates something accepts an `Idempotency-Key`. Lists come in pages: pass the `next` of a page as `after` to get the
next one.
"""

_TAGS = [
    {
        "name": "provenance",
        "description": "The answer about a number, a dataset's lineage, a notice's impact.",
    },
    {
        "name": "organisations",
        "description": "Collectors, brokers, parties and others. Most have no account here.",
    },
    {"name": "notices", "description": "Opt-in wordings, verbatim, with dated partner lists and screenshots."},
    {"name": "collections", "description": "When and where numbers were collected under a notice, and who attests it."},
    {"name": "datasets", "description": "Sets of numbers that one organisation holds: uploaded in parts, then sealed."},
    {
        "name": "releases",
        "description": "From when on the numbers of an upload count for its holder. For the operator, without numbers.",
    },
    {
        "name": "transfers",
        "description": "Datasets that a sender hands to a recipient, with the statements of both.",
    },
    {"name": "campaigns", "description": "Messages that parties sent to the numbers of their datasets."},
    {"name": "webhooks", "description": "Signed events, sent to an organisation's own address, and retried."},
    {
        "name": "objections",
        "description": "Objections and erasures, relayed to every holder and followed relay by relay.",
    },
    {"name": "jobs", "description": "Work that takes longer than a request, with its progress."},
    {"name": "memberships", "description": "How memberships are stored. For the operator, without numbers and names."},
    {"name": "keys", "description": "API keys: the operator issues them, their organisations rotate and revoke them."},
    {"name": "inspections", "description": "What the supervisory authority looked at, when and why."},
    {
        "name": "usage",
        "description": "What organisations did today and may do, and days that stand out.",
    },
    {"name": "verifications", "description": "A person proves with a code sent by SMS that a number is theirs."},
    {"name": "disclosures", "description": "A person's answer about their number, as a letter or as data."},
    {"name": "health", "description": "Whether the service is running. No key is needed."},
]


def _operation_id(route: APIRoute) -> str:
    """The name of the function, so that one search finds the route, its operation and its tests."""
    return route.name


def _description() -> dict[str, Any]:
    """What the OpenAPI document says about the API as a whole."""
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
    """The application over the migrated database `dsn`. With `with_worker` a worker runs in the same process."""
    app = DescribedApp(
        **_description(),
        generate_unique_id_function=_operation_id,
        lifespan=partial(lifespan, settings, dsn, with_worker=with_worker),
        responses=errors.responses(500, 503),
        # A redirect would repeat the URL, and any number that a caller put into it.
        redirect_slashes=False,
    )
    # A route that is added directly, as benchmarks do, is bounded like all others.
    app.router.route_class = BoundedRoute
    error_handlers.install(app)
    for router in ROUTERS:
        app.include_router(router, responses=None if router in _WITHOUT_KEY else errors.responses(401, 403, 422, 429))
    app.add_middleware(PersonalResponses, step=settings.person_wait_seconds)
    limits = BodyLimits(settings.max_json_bytes, settings.max_evidence_bytes)
    app.add_middleware(
        OutermostMiddleware,
        limits=limits,
        most_requests=settings.max_requests,
        most_streams=settings.streams_at_once,
    )
    app.include_router(api_docs.router)
    portal.install(app)
    return app


@asynccontextmanager
async def lifespan(
    settings: Settings, dsn: str, app: FastAPI, *, with_worker: bool, by_clock: bool = True
) -> AsyncIterator[None]:
    """Opens the resources of the application, and runs the worker beside it, with the periodic tasks if `by_clock`."""
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(running(settings, dsn, settings.request_limits()))
        queue = await stack.enter_async_context(open_queue(dsn, settings.job_limits(), by_clock=by_clock))
        resources.add(queue)
        messaging = await stack.enter_async_context(open_messaging(resources))
        pool = ReaderPool(settings)
        stack.callback(pool.close)
        readiness = Readiness(dsn, settings, resources.get(Disk))
        resources.add(messaging, readiness, pool)
        app.state.resources = resources
        _work_out_routes(app)
        worker = None
        if with_worker:
            # What works in the background has connections of its own, which may take longer than those of requests.
            background = Database(dsn, settings.pool_size, settings.job_limits())
            stack.push_async_callback(background.close)
            worker = asyncio.create_task(run_worker(resources.instead(background)))
        try:
            yield
        finally:
            if worker is not None:
                worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker


@asynccontextmanager
async def open_messaging(resources: Resources) -> AsyncIterator[Messaging]:
    """How this process sends messages, and what it does with those of telephones, for the duration of the block."""
    database, ring = resources.get(Database), resources.get(KeyRing)
    on_inbound = partial(record_inbound_stop, database, resources.get(Snapshots), ring, resources.get(App))
    async with open_gateway(resources.get(Settings), database, ring) as gateway:
        yield Messaging(gateway, on_inbound)


def _work_out_routes(app: FastAPI) -> None:
    """Match a path with all routes. Otherwise the framework works them out in the first request, beside all others."""
    scope = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": [], "path_params": {}}
    for route in app.router.routes:
        route.matches(scope)


@asynccontextmanager
async def running(settings: Settings, dsn: str, limits: TimeLimits) -> AsyncIterator[Resources]:
    """The resources that every process needs: the settings, the database, the key ring and the graph."""
    keep_freed_memory()
    ring = open_key_ring(settings)
    database = Database(dsn, settings.pool_size, limits)
    try:
        await require_same_secret(database, ring)
        meter = LookupMeter(database, settings)
        yield Resources(settings, database, ring, Snapshots(database), Disk.of(settings), meter)
    finally:
        await database.close()
