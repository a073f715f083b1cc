"""`lookup`: prints one number's answer on the terminal."""

import json
import sys
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console

from service.command.answer_tree import draw_answer
from service.command.answer_words import terminal_language
from service.command.client import DEFAULT_URL, CommandError, KeyFile, Url, call, connect, exit_on_error, read_key
from service.core.time_zone import zones_of
from service.provenance.answer.schemas import Answer
from service.wording.language import Language


def lookup(
    url: Url = DEFAULT_URL,
    key_file: KeyFile = None,
    region: Annotated[str, typer.Option(help="Region of a number without a country code: FR, BE, …")] = "FR",
    reason: Annotated[
        str | None, typer.Option(help="Reason for a supervisory authority's lookup; it is recorded.")
    ] = None,
    lang: Annotated[Language | None, typer.Option(help="Language of the tree. Default: the terminal's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON answer of the API.")] = False,
) -> None:
    """Show who collected a number and who holds it. The number is read from a prompt or from standard input."""
    with exit_on_error():
        key = read_key(key_file)
        number = _read_number()
        question = {"number": number, "region": region, "reason": reason}
        with connect(url, key) as client:
            document = call(client, "POST", "/v1/lookups", json=question)
        if as_json:
            typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            answer = _parse_answer(document)
            console, language = Console(), lang or terminal_language()
            console.print(draw_answer(number, answer, language, zone=zone_of(region), width=console.width))


def _parse_answer(document: object) -> Answer:
    try:
        return Answer.model_validate(document)
    except ValidationError:
        # The error itself would quote the answer.
        raise CommandError(
            "This command and the service have different versions. Install the version of the service."
        ) from None


def zone_of(region: str) -> ZoneInfo:
    """The time zone of a region (ISO 3166-1 alpha-2) if it has exactly one, else that of Paris."""
    zones = zones_of(region)
    return ZoneInfo(zones[0] if len(zones) == 1 else "Europe/Paris")


def _read_number() -> str:
    """The number as typed. It is not an argument: the shell's history and the list of processes would show it."""
    if sys.stdin.isatty():
        return str(typer.prompt("Number", err=True)).strip()
    number = sys.stdin.readline(200).strip()
    if not number:
        raise CommandError("The number is missing. Write it as one line to standard input.")
    return number
