"""`dataset register`: registers a file as a dataset of a running service, and continues after an interruption.

No state is stored. The dataset is created with an `Idempotency-Key` made from the file's content and the options.
The same command therefore finds the same dataset, and the service lists the parts that it has.
"""

import hashlib
import hmac
import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx2
import typer
from rich.console import Console

from service.command import dataset_acts, release
from service.command.client import DEFAULT_URL, CommandError, KeyFile, Url, call, connect, exit_on_error, read_key
from service.command.date_order import seal_when_confirmed, state_date_format, was_read_with
from service.command.file_parts import Form, Part, digest_of, form_of, parts_of
from service.command.option_names import naming_options
from service.command.preview import asks_before_sealing, confirm, show_preview
from service.command.registration_result import print_columns, print_counts, print_parts, print_rejects, write_rejects
from service.command.upload import upload, wait_until_sealed
from service.core.time_zone import ask_for_zone, zones_of

dataset = typer.Typer(help="Manage datasets of a running service.", no_args_is_help=True)
dataset.command("discard")(dataset_acts.discard)
dataset.command("end")(dataset_acts.end)
dataset.command("take-end-back")(dataset_acts.take_end_back)
dataset.command("withdraw")(dataset_acts.withdraw)
dataset.command("take-withdrawal-back")(dataset_acts.take_withdrawal_back)
dataset.command("waiting")(release.list_waiting)
dataset.command("release")(release.release_dataset)
dataset.command("withdraw-release")(release.withdraw_release)

_DEFAULT_PART_BYTES = 16 * 1024 * 1024
_INTERRUPTED = 130


@dataclass(frozen=True)
class Plan:
    """What to register: the body of the dataset, the file, and how it is split and read.

    The date format is not in the body, so that the dataset stays the same when the format turns out to be needed.
    """

    body: dict[str, Any]
    path: Path
    form: Form
    parts: list[Part]
    columns: dict[str, str]
    idempotency_key: str
    date_format: str | None

    def previewed(self) -> dict[str, str]:
        """What says how the file is to be read, for its preview."""
        return self.columns | ({"date_format": self.date_format} if self.date_format else {})


File = Annotated[
    Path,
    typer.Argument(
        help="CSV, NDJSON, Parquet or XLSX file; CSV and NDJSON may be compressed by gzip or zstd.", metavar="FILE"
    ),
]
Holder = Annotated[str, typer.Option(help="Holder: an organisation's id or registration number (SIREN).")]
Name = Annotated[str | None, typer.Option(help="Name of the dataset at its holder. Default: the name of the file.")]
Collection = Annotated[uuid.UUID | None, typer.Option(help="Id of the collection that the numbers come from.")]
DerivedFrom = Annotated[list[uuid.UUID] | None, typer.Option(help="Id of a parent dataset (repeatable).")]
OccurredAt = Annotated[
    str,
    typer.Option(
        help="When the dataset was made (ISO 8601), such as 2024-05-28T10:00. A date alone is the beginning of its day."
    ),
]
Column = Annotated[str | None, typer.Option(help="Column of the numbers: its name, or its position from 1.")]
ConsentedAtColumn = Annotated[str | None, typer.Option(help="Column of the consent times.")]
ConsentRecordIdColumn = Annotated[
    str | None, typer.Option(help="Column of the collector's references to consent records.")
]
CountryColumn = Annotated[str | None, typer.Option(help="Column of the numbers' countries or calling codes.")]
ConsentStateColumn = Annotated[
    str | None,
    typer.Option(
        help="Column that says whether the person agreed: lines that say no are rejected. Default: all with such a "
        "name; none: no column."
    ),
]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook: its name, or its position from 1.")]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the file begins with a header. Default: as its first line is."),
]
Region = Annotated[str, typer.Option(help="Region of numbers without a country code.")]
TimeZone = Annotated[
    str | None, typer.Option(help="Time zone of times without an offset. Default: that of the region, if it has one.")
]
DateFormat = Annotated[
    str | None,
    typer.Option(
        help="Format of the consent times: day_first, month_first, epoch_seconds, %d/%m/%y %H:%M … "
        "Not needed for ISO 8601, and where other lines show that the day comes first."
    ),
]
Sealed = Annotated[bool, typer.Option("--seal/--no-seal", help="Seal the dataset when all parts are uploaded.")]
PartBytes = Annotated[int, typer.Option(min=1024, help="Approximate size of a part in bytes.")]
Yes = Annotated[bool, typer.Option("--yes", help="Answer yes to every question, and show no preview.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the dataset as JSON on standard output.")]
Rejects = Annotated[Path | None, typer.Option(help="File for the rejected lines, with their values.")]


