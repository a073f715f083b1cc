"""Calls to a running service: its address, the API key, and every failure as one sentence."""

import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

from service.core.errors import ConfigurationError
from service.core.secret_files import read_secret

KEY_VARIABLE = "FILIATION_API_KEY"
URL_VARIABLE = "FILIATION_URL"

Url = Annotated[str, typer.Option("--url", envvar=URL_VARIABLE, help="Address of the service.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help=f"File that contains the API key. Default: {KEY_VARIABLE}, else a prompt.",
    ),
]

DEFAULT_URL = "http://127.0.0.1:8000"

# A part is answered only when all of it is stored, which takes long on a busy service.
_TIMEOUT = httpx2.Timeout(10.0, read=300.0, write=300.0)


class CommandError(Exception):
    """A failure, as a text that says what is wrong and what to do. `problem` is the slug of the service's refusal.

    `reasons` are why it refuses single fields of the request, by their places.
    """

    def __init__(self, text: str, problem: str | None = None, reasons: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.problem = problem
        self.reasons = reasons or {}


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End the command with status 1 and one line when the block raises a `CommandError`."""
    try:
        yield
    except CommandError as error:
        typer.echo(f"filiation: {error}", err=True)
        raise typer.Exit(1) from None


def read_key(key_file: Path | None) -> str:
    """The API key from the file, the environment or a prompt. An argument would be visible to others.

    Raises:
        CommandError: no key is given, or its file cannot be read.
    """
    if key_file is not None:
        try:
            key = key_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise CommandError(f"The key file {key_file} cannot be read. Check its path and permissions.") from None
    else:
        try:
            key = (read_secret(KEY_VARIABLE) or "").strip()
        except ConfigurationError as problem:
            raise CommandError(str(problem)) from None
        if not key and sys.stdin.isatty():
            key = typer.prompt("API key", hide_input=True, err=True).strip()
    if not key or not key.isascii() or not key.isprintable():
        raise CommandError(f"The API key is missing. Set {KEY_VARIABLE}, or name its file with --key-file.")
    return key


def connect(url: str, key: str) -> httpx2.Client:
    """A client for the service at `url` that trusts the certificates of the system.

    Raises:
        CommandError: `url` is not an HTTP address.
    """
    if not url.startswith(("http://", "https://")):
        raise CommandError(
            "The address of the service must begin with http:// or https://. Check --url or FILIATION_URL."
        )
    try:
        base_url = httpx2.URL(url.rstrip("/"))
    except httpx2.InvalidURL:
        raise CommandError("The address of the service is not a URL. Check --url or FILIATION_URL.") from None
    headers = {"Authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=base_url, headers=headers, timeout=_TIMEOUT, verify=ssl.create_default_context())


def call(client: httpx2.Client, method: str, path: str, **options: Any) -> Any:
    """The JSON answer to a request.

    Raises:
        CommandError: the service cannot be reached, or refuses.
    """
    with connection_errors(client):
        response = client.request(method, path, **options)
    return json_answer(response)


def json_answer(response: httpx2.Response) -> Any:
    """The JSON of a successful answer.

    Raises:
        CommandError: the answer is a problem (RFC 9457), or does not come from a Filiation service.
    """
    try:
        document = response.json()
    except ValueError:
        document = None
    if response.is_success and document is not None:
        return document
    detail = document.get("detail") if isinstance(document, dict) else None
    if not isinstance(detail, str):
        raise CommandError(
            f"The answer does not come from a Filiation service (status {response.status_code}). Check --url."
        )
    reasons = {error["location"]: error["reason"] for error in document.get("errors") or ()}
    text = "; ".join([detail, *(f"{place}: {reason}" for place, reason in reasons.items())])
    raise CommandError(text, str(document.get("type")).rpartition(":")[2], reasons)


@contextmanager
def connection_errors(client: httpx2.Client) -> Iterator[None]:
    """Turn a failed connection into a `CommandError`. The address in it contains no user and no password."""
    address = f"{client.base_url.scheme}://{client.base_url.netloc.decode().rpartition('@')[2]}"
    try:
        yield
    except httpx2.ConnectError as error:
        if isinstance(error.__context__, ssl.SSLError) or "CERTIFICATE" in str(error):
            raise CommandError(
                f"The certificate of {address} is not trusted. Add its authority to the system's store."
            ) from None
        raise CommandError(
            f"Nothing answers at {address}. Check that the service is running, and check --url."
        ) from None
    except httpx2.HTTPError:
        raise CommandError(f"The connection to {address} was lost. Run the command again.") from None
