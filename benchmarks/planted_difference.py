"""The service with three more routes: a lookup, one that takes 30 µs more, and one that waits for no tick.

A measurement that does not find the second finds nothing. The third shows what the tick hides.
"""

import time
from typing import Annotated, Final

import typer
from fastapi import FastAPI, Request, Response

from service.access.permit import NumbersReader
from service.command import logs
from service.command.serve import database, run
from service.core.db import Database
from service.core.resources import resources_of
from service.core.settings import Settings
from service.main import create_app
from service.number.keyring import KeyRing
from service.provenance import operations
from service.provenance.answer.render import render_answer
from service.provenance.answer.schemas import LookupIn
from service.provenance.routes import look_up_number
from service.provenance.snapshot import Snapshots

LOOKUP: Final = "/lookup"
PLANTED: Final = "/planted"
WITHOUT_TICK: Final = "/without-tick"
_PLANTED_SECONDS: Final = 30e-6


async def look_up_and_delay(request: Request, body: LookupIn, actor: NumbersReader) -> Response:
    """Look a number up, and be busy for 30 µs more."""
    response = await look_up_number(request, body, actor)
    end = time.perf_counter() + _PLANTED_SECONDS
    while time.perf_counter() < end:
        pass
    return response


async def look_up_without_tick(request: Request, body: LookupIn, actor: NumbersReader) -> Response:
    """Look a number up, and respond at once."""
    get = resources_of(request).get
    prepared = await operations.look_up_number(get(Database), get(Snapshots), get(KeyRing), actor, body)
    return Response(render_answer(prepared), media_type="application/json")


def add_routes(app: FastAPI) -> FastAPI:
    """`app` with these routes, side by side, so that finding one takes as long as finding another."""
    for path, endpoint in (
        (LOOKUP, look_up_number),
        (PLANTED, look_up_and_delay),
        (WITHOUT_TICK, look_up_without_tick),
    ):
        app.add_api_route(path, endpoint, methods=["POST"])
        app.router.routes.insert(0, app.router.routes.pop())
    return app


def main(port: Annotated[int, typer.Option()]) -> None:
    """Serve as `filiation serve` does."""
    settings = Settings()
    logs.configure()
    with database(settings) as dsn:
        run(add_routes(create_app(settings, dsn)), settings.host, port)


if __name__ == "__main__":
    typer.run(main)
