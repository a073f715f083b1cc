"""`organisation correct|succeed`: the operator states what is right of an organisation, or who answers for it today.

What others stated stays recorded.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from service.command.transaction import in_transaction
from service.core.vocabulary import Role
from service.organisation import statements
from service.organisation.schemas import OrganisationStatementIn

_NONE: Final = 'Empty ("") states that there is none.'


@contextmanager
def shown_as_usage_errors() -> Iterator[None]:
    """Show what is wrong with the values of options as the command line shows its own errors."""
    try:
        yield
    except ValidationError as invalid:
        raise typer.BadParameter("; ".join(error["msg"] for error in invalid.errors())) from invalid


def correct_organisation(  # noqa: PLR0913  (each is an option of the command line)
    organisation_id: Annotated[uuid.UUID, typer.Argument(help="Id of the organisation.")],
    reason: Annotated[str, typer.Option(help="Why you state this. It is recorded, and shown to the organisation.")],
    legal_name: Annotated[str | None, typer.Option(help="Legal name, as in the company register.")] = None,
    country: Annotated[str | None, typer.Option(help="Country code (ISO 3166-1 alpha-2).")] = None,
    registration_number: Annotated[
        str | None, typer.Option(help=f"Official number of the legal person. {_NONE}")
    ] = None,
    role: Annotated[list[Role] | None, typer.Option(help="Role of the organisation (repeatable).")] = None,
    privacy_contact: Annotated[
        str | None, typer.Option(help=f"Address to which persons write about their data. {_NONE}")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help=f"Zone of its days, such as Europe/Paris. {_NONE}")] = None,
    alias: Annotated[
        list[str] | None, typer.Option(help=f"Other name, instead of all others (repeatable). {_NONE}")
    ] = None,
    closed_on: Annotated[str | None, typer.Option(help=f"Day on which it ceased, such as 2024-12-31. {_NONE}")] = None,
) -> None:
    """Correct what is recorded of an organisation. Options that you leave out change nothing."""
    given: dict[str, Any] = {
        "legal_name": legal_name,
        "country": country,
        "registration_number": registration_number,
        "roles": role or None,
        "privacy_contact": privacy_contact,
        "time_zone": time_zone,
        "aliases": None if not alias else [name for name in alias if name],
        "closed_on": closed_on,
    }
    with shown_as_usage_errors():
        stated = {name: None if value == "" else value for name, value in given.items() if value is not None}
        wanted = OrganisationStatementIn(**stated, reason=reason)
    made = in_transaction(lambda session: statements.state_organisation(session, None, organisation_id, wanted))
    typer.echo(made.id)


def succeed_organisation(
    organisation_id: Annotated[uuid.UUID, typer.Argument(help="Id of the organisation that is succeeded.")],
    reason: Annotated[str, typer.Option(help="Why you state this. It is recorded, and shown to the organisation.")],
    heir_id: Annotated[
        uuid.UUID | None, typer.Argument(help="Id of its heir. Default: nobody, which takes a succession back.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="First day on which the heir answers, such as 2025-01-01.")] = None,
) -> None:
    """State which organisation answers for what another one held. Names of then stay, with the heir's beside them.

    The heir sees and answers by keys of its own: key issue HEIR --acts-for ORGANISATION. Taking back revokes them.
    """
    with shown_as_usage_errors():
        stated: dict[str, Any] = {"succeeded_by_id": heir_id, "succeeded_on": since, "reason": reason}
        wanted = OrganisationStatementIn(**stated)
    made = in_transaction(lambda session: statements.state_organisation(session, None, organisation_id, wanted))
    typer.echo(made.id)
