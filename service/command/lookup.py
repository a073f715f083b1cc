"""`lookup`: one number's answer on the terminal."""

import json
import sys
from importlib.resources import files
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console

from service.command.answer_tree import draw_answer
from service.command.answer_words import terminal_language
from service.command.client import DEFAULT_URL, CommandError, KeyFile, Url, call, connect, exit_on_error, read_key
from service.provenance.answer.schemas import Answer
from service.wording.language import Language


def lookup(
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
    region: Annotated[str, typer.Option(help="Where a number without country code is from: FR, BE, …")] = "FR",
    reason: Annotated[str | None, typer.Option(help="Why a supervisory authority asks; it is recorded.")] = None,
    lang: Annotated[Language | None, typer.Option(help="Language of the tree; the terminal's unless given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as the API gives it.")] = False,
) -> None:
    """Ask who collected a number and who has it now. The number is read from a prompt or from standard input."""
    with exit_on_error():
        key = read_key(key_file)
        number = _read_number()
        question = {"number": number, "region": region, "reason": reason}
        with connect(url, key) as client:
            document = call(client, "POST", "/v1/lookups", json=question)
        if as_json:
            typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            answer = _understood(document)
            Console().print(draw_answer(number, answer, lang or terminal_language(), zone=zone_of(region)))


def _understood(document: object) -> Answer:
    try:
        return Answer.model_validate(document)
    except ValidationError:
        # The text of the error would quote the answer.
        raise CommandError("The service and this command are of different versions: install the service's.") from None


def zone_of(region: str) -> ZoneInfo:
    """The time zone of a region (ISO 3166-1 alpha-2) that has only one in the tz database; else that of Paris."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    zones = [row[2] for row in rows if row[0] == region]
    return ZoneInfo(zones[0] if len(zones) == 1 else "Europe/Paris")


def _read_number() -> str:
    """The number, as it was written. Arguments would stay in the shell's history and show in the list of processes."""
    if sys.stdin.isatty():
        return str(typer.prompt("Number", err=True)).strip()
    number = sys.stdin.readline(200).strip()
    if not number:
        raise CommandError("There is no number: write one line with it to standard input.")
    return number
