"""The command line: `filiation`."""

import gc
import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from service.core.errors import ConfigurationError, Problem
from service.core.outline import print_outlines

_COMMANDS: Final = {
    "serve": "service.command.serve:serve",
    "worker": "service.command.serve:worker",
    "migrate": "service.command.migrate:migrate",
    "compact": "service.command.compact:compact",
    "fsck": "service.command.fsck:fsck",
    "demo": "service.demo.command:demo",
    "openapi": "service.command.openapi:write_openapi",
    "settings": "service.command.reference:write_settings",
    "retention": "service.command.reference:write_retention",
    "lookup": "service.command.lookup:lookup",
    "organisation": "service.command.accounts:organisation",
    "key": "service.command.accounts:key",
    "job": "service.command.accounts:job",
    "dataset": "service.command.register:dataset",
    "deadlines": "service.command.deadlines:deadlines",
    "usage": "service.command.usage:usage",
}
"""Where each command is: a function, or an application with commands of its own."""


class _CommandsOnDemand(TyperGroup):
    """Commands that are imported when they are named. A client's command does not need the server's modules."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(_COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        if cmd_name not in _COMMANDS:
            return None
        found = _imported(_COMMANDS[cmd_name])
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(found)
            found = single
        return typer.main.get_command(found)


def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    # Importing leaves nothing to collect. The collector would visit all modules again and again: a fifth of the time.
    gc.disable()
    try:
        return getattr(import_module(module), name)
    finally:
        gc.enable()


app = typer.Typer(
    cls=_CommandsOnDemand,
    no_args_is_help=True,
    # A traceback with local variables would print phone numbers.
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"filiation {_imported('service.core.health:VERSION')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Filiation: who collected a phone number, which organisations held it, and which clients received it."""


def main() -> None:
    """Run the command line as a process of its own."""
    print_outlines()
    run_command()


def run_command() -> None:
    """Run the command line. An expected error is printed as one sentence, without a traceback."""
    try:
        app()
    except ConfigurationError as error:
        sys.exit(f"filiation: {error}")
    except Problem as problem:
        sys.exit(f"filiation: {problem.as_text()}")


if __name__ == "__main__":
    main()
