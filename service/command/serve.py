"""`serve` and `worker`: the processes of a registry."""

import asyncio
import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, Final

import typer
import uvicorn
from fastapi import FastAPI

from service.command import logs, schema
from service.core.descriptors import most_connections
from service.core.embedded import server as embedded_server
from service.core.settings import Settings, read_settings
from service.core.supervision import GivenUp
from service.core.task_queue import open_queue
from service.core.worker import run_worker
from service.main import create_app, running
from service.messaging.gateway import require_private_outbox
from service.number.app_keyring import open_key_ring

Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 chooses a free one. Default: FILIATION_PORT.")]


@contextmanager
def database(settings: Settings, *, watched: bool = False) -> Iterator[str]:
    """The address of the database, with the schema of this version.

    Without `DATABASE_URL` it is the embedded one, which is started for the block and migrated by each process. If it is
    `watched`, it is started again whenever it ends. Another server is migrated by `filiation migrate` alone.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        schema.require_current(dsn)
        yield dsn
        return
    with embedded_server.embedded(settings.data_dir, watched=watched) as server:
        schema.upgrade(server.owner_dsn)
        yield server.dsn


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: FILIATION_HOST.")] = None,
    port: Port = None,
    with_worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Also run jobs in this process.")] = True,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port.")] = 1,
) -> None:
    """Serve the API and the pages, and run jobs."""
    settings = read_settings()
    host, port = host or settings.host, settings.port if port is None else port
    require_private_outbox(settings, host)
    # Checked here, because in one of several processes a wrong secret would print a traceback.
    open_key_ring(settings)
    logs.configure()
    with database(settings, watched=True) as dsn:
        if processes == 1:
            run(create_app(settings, dsn, with_worker=with_worker), host, port, settings)
            return
        # The processes are new interpreters, which read their settings from the environment as this one did.
        os.environ[_DSN], os.environ[_WORKER] = dsn, "1" if with_worker else ""
        uvicorn.run(
            "service.command.serve:app_from_environment",
            factory=True,
            workers=processes,
            **server_options(host, port, settings),
        )


_DSN, _WORKER = "_FILIATION_DSN", "_FILIATION_WITH_WORKER"


def app_from_environment() -> FastAPI:
    """The application in one of several processes."""
    logs.configure()
    gc.freeze()
    return create_app(read_settings(), os.environ[_DSN], with_worker=bool(os.environ[_WORKER]))


def run(app: FastAPI, host: str, port: int, settings: Settings) -> None:
    """Serve `app` until Ctrl-C or SIGTERM."""
    # Imported objects live as long as the process, so the garbage collector need not visit them.
    gc.freeze()
    uvicorn.run(app, **server_options(host, port, settings))


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
    """Run jobs, without serving the API. Status 1 if it could not do so for ten minutes."""
    settings = read_settings()
    logs.configure()
    with database(settings, watched=True) as dsn:
        try:
            asyncio.run(_run_worker(settings, dsn))
        except GivenUp as end:
            typer.echo(f"filiation: {end}", err=True)
            raise typer.Exit(1) from None


async def _run_worker(settings: Settings, dsn: str) -> None:
    limits = settings.job_limits()
    async with running(settings, dsn, limits) as resources, open_queue(dsn, limits) as queue:
        resources.add(queue)
        task = asyncio.create_task(run_worker(resources, give_up_after=_WORKER_GIVES_UP_SECONDS))
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task
