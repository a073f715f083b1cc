"""`deadlines correct`: the operator publishes a quarter's figures again, as a new version with its reason."""

from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from service.command.transaction import in_transaction
from service.core.clock import now
from service.core.text import Sentence
from service.objection.publication import correct_publication
from service.wording.language import paris_day

deadlines = typer.Typer(help="Manage the public figures of deadlines.", no_args_is_help=True)


@deadlines.callback()
def _deadlines() -> None:
    """Keep `correct` a command of its own name, although it is the only one."""


@deadlines.command("correct")
def correct(
    quarter: Annotated[str, typer.Argument(help="The published quarter, such as 2026-Q3.")],
    reason: Annotated[str, typer.Option(help="Why the figures are corrected, for everybody to read.")],
) -> None:
    """Count a published quarter again, and publish the result as a new version."""
    try:
        sentence = TypeAdapter[str](Sentence).validate_python(reason)
    except ValidationError as invalid:
        raise typer.BadParameter("; ".join(error["msg"] for error in invalid.errors())) from invalid
    today = paris_day(now())
    corrected = in_transaction(lambda session: correct_publication(session, quarter, sentence, today))
    typer.echo(f"{corrected.quarter}, version {corrected.version}")
