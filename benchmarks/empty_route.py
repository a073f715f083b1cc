"""The service, and beside its own routes an empty one behind the same key check: the yardstick of P4.

Both are answered by one process, so that whatever it costs to be that process is in both figures.
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


async def empty(actor: NumbersReader) -> None:
    """Answer nothing, to whoever may look numbers up."""


def add_empty_route(app: FastAPI) -> FastAPI:
    """`app`, with the empty route."""
    app.add_api_route(PATH, empty, methods=["POST"])
    # Routes are tried in turn: behind all of the service's own, the yardstick would be slower with each that comes.
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
