"""The service with three more routes: a lookup, one that takes 30 µs more, and one that waits for no tick.

A measurement that does not find the second finds nothing. The third shows what the tick hides.
"""

import time
from typing import Final

import typer
from fastapi import FastAPI, Request, Response

from benchmarks.added_routes import Port, add_route, serve
from service.access.permit import NumbersReader
from service.core.db import Database
from service.core.resources import resources_of
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
    add_route(app, LOOKUP, look_up_number)
    add_route(app, PLANTED, look_up_and_delay)
    add_route(app, WITHOUT_TICK, look_up_without_tick)
    return app


def main(port: Port) -> None:
    """Serve as `filiation serve` does."""
    serve(add_routes, port)


if __name__ == "__main__":
    typer.run(main)
