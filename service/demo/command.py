"""`demo`: the service with a database of its own, the story told to it, and its answers checked."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import httpx2
import typer
import uvicorn
from fastapi import FastAPI
from rich.console import Console

from service.access import operations as keys
from service.access.actor import Scope
from service.access.schemas import KeyIn
from service.command.answer_words import terminal_language
from service.command.client import Refused, one_sentence
from service.command.serve import database
from service.core.clock import now
from service.core.db import Database
from service.core.embedded import server as embedded_server
from service.core.errors import Conflict
from service.core.settings import GatewayKind, Settings, read_settings
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
    lang: Annotated[Language | None, typer.Option(help="Language to tell in; the terminal's unless given.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the service; 0 takes a free one.")] = 8000,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the demonstration's own database.")] = None,
    exit_: Annotated[bool, typer.Option("--exit", help="End after the answers; status 0 if all are right.")] = False,
) -> None:
    """Tell the story of an election through the API, show who has whose number, and leave the service running."""
    language, settings = lang or terminal_language(), _settings(data_dir)
    console = Console(highlight=False)
    with one_sentence(), closing(_listen(port)) as listener:
        print_start(console, language, settings.data_dir)
        with database(settings) as dsn, _serving(create_app(settings, dsn), listener) as url:
            right = _load(console, language, url, asyncio.run(_operator_key(dsn)), stays=not exit_)
            if exit_:
                raise typer.Exit(0 if right else 1)
            # Ctrl-C is how one leaves; there is nothing to complain about.
            with suppress(KeyboardInterrupt):
                threading.Event().wait()


def _settings(data_dir: Path | None) -> Settings:
    """Settings of a database and a secret of its own, whatever the environment says.

    The invented organisations of the story have no place in a registry that is in use.
    """
    folder = data_dir or embedded_server.default_folder().with_name("filiation-demo")
    return read_settings(
        database_url=None,
        master_secret=None,
        master_secret_file=None,
        data_dir=folder,
        # Its numbers are made up, so that a code for one must not leave this machine either.
        sms_gateway=GatewayKind.OUTBOX,
    )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen()
    except OSError as problem:
        listener.close()
        raise Refused(
            f"Port {port} cannot be had ({problem.strerror}): choose another with --port, or 0 for a free one."
        ) from None
    return listener


async def _operator_key(dsn: str) -> str:
    """A new key of the registry's operator, who is made at the first run, as at the operator's command line."""
    wanted = OrganisationIn(
        legal_name=story.OPERATOR.name,
        country="FR",
        registration_number=story.OPERATOR.siren,
        roles=[Role.OPERATOR],
        privacy_contact=story.OPERATOR.contact,
    )
    registry = Database(dsn, pool_size=1)
    try:
        async with registry.transaction() as session:
            try:
                operator_id = (await organisations.register_organisation(session, None, wanted)).id
            except Conflict as known:
                operator_id = known.extensions["organisation_id"]
            scopes = [Scope.ACCOUNTS, Scope.FACTS_READ, Scope.FACTS_WRITE]
            issue = KeyIn(organisation_id=operator_id, scopes=scopes, expires_at=now() + KEY_LIFETIME)
            issued = await keys.issue_key(session, issue)
    finally:
        await registry.close()
    assert issued.key is not None
    return issued.key


@contextmanager
def _serving(app: FastAPI, listener: socket.socket) -> Iterator[str]:
    """The application behind a socket, served by a thread during the block; its address."""
    config = uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="service", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise Refused("The service did not start: its log, above, says why.")
            time.sleep(0.01)
        yield f"http://{_HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _load(console: Console, language: Language, url: str, operator_key: str, *, stays: bool) -> bool:
    """Tell the story and show what is answered; whether all of it is right."""
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as client:
        try:
            loaded = load_story(
                client, operator_key, lambda step, answer: console.print(describe_step(step, answer, language))
            )
        except StoryError as refusal:
            raise Refused(
                f"{refusal} If another version told its story here, choose another folder with --data-dir."
            ) from None
        right = print_answers(console, language, client, loaded)
        right &= print_impacts(console, language, client, loaded)
        print_verdict(console, language, right=right)
    if stays:
        print_keys(console, language, url, loaded)
    return right
