"""`demo`: starts the service with its own database, loads the story and checks the answers."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import httpx2
import typer
import uvicorn
from fastapi import FastAPI
from rich.console import Console

from service.access import operations as keys
from service.access.actor import Scope
from service.access.schemas import KeyIn
from service.command.answer_words import terminal_language
from service.command.client import CommandError, exit_on_error
from service.command.database import database
from service.core.clock import now
from service.core.db import Database
from service.core.embedded import server as embedded_server
from service.core.errors import Conflict
from service.core.setting_types import GatewayKind
from service.core.settings import Settings, read_settings
from service.core.vocabulary import Role
from service.demo import story
from service.demo.loader import KEY_LIFETIME, StoryError, load_story
from service.demo.output import print_answers, print_impacts, print_keys, print_start, print_verdict
from service.demo.progress import describe_step
from service.main import create_app
from service.organisation import operations as organisations
from service.organisation.schemas import OrganisationIn
from service.wording.language import Language

_HOST = "127.0.0.1"


def demo(
    lang: Annotated[Language | None, typer.Option(help="Language of the output. Default: the terminal's.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the service; 0 chooses a free one. Default: FILIATION_PORT."),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the demonstration's database. Default: a folder of its own, whatever FILIATION_DATA_DIR is."
        ),
    ] = None,
    exit_: Annotated[
        bool, typer.Option("--exit", help="Exit after the answers, with status 0 if all are as expected, else 1.")
    ] = False,
) -> None:
    """Load the story of an election through the API, show answers about its numbers, and leave the service running."""
    language, settings = lang or terminal_language(), _settings(data_dir)
    console = Console(highlight=False)
    with exit_on_error(), closing(_open_listener(settings.port if port is None else port)) as listener:
        print_start(console, language, settings.data_dir, _ignored(data_dir))
        with database(settings, watched=True) as dsn, _serve_in_thread(create_app(settings, dsn), listener) as url:
            all_right = _run_story(
                console, language, url, asyncio.run(_operator_key(dsn, settings)), keep_running=not exit_
            )
            if exit_:
                raise typer.Exit(0 if all_right else 1)
            # Ctrl-C is the regular end.
            with suppress(KeyboardInterrupt):
                threading.Event().wait()


# Settings of the registry that is in use, which the demonstration stays away from.
_OTHERS: Final = ("DATABASE_URL", "DATABASE_OWNER_URL", "FILIATION_MASTER_SECRET", "FILIATION_MASTER_SECRET_FILE")


def _ignored(data_dir: Path | None) -> list[str]:
    """The variables that are set and not read."""
    names = (*_OTHERS, "FILIATION_SMS_GATEWAY", *(() if data_dir else ("FILIATION_DATA_DIR",)))
    return [name for name in names if os.environ.get(name)]


def _settings(data_dir: Path | None) -> Settings:
    """Settings with a separate database and secret, regardless of the environment.

    The invented organisations of the story must not enter a registry that is in use.
    """
    folder = data_dir or embedded_server.default_folder().with_name("filiation-demo")
    return read_settings(
        database_url=None,
        database_password=None,
        database_owner_url=None,
        database_owner_password=None,
        master_secret=None,
        data_dir=folder,
        # The numbers are invented, so no code may be sent to them.
        sms_gateway=GatewayKind.OUTBOX,
    )


def _open_listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen()
    except OSError as problem:
        listener.close()
        raise CommandError(
            f"Port {port} is not available ({problem.strerror}). Choose another with --port, or 0 for a free one."
        ) from None
    return listener


async def _operator_key(dsn: str, settings: Settings) -> str:
    """A new key of the registry's operator, which the first run registers."""
    wanted = OrganisationIn(
        legal_name=story.OPERATOR.name,
        country="FR",
        registration_number=story.OPERATOR.siren,
        roles=[Role.OPERATOR],
        privacy_contact=story.OPERATOR.contact,
    )
    registry = Database(dsn, pool_size=1, limits=settings.request_limits())
    try:
        async with registry.transaction() as session:
            try:
                operator_id = (await organisations.register_organisation(session, None, wanted)).id
            except Conflict as conflict:
                operator_id = conflict.extensions["organisation_id"]
            scopes = [Scope.ACCOUNTS, Scope.FACTS_READ, Scope.FACTS_WRITE]
            issue = KeyIn(organisation_id=operator_id, scopes=scopes, expires_at=now() + KEY_LIFETIME)
            issued = await keys.issue_key(session, issue)
    finally:
        await registry.close()
    assert issued.key is not None
    return issued.key


@contextmanager
def _serve_in_thread(app: FastAPI, listener: socket.socket) -> Iterator[str]:
    """Serve the application on a socket, in a thread, during the block; yields its address."""
    config = uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="service", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise CommandError("The service did not start. Its log above says why.")
            time.sleep(0.01)
        yield f"http://{_HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _run_story(console: Console, language: Language, url: str, operator_key: str, *, keep_running: bool) -> bool:
    """Load the story and print the answers. Returns whether all of them are as expected."""
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
        try:
            loaded = load_story(
                client, operator_key, lambda step, answer: console.print(describe_step(step, answer, language))
            )
        except StoryError as error:
            raise CommandError(
                f"{error} If another version loaded its story here, choose another folder with --data-dir."
            ) from None
        all_right = print_answers(console, language, client, loaded)
        all_right &= print_impacts(console, language, client, loaded)
        print_verdict(console, language, all_right=all_right)
    if keep_running:
        print_keys(console, language, url, loaded)
    return all_right
