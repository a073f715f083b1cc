"""Serving the application with routes that only a benchmark needs."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from fastapi import FastAPI

from service.command import logs
from service.command.database import database
from service.command.serve import run
from service.core.settings import Settings
from service.main import create_app

Port = Annotated[int, typer.Option()]


def add_route(app: FastAPI, path: str, endpoint: Callable[..., Any]) -> None:
    """Add a POST route before all others.

    Routes are matched in order. In the last place, a yardstick would slow down with every route that is added.
    """
    app.add_api_route(path, endpoint, methods=["POST"])
    app.router.routes.insert(0, app.router.routes.pop())


def serve(add_routes: Callable[[FastAPI], FastAPI], port: int) -> None:
    """Serve as `filiation serve` does, with the routes that `add_routes` adds."""
    settings = Settings()
    logs.configure()
    with database(settings) as dsn:
        run(add_routes(create_app(settings, dsn)), settings.host, port, settings)
