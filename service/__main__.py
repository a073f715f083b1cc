"""The command line: `filiation`."""

import sys

import typer

from service.command import (
    accounts,
    compact,
    deadlines,
    fsck,
    lookup,
    migrate,
    openapi,
    reference,
    register,
    release,
    serve,
    usage,
)
from service.core.errors import ConfigurationError, Problem
from service.demo import command as demo

app = typer.Typer(
    help="Filiation: who collected a phone number, which organisations held it, and which clients received it.",
    no_args_is_help=True,
    # A traceback with local variables would print phone numbers.
    pretty_exceptions_enable=False,
)

app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("migrate")(migrate.migrate)
app.command("compact")(compact.compact)
app.command("fsck")(fsck.fsck)
app.command("demo")(demo.demo)
app.command("openapi")(openapi.write_openapi)
app.command("settings")(reference.write_settings)
app.command("retention")(reference.write_retention)
app.command("lookup")(lookup.lookup)
register.dataset.command("waiting")(release.list_waiting)
register.dataset.command("release")(release.release_dataset)
register.dataset.command("withdraw-release")(release.withdraw_release)
accounts.organisation.command("release")(release.release_organisation)
app.add_typer(accounts.organisation, name="organisation")
app.add_typer(accounts.key, name="key")
app.add_typer(register.dataset, name="dataset")
app.add_typer(deadlines.deadlines, name="deadlines")
app.add_typer(usage.usage, name="usage")


def main() -> None:
    """Run the command line. An expected error is printed as one sentence, without a traceback."""
    try:
        app()
    except ConfigurationError as error:
        sys.exit(f"filiation: {error}")
    except Problem as problem:
        sys.exit(f"filiation: {problem.detail}")


if __name__ == "__main__":
    main()
