"""Who is responsible for the registry: to be told before a number is asked for (GDPR 13(1)(a))."""

from sqlalchemy import any_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.vocabulary import Role
from service.organisation.models import Organisation


async def name_operators(session: AsyncSession) -> str:
    """The registry's operators by name, each with where to write to it; empty if none is recorded."""
    operators = select(Organisation).where(any_(col(Organisation.roles)) == Role.OPERATOR)
    found = (await session.exec(operators.order_by(col(Organisation.id)))).all()
    return ", ".join(
        f"{one.legal_name} ({one.privacy_contact})" if one.privacy_contact else one.legal_name for one in found
    )
