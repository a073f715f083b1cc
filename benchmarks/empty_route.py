"""The service with one more route, which is empty and has the same key check: the yardstick of P4.

One process answers both, so that the cost of that process is in both figures.
"""

import typer
from fastapi import FastAPI

from benchmarks.added_routes import Port, add_route, serve
from service.access.permit import NumbersReader

PATH = "/empty"


async def answer_nothing(actor: NumbersReader) -> None:
    """Return nothing to a caller that may look numbers up."""


def add_empty_route(app: FastAPI) -> FastAPI:
    """`app` with the empty route."""
    add_route(app, PATH, answer_nothing)
    return app


def main(port: Port) -> None:
    """Serve as `filiation serve` does."""
    serve(add_empty_route, port)


if __name__ == "__main__":
    typer.run(main)
