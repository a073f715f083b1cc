"""Uploads the parts of a file and follows the sealing, with a progress bar and retries after connection failures."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from service.command.client import CommandError, call, connection_errors, json_answer
from service.command.file_parts import Part, first_line_of, pieces_of

Result = TypeVar("Result")

# Seconds between attempts; together long enough for a service to be restarted.
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
_BUSY = (502, 503, 504)


class _Busy(httpx2.TransportError):
    """The service, or a proxy before it, asks the client to come back later."""


def _with_retries(client: httpx2.Client, attempt: Callable[[], Result]) -> Result:
    """The result of `attempt`, which is repeated a few times while the connection fails."""
    for pause in _PAUSES:
        try:
            return attempt()
        except httpx2.TransportError:
            time.sleep(pause)
    with connection_errors(client):
        return attempt()


def upload(
    console: Console,
    client: httpx2.Client,
    dataset_path: str,
    file: Path,
    parts: Sequence[Part],
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str],
    is_current: Callable[[dict[str, Any]], bool],
) -> list[dict[str, Any]]:
    """Upload the parts that the dataset does not have yet, or has in a reading that is not current.

    Returns what the service answered about each.

    Raises:
        CommandError: the service refuses a part, or can no longer be reached.
    """
    known = call(client, "GET", f"{dataset_path}/parts")
    stored = {part["number"]: part["byte_count"] for part in known if is_current(part)}
    missing = [part for part in parts if stored.get(part.number) != part.size]
    if len(missing) < len(parts):
        console.print(f"{len(parts) - len(missing)} of {len(parts)} parts are already uploaded.")
    answers: list[dict[str, Any]] = []
    with _progress(console) as progress:
        sent = sum(part.size for part in parts) - sum(part.size for part in missing)
        task = progress.add_task("Uploading", total=sum(part.size for part in parts), completed=sent)
        for part in missing:

            def upload_part(part: Part = part, before: int = sent) -> Any:
                update = partial(progress.update, task)
                content = _with_progress(pieces_of(file, part), before, lambda done: update(completed=done))
                path, size = f"{dataset_path}/parts/{part.number}", {"Content-Length": str(part.size)}
                # A later part goes on where the file was cut, whatever its first line looks like.
                wanted = {**params, "header": "false"} if part.number > 1 else params
                response = client.put(path, params=wanted, headers={**headers, **size}, content=content)
                if response.status_code in _BUSY:
                    raise _Busy("busy")
                with _naming_the_part(file, part):
                    return json_answer(response)

            answers.append(_with_retries(client, upload_part))
            sent += part.size
    return answers


@contextmanager
def _naming_the_part(file: Path, part: Part) -> Iterator[None]:
    """Say where in the file a part begins that is refused: the service counts the lines of the part."""
    try:
        yield
    except CommandError as refusal:
        if part.number == 1:
            raise
        text = f"In part {part.number}, whose line 1 is line {first_line_of(file, part):,} of the file: {refusal}"
        raise CommandError(text, refusal.problem, refusal.reasons) from None


def _progress(console: Console) -> Progress:
    bar = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    return Progress(*bar, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=console)


def _with_progress(pieces: Iterator[bytes], done: int, report: Callable[[int], None]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        done += len(piece)
        report(done)


def seal(console: Console, client: httpx2.Client, dataset_path: str) -> None:
    """Seal the dataset and wait until it is sealed.

    Raises:
        CommandError: the service refuses, or the job fails.
    """
    job = call(client, "POST", f"{dataset_path}/seal")
    with _sealing_progress(console) as progress:
        task = progress.add_task("Sealing", total=None)
        for state in follow_job(client, job["id"]):
            progress.update(task, completed=state["done"], total=state["total"] or None)
            if state["problem"]:
                raise CommandError(state["problem"]["detail"])


def _sealing_progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=console)


def follow_job(client: httpx2.Client, job_id: str) -> Iterator[dict[str, Any]]:
    """The job after each change until it is finished, over several streams if the connection fails."""
    finished = False
    while not finished:
        stream = _with_retries(client, lambda: _open_events(client, job_id))
        try:
            for state in _events(stream):
                yield state
                finished = state["finished_at"] is not None
        except httpx2.TransportError:
            time.sleep(_PAUSES[0])
        finally:
            stream.close()


def _open_events(client: httpx2.Client, job_id: str) -> httpx2.Response:
    response = client.send(client.build_request("GET", f"/v1/jobs/{job_id}/events"), stream=True)
    if not response.is_success:
        response.read()
        json_answer(response)
    return response


def _events(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """The data of server-sent events. Each of the service's events is one line of JSON."""
    for line in response.iter_lines():
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


def wait_until_sealed(console: Console, client: httpx2.Client, dataset_path: str) -> None:
    """Wait for a sealing that another command started, so that its job is unknown.

    Raises:
        CommandError: the sealing failed, and the dataset is open again.
    """
    with _sealing_progress(console) as progress:
        progress.add_task("Sealing", total=None)
        while (state := call(client, "GET", dataset_path)["state"]) == "sealing":
            time.sleep(0.5)
    if state != "sealed":
        raise CommandError("The sealing failed, and the dataset is open again. Run the same command again.")
