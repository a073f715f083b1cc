"""Sends the parts of a file and follows the sealing, with a progress bar, through short failures of the connection."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from service.command.file_parts import Part, pieces_of

Result = TypeVar("Result")

# Seconds between attempts: long enough in all for a service to be started anew.
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
_BUSY = (502, 503, 504)


class _Busy(httpx2.TransportError):
    """The service, or what stands before it, asks to come back later."""


def _persistently(client: httpx2.Client, attempt: Callable[[], Result]) -> Result:
    """What `attempt` gives, which is made again a few times while the connection fails."""
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
) -> None:
    """Send those of `parts` that the dataset does not have yet.

    Raises:
        Refused: the service refuses a part, or cannot be reached any more.
    """
    there = {one["number"]: one["byte_count"] for one in call(client, "GET", f"{dataset_path}/parts")}
    missing = [part for part in parts if there.get(part.number) != part.size]
    if len(missing) < len(parts):
        console.print(f"{len(parts) - len(missing)} of {len(parts)} parts are there already.")
    ignored: set[str] = set()
    with _progress(console) as progress:
        sent = sum(part.size for part in parts) - sum(part.size for part in missing)
        task = progress.add_task("Uploading", total=sum(part.size for part in parts), completed=sent)
        for part in missing:

            def attempt(part: Part = part, before: int = sent) -> Any:
                watched = _watched(pieces_of(file, part), before, lambda done: progress.update(task, completed=done))
                sized = {**headers, "Content-Length": str(part.size)}
                path = f"{dataset_path}/parts/{part.number}"
                response = client.put(path, params=params, headers=sized, content=watched)
                if response.status_code in _BUSY:
                    raise _Busy("busy")
                return json_answer(response)

            taken = _persistently(client, attempt)
            ignored.update(taken["ignored_columns"])
            sent += part.size
    for name in sorted(ignored):
        console.print(f"Column {name} is not read: only a dataset of a collection keeps consents (--collection).")


def _progress(console: Console) -> Progress:
    bar = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    return Progress(*bar, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=console)


def _watched(pieces: Iterator[bytes], done: int, report: Callable[[int], None]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        done += len(piece)
        report(done)


def seal(console: Console, client: httpx2.Client, dataset_path: str) -> None:
    """Seal the dataset and wait until it is, watching the job's events.

    Raises:
        Refused: the service refuses, or the job fails.
    """
    job = call(client, "POST", f"{dataset_path}/seal")
    with _sealing(console) as progress:
        task = progress.add_task("Sealing", total=None)
        for seen in _persistently_followed(client, job["id"]):
            progress.update(task, completed=seen["done"], total=seen["total"] or None)
            if seen["problem"]:
                raise CommandError(seen["problem"]["detail"])


def _sealing(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=console)


def _persistently_followed(client: httpx2.Client, job_id: str) -> Iterator[dict[str, Any]]:
    """The job each time that it has moved, until it is finished, over as many streams as that takes."""
    finished = False
    while not finished:
        stream = _persistently(client, lambda: _opened(client, job_id))
        try:
            for seen in _events(stream):
                yield seen
                finished = seen["finished_at"] is not None
        except httpx2.TransportError:
            time.sleep(_PAUSES[0])
        finally:
            stream.close()


def _opened(client: httpx2.Client, job_id: str) -> httpx2.Response:
    response = client.send(client.build_request("GET", f"/v1/jobs/{job_id}/events"), stream=True)
    if not response.is_success:
        response.read()
        json_answer(response)
    return response


def _events(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    """The data of server-sent events; each of ours is one line of JSON."""
    for line in response.iter_lines():
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


def wait_until_sealed(console: Console, client: httpx2.Client, dataset_path: str) -> None:
    """Wait for a sealing that another command began, whose job is not known here.

    Raises:
        Refused: it failed, so that the dataset is open again.
    """
    with _sealing(console) as progress:
        progress.add_task("Sealing", total=None)
        while (state := call(client, "GET", dataset_path)["state"]) == "sealing":
            time.sleep(0.5)
    if state != "sealed":
        raise CommandError("The sealing failed and the dataset is open again: run the same command once more.")
