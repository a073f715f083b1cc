"""The service with one more route, which is empty and has the same key check: the yardstick of P4.

One process answers both, so that the cost of that process is in both figures.
"""

from typing import Annotated

import typer
from fastapi import FastAPI

from service.access.permit import NumbersReader
from service.command import logs
from service.command.serve import database, run
from service.core.settings import Settings
from service.main import create_app

PATH = "/empty"


async def answer_nothing(actor: NumbersReader) -> None:
    """Return nothing to a caller that may look numbers up."""


def add_empty_route(app: FastAPI) -> FastAPI:
    """`app` with the empty route."""
    app.add_api_route(PATH, answer_nothing, methods=["POST"])
    # Routes are matched in order. In the last place, the yardstick would slow down with every route that is added.
    app.router.routes.insert(0, app.router.routes.pop())
    return app


def main(port: Annotated[int, typer.Option()]) -> None:
    """Serve as `filiation serve` does."""
    settings = Settings()
    logs.configure()
    with database(settings) as dsn:
        run(add_empty_route(create_app(settings, dsn)), settings.host, port)


if __name__ == "__main__":
    typer.run(main)