@dataset.command("register")
def register(  # noqa: PLR0913  (each is an option of the command line)
    file: File,
    holder: Holder,
    occurred_at: OccurredAt,
    name: Name = None,
    collection: Collection = None,
    derived_from: DerivedFrom = None,
    column: Column = None,
    consented_at_column: ConsentedAtColumn = None,
    consent_record_id_column: ConsentRecordIdColumn = None,
    country_column: CountryColumn = None,
    consent_state_column: ConsentStateColumn = None,
    sheet: Sheet = None,
    header: Header = None,
    region: Region = "FR",
    time_zone: TimeZone = None,
    date_format: DateFormat = None,
    sealed: Sealed = True,
    part_bytes: PartBytes = _DEFAULT_PART_BYTES,
    rejects: Rejects = None,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
) -> None:
    """Register a file as a dataset. After an interruption, run the same command to continue."""
    columns = {
        "column": column,
        "consented_at_column": consented_at_column,
        "consent_record_id_column": consent_record_id_column,
        "country_column": country_column,
        "consent_state_column": consent_state_column,
        "sheet": sheet,
        "header": None if header is None else str(header).lower(),
    }
    with exit_on_error(), _resumable():
        key = read_key(key_file)
        _check_file(file)
        zones = (time_zone,) if time_zone else zones_of(region)
        body = _body(file, name, collection, derived_from or [], _made_at(occurred_at, region, zones))
        body |= {"default_region": region, "time_zone": zones[0] if len(zones) == 1 else None}
        with connect(url, key) as client:
            body["holder_id"] = _holder_id(client, holder)
            plan = _plan(key, file, body, columns, part_bytes, date_format)
            if not yes:
                with naming_options():
                    show_preview(Console(stderr=True), client, file, plan.form, plan.body, plan.previewed())
                confirm("Send the file?")
            path = _register(client, plan, sealed=sealed, rejects=rejects, yes=yes)
            _print_registered(client, path, as_json=as_json)


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


def _made_at(text: str, region: str, zones: Sequence[str]) -> str:
    """A moment with its offset. One without is in the only zone. An unknown region has none, and is refused later."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            if len(zones) > 1:
                raise CommandError(ask_for_zone(region, "--time-zone"))
            moment = moment.replace(tzinfo=ZoneInfo(zones[0] if zones else "UTC"))
        return moment.isoformat()
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
        params = {"registration_number": holder}
    found = call(client, "GET", "/v1/organisations", params=params)["items"]
    if not found:
        raise CommandError(
            "No organisation has the registration number given in --holder. Register the organisation first."
        )
    return str(found[0]["id"])


def _plan(
    key: str,
    path: Path,
    body: dict[str, Any],
    columns: dict[str, str | None],
    part_bytes: int,
    date_format: str | None,
) -> Plan:
    form = form_of(path)
    given = {name: value for name, value in columns.items() if value is not None}
    options = json.dumps([body, given, part_bytes], sort_keys=True).encode()
    # Keyed: the numbers of a small file could be guessed from an unkeyed hash.
    name = hmac.new(key.encode(), digest_of(path) + options, hashlib.sha256).hexdigest()
    return Plan(body, path, form, list(parts_of(path, form, part_bytes)), given, f"register-{name}", date_format)


def _register(client: httpx2.Client, plan: Plan, *, sealed: bool, rejects: Path | None, yes: bool) -> str:
    """Register, upload and seal. Returns the path of the dataset."""
    console = Console(stderr=True)
    headers = {"Idempotency-Key": plan.idempotency_key}
    with naming_options():
        created = call(client, "POST", "/v1/datasets", json=plan.body, headers=headers)
    path = f"/v1/datasets/{created['id']}"
    found = call(client, "GET", path)
    state = found["state"]
    if state == "open":
        with naming_options():
            state_date_format(client, found, plan.date_format)
            answers = upload(
                console,
                client,
                path,
                plan.path,
                plan.parts,
                headers=plan.form.headers,
                params=plan.columns,
                is_current=lambda part: was_read_with(part, plan.date_format),
            )
        print_columns(console, answers, reads_consent=plan.body["collection_id"] is not None)
        print_rejects(console, client, path, shows_command=rejects is None)
        if rejects is not None:
            # Before sealing, which is refused if every line was rejected: the reasons are needed then most of all.
            write_rejects(client, path, rejects)
        if sealed:
            question = asks_before_sealing(call(client, "GET", f"{path}/parts"))
            if question and not yes:
                confirm(question)
            seal_when_confirmed(console, client, path, asks=not yes)
    elif state == "sealing":
        wait_until_sealed(console, client, path)
    if rejects is not None and state != "open":
        write_rejects(client, path, rejects)
    return path


def _print_registered(client: httpx2.Client, path: str, *, as_json: bool) -> None:
    """Print the dataset: as JSON, as a table on a terminal, or its id alone for the next command of a pipe."""
    dataset = call(client, "GET", path)
    if as_json:
        typer.echo(json.dumps(dataset, indent=2, ensure_ascii=False))
        return
    to_terminal = sys.stdout.isatty()
    console = Console(stderr=not to_terminal)
    if dataset["state"] == "sealed":
        print_counts(console, client, dataset)
    else:
        print_parts(console, dataset, call(client, "GET", f"{path}/parts"))
    if not to_terminal:
        typer.echo(dataset["id"])
