"""`dataset register`: registers a file as a dataset of a running service, and continues after an interruption.

No state is stored. The dataset is created with an `Idempotency-Key` made from the file's content and the options.
The same command therefore finds the same dataset, and the service lists the parts that it has.
"""

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx2
import typer
from rich.console import Console

from service.command.client import DEFAULT_URL, CommandError, KeyFile, Url, call, connect, exit_on_error, read_key
from service.command.file_parts import Form, Part, digest_of, form_of, parts_of
from service.command.registration_result import print_counts, print_parts, write_rejects
from service.command.upload import seal, upload, wait_until_sealed

dataset = typer.Typer(help="Manage datasets of a running service.", no_args_is_help=True)

_DEFAULT_PART_BYTES = 16 * 1024 * 1024
_INTERRUPTED = 130


@dataclass(frozen=True)
class Plan:
    """What to register: the body of the dataset, the file, and how it is split and read."""

    body: dict[str, Any]
    path: Path
    form: Form
    parts: list[Part]
    columns: dict[str, str]
    idempotency_key: str


File = Annotated[
    Path,
    typer.Argument(
        help="CSV, NDJSON or Parquet file; CSV and NDJSON may be compressed by gzip or zstd.", metavar="FILE"
    ),
]
Holder = Annotated[str, typer.Option(help="Holder: an organisation's id or registration number (SIREN).")]
Name = Annotated[str | None, typer.Option(help="Name of the dataset at its holder. Default: the name of the file.")]
Collection = Annotated[uuid.UUID | None, typer.Option(help="Id of the collection that the numbers come from.")]
DerivedFrom = Annotated[list[uuid.UUID] | None, typer.Option(help="Id of a parent dataset (repeatable).")]
OccurredAt = Annotated[
    str | None, typer.Option(help="When the dataset was made (ISO 8601). Default: when the file was last written.")
]
Column = Annotated[str | None, typer.Option(help="Column of the numbers: its name, or its position from 1.")]
ConsentedAtColumn = Annotated[str | None, typer.Option(help="Column of the consent times.")]
ConsentRecordIdColumn = Annotated[
    str | None, typer.Option(help="Column of the collector's references to consent records.")
]
Region = Annotated[str, typer.Option(help="Region of numbers without a country code.")]
TimeZone = Annotated[str, typer.Option(help="Time zone for timestamps without an offset.")]
Sealed = Annotated[bool, typer.Option("--seal/--no-seal", help="Seal the dataset when all parts are uploaded.")]
PartBytes = Annotated[int, typer.Option(min=1024, help="Approximate size of a part in bytes.")]
Rejects = Annotated[Path | None, typer.Option(help="File for the rejected lines, with their values.")]


@dataset.command("register")
def register(  # noqa: PLR0913  (each is an option of the command line)
    file: File,
    holder: Holder,
    name: Name = None,
    collection: Collection = None,
    derived_from: DerivedFrom = None,
    occurred_at: OccurredAt = None,
    column: Column = None,
    consented_at_column: ConsentedAtColumn = None,
    consent_record_id_column: ConsentRecordIdColumn = None,
    region: Region = "FR",
    time_zone: TimeZone = "Europe/Paris",
    sealed: Sealed = True,
    part_bytes: PartBytes = _DEFAULT_PART_BYTES,
    rejects: Rejects = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """Register a file as a dataset. After an interruption, run the same command to continue."""
    columns = {
        "column": column,
        "consented_at_column": consented_at_column,
        "consent_record_id_column": consent_record_id_column,
    }
    with exit_on_error(), _resumable():
        key = read_key(key_file)
        _check_file(file)
        body = _body(file, name, collection, derived_from or [], _made_at(occurred_at, time_zone, file))
        body |= {"default_region": region, "time_zone": time_zone}
        with connect(url, key) as client:
            body["holder_id"] = _holder_id(client, holder)
            _register(client, _plan(key, file, body, columns, part_bytes), sealed=sealed, rejects=rejects)


@contextmanager
def _resumable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("Interrupted. Run the same command to continue.", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _body(
    file: Path, name: str | None, collection: uuid.UUID | None, derived_from: Sequence[uuid.UUID], occurred_at: str
) -> dict[str, Any]:
    return {
        "name": name or file.name,
        "collection_id": str(collection) if collection else None,
        "derived_from": [str(dataset_id) for dataset_id in derived_from],
        "occurred_at": occurred_at,
    }


def _check_file(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            first = opened.read(1)
    except OSError as error:
        raise CommandError(f"The file {file} cannot be read: {error.strerror}.") from None
    if not first:
        raise CommandError(f"The file {file} is empty. Choose one with numbers.")


def _made_at(text: str | None, time_zone: str, file: Path) -> str:
    if text is None:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(microsecond=0).isoformat()
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))).isoformat()
    except ZoneInfoNotFoundError:
        raise CommandError(
            "Invalid value for --time-zone. Use a name of the IANA database, such as Europe/Paris."
        ) from None
    except ValueError:
        raise CommandError(
            "Invalid value for --occurred-at. Use a date or time in ISO 8601, such as 2024-05-28T10:00."
        ) from None


def _holder_id(client: httpx2.Client, holder: str) -> str:
    try:
        return str(uuid.UUID(holder))
    except ValueError:
        params = {"registration_number": holder.replace(" ", "")}
    found = call(client, "GET", "/v1/organisations", params=params)["items"]
    if not found:
        raise CommandError(
            "No organisation has the registration number given in --holder. Register the organisation first."
        )
    return str(found[0]["id"])


def _plan(key: str, path: Path, body: dict[str, Any], columns: dict[str, str | None], part_bytes: int) -> Plan:
    form = form_of(path)
    given = {name: value for name, value in columns.items() if value is not None}
    options = json.dumps([body, given, part_bytes], sort_keys=True).encode()
    # Keyed: the numbers of a small file could be guessed from an unkeyed hash.
    name = hmac.new(key.encode(), digest_of(path) + options, hashlib.sha256).hexdigest()
    return Plan(body, path, form, list(parts_of(path, form, part_bytes)), given, f"register-{name}")


def _register(client: httpx2.Client, plan: Plan, *, sealed: bool, rejects: Path | None) -> None:
    console = Console(stderr=True)
    headers = {"Idempotency-Key": plan.idempotency_key}
    created = call(client, "POST", "/v1/datasets", json=plan.body, headers=headers)
    path = f"/v1/datasets/{created['id']}"
    state = call(client, "GET", path)["state"]
    if state == "open":
        upload(console, client, path, plan.path, plan.parts, headers=plan.form.headers, params=plan.columns)
        if rejects is not None:
            # Before sealing, which is refused if every line was rejected: the reasons are needed then most of all.
            write_rejects(client, path, rejects)
        if sealed:
            seal(console, client, path)
    elif state == "sealing":
        wait_until_sealed(console, client, path)
    if rejects is not None and state != "open":
        write_rejects(client, path, rejects)
    if sealed or state != "open":
        print_counts(Console(), client, call(client, "GET", path))
    else:
        print_parts(Console(), created["id"], call(client, "GET", f"{path}/parts"))
