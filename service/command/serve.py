"""`serve` and `worker`: the processes of a registry."""

import asyncio
import gc
import os
import signal
import sys
from contextlib import AsyncExitStack, ExitStack, nullcontext, suppress
from functools import partial
from typing import Annotated, Any, Final

import typer
import uvicorn
from fastapi import FastAPI

from service.command import logs
from service.command.database import database
from service.command.unknown_settings import warn_of_unknown_settings
from service.command.watchdog import signs_of_life
from service.command.worker_process import DSN, SIGNS_OF_LIFE, given_dsn, stop_with_parent, worker_beside
from service.core.db import Database
from service.core.descriptors import most_connections
from service.core.outline import print_outlines
from service.core.own_memory import keep_memory_private
from service.core.settings import Settings, read_settings
from service.core.supervision import GivenUp
from service.core.sweeps import HEARTBEATS_MISSED
from service.core.task_queue import open_queue
from service.core.worker import run_worker
from service.main import create_app, open_messaging, running
from service.messaging.gateway import require_private_outbox
from service.number.app_keyring import open_key_ring, require_same_secret

Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 chooses a free one. Default: FILIATION_PORT.")]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: FILIATION_HOST.")] = None,
    port: Port = None,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Also run jobs, in a process beside it.")
    ] = True,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port.")] = 1,
) -> None:
    """Serve the API and the pages, and run jobs."""
    keep_memory_private()
    settings = read_settings()
    host, port = host or settings.host, settings.port if port is None else port
    require_private_outbox(settings, host)
    # Checked here, because in one of several processes a wrong secret would print a traceback.
    open_key_ring(settings)
    logs.configure()
    warn_of_unknown_settings()
    silent_seconds = HEARTBEATS_MISSED * settings.heartbeat_seconds
    with ExitStack() as stack:
        dsn = stack.enter_context(database(settings, watched=True))
        asyncio.run(_require_same_secret(settings, dsn))
        if with_worker:
            stack.enter_context(worker_beside(dsn, silent_seconds))
        if processes == 1:
            run(create_app(settings, dsn, with_worker=False), host, port, settings)
            return
        # The processes are new interpreters, which read their settings from the environment as this one did.
        os.environ[DSN] = dsn
        uvicorn.run(
            "service.command.serve:app_from_environment",
            factory=True,
            workers=processes,
            **server_options(host, port, settings),
        )


async def _require_same_secret(settings: Settings, dsn: str) -> None:
    """Refuse a database of another master secret with one sentence, before the server starts."""
    opened = Database(dsn, pool_size=1, limits=settings.request_limits())
    try:
        await require_same_secret(opened, open_key_ring(settings))
    finally:
        await opened.close()


def app_from_environment() -> FastAPI:
    """The application in one of several processes."""
    print_outlines()
    keep_memory_private()
    logs.configure()
    _favour_requests()
    return create_app(read_settings(), os.environ[DSN], with_worker=False)


def run(app: FastAPI, host: str, port: int, settings: Settings) -> None:
    """Serve `app` until Ctrl-C or SIGTERM."""
    _favour_requests()
    uvicorn.run(app, **server_options(host, port, settings))


def _favour_requests() -> None:
    """Keep what runs beside requests from holding them up."""
    # Imported objects live as long as the process, so the garbage collector need not visit them.
    gc.freeze()
    # The event loop gives the interpreter away at each system call. It would wait five milliseconds to get it back from
    # a thread that prints a letter, and a lookup makes a dozen of them.
    sys.setswitchinterval(_SWITCH_SECONDS)


_SWITCH_SECONDS: Final = 0.0005


def server_options(host: str, port: int, settings: Settings) -> dict[str, Any]:
    """How uvicorn serves: with bounded heads and connections, and without its access log."""
    # The access log of uvicorn contains raw addresses; that of `core.middleware` does not.
    return {
        "host": host,
        "port": port,
        "access_log": False,
        "log_config": None,
        "http": "service.core.http_protocol:BoundedProtocol",
        "ws": "none",
        "server_header": False,
        "limit_concurrency": most_connections(settings.max_connections),
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }


# Streams end only with their clients. Together with the worker's patience, a stop takes less than the ten seconds after
# which Docker kills.
GRACE_SECONDS: Final = 2

# Then the process ends, so that whatever supervises it can start it elsewhere.
_WORKER_GIVES_UP_SECONDS: Final = 600.0


def worker() -> None:
    """Run jobs, without serving the API. Status 1 if it could not do so for ten minutes, 70 if it hung."""
    keep_memory_private()
    settings = read_settings()
    logs.configure()
    dsn_of_serve = given_dsn()
    if dsn_of_serve is None:
        warn_of_unknown_settings()
    with database(settings, watched=True) if dsn_of_serve is None else nullcontext(dsn_of_serve) as dsn:
        try:
            asyncio.run(_run_worker(settings, dsn))
        except GivenUp as end:
            typer.echo(f"filiation: {end}", err=True)
            raise typer.Exit(1) from None


async def _run_worker(settings: Settings, dsn: str) -> None:
    limits = settings.job_limits()
    silent_seconds = HEARTBEATS_MISSED * settings.heartbeat_seconds
    async with AsyncExitStack() as stack:
        # Whoever starts `serve` checks that, and `serve` its worker.
        beside = given_dsn() is not None
        pipe, file = (SIGNS_OF_LIFE, None) if beside else (None, settings.worker_life_path)
        await stack.enter_async_context(signs_of_life(silent_seconds, pipe, file))
        resources = await stack.enter_async_context(running(settings, dsn, limits))
        resources.add(await stack.enter_async_context(open_queue(dsn, limits)))
        resources.add(await stack.enter_async_context(open_messaging(resources)))
        task = asyncio.create_task(run_worker(resources, give_up_after=_WORKER_GIVES_UP_SECONDS))
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signal_number, task.cancel)
        if given_dsn() is not None:
            stop_with_parent(partial(loop.call_soon_threadsafe, task.cancel))
        with suppress(asyncio.CancelledError):
            await task
