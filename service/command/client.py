"""Calls to a running service: its address, the key, and every failure as one sentence."""

import os
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

KEY_VARIABLE = "FILIATION_API_KEY"

Url = Annotated[str, typer.Option("--url", envvar="FILIATION_URL", help="Address of the service.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help=f"File that holds the API key. Without it, {KEY_VARIABLE} is read, or the key is asked for.",
    ),
]

DEFAULT_URL = "http://127.0.0.1:8000"

# A part is answered only once all of it is stored, and a busy service takes its time.
_TIMEOUT = httpx2.Timeout(10.0, read=300.0, write=300.0)


class CommandError(Exception):
    """What went wrong, in one sentence that says what to do about it."""


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End the command with status 1 and one sentence when something is refused inside the block."""
    try:
        yield
    except CommandError as refusal:
        typer.echo(f"filiation: {refusal}", err=True)
        raise typer.Exit(1) from None


def read_key(key_file: Path | None) -> str:
    """The API key: from the file, the environment or a prompt, never from an argument that others could see.

    Raises:
        Refused: there is none.
    """
    if key_file is not None:
        try:
            key = key_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise CommandError(f"The key file {key_file} cannot be read: check its path and permissions.") from None
    else:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key and sys.stdin.isatty():
            key = typer.prompt("API key", hide_input=True, err=True).strip()
    if not key or not key.isascii() or not key.isprintable():
        raise CommandError(f"There is no API key: set {KEY_VARIABLE}, or name its file with --key-file.")
    return key


def connect(url: str, key: str) -> httpx2.Client:
    """A client for the service at `url`, trusting the certificates that the system trusts.

    Raises:
        Refused: `url` is no http address.
    """
    if not url.startswith(("http://", "https://")):
        raise CommandError("The address of the service begins with http:// or https://: check --url or FILIATION_URL.")
    try:
        base_url = httpx2.URL(url.rstrip("/"))
    except httpx2.InvalidURL:
        raise CommandError("The address of the service is none: check --url or FILIATION_URL.") from None
    headers = {"Authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=base_url, headers=headers, timeout=_TIMEOUT, verify=ssl.create_default_context())


def call(client: httpx2.Client, method: str, path: str, **options: Any) -> Any:
    """The JSON that a request is answered with.

    Raises:
        Refused: the service cannot be reached, or refuses.
    """
    with connection_errors(client):
        response = client.request(method, path, **options)
    return json_answer(response)


def json_answer(response: httpx2.Response) -> Any:
    """The JSON of a good answer.

    Raises:
        Refused: it is a problem (RFC 9457), or no answer of this service.
    """
    try:
        document = response.json()
    except ValueError:
        document = None
    if response.is_success and document is not None:
        return document
    detail = document.get("detail") if isinstance(document, dict) else None
    if not isinstance(detail, str):
        raise CommandError(f"What answers there is no Filiation service (status {response.status_code}): check --url.")
    reasons = [f"{one['location']}: {one['reason']}" for one in document.get("errors") or ()]
    raise CommandError("; ".join([detail, *reasons]))


@contextmanager
def connection_errors(client: httpx2.Client) -> Iterator[None]:
    """Tell a failed connection in one sentence; the address is without what could be secret in it."""
    address = f"{client.base_url.scheme}://{client.base_url.netloc.decode().rpartition('@')[2]}"
    try:
        yield
    except httpx2.ConnectError as problem:
        if isinstance(problem.__context__, ssl.SSLError) or "CERTIFICATE" in str(problem):
            raise CommandError(
                f"The certificate of {address} is not trusted: add its authority to the system's store."
            ) from None
        raise CommandError(f"Nothing answers at {address}: is the service running, and is --url right?") from None
    except httpx2.HTTPError:
        raise CommandError(f"The connection to {address} was lost: try again.") from None
