"""Who is the controller of the registry: a person must know it before a number is asked for (GDPR 13(1)(a))."""

from sqlalchemy import any_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.vocabulary import Role
from service.organisation.models import Organisation
from service.wording.direction import isolated


async def write_operators(session: AsyncSession) -> str:
    """The registry's operators by name, each with its privacy contact; empty if none is recorded."""
    operators = select(Organisation).where(any_(col(Organisation.roles)) == Role.OPERATOR)
    found = (await session.exec(operators.order_by(col(Organisation.recorded_at), col(Organisation.id)))).all()
    return ", ".join(
        f"{isolated(operator.legal_name)} ({isolated(operator.privacy_contact)})"
        if operator.privacy_contact
        else isolated(operator.legal_name)
        for operator in found
    )
