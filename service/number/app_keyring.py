"""The key ring of the running application: opened from the settings, checked against the database, given to routes."""

from typing import Annotated, Final

from fastapi import Depends
from sqlalchemy import text
from sqlmodel import select

from service.core.db import Database, run
from service.core.errors import ConfigurationError
from service.core.resources import resource
from service.core.settings import Settings
from service.number.keyring import KeyRing, load_master_secret
from service.number.models import PseudonymKey


def open_key_ring(settings: Settings) -> KeyRing:
    """The key ring of the master secret in the settings.

    Raises:
        ConfigurationError: the master secret is malformed.
    """
    try:
        return KeyRing(load_master_secret(settings.secret()))
    except ValueError as problem:
        raise ConfigurationError(
            "The master secret must be 32 bytes, written as 64 hexadecimal digits or in base64. "
            "Check FILIATION_MASTER_SECRET or the file named in FILIATION_MASTER_SECRET_FILE."
        ) from problem


_LOCK: Final = text("LOCK TABLE pseudonym_key IN SHARE ROW EXCLUSIVE MODE")


async def require_same_secret(database: Database, ring: KeyRing) -> None:
    """Bind an empty database to the master secret of `ring`, and refuse a database of another secret.

    With a wrong secret every lookup would answer "held by nobody", which is worse than no answer.

    Raises:
        ConfigurationError: the numbers in the database were encrypted with another master secret.
    """
    async with database.transaction() as session:
        known = (await session.exec(select(PseudonymKey.id))).all()
        if not known:
            # Of several processes that start together on an empty database, one decides.
            await run(session, _LOCK)
            known = (await session.exec(select(PseudonymKey.id))).all()
        if not known:
            session.add(PseudonymKey(id=ring.key_id))
        elif ring.key_id not in known:
            raise ConfigurationError(
                f"The numbers in this database were encrypted with the master secret {known[0]}, but the given secret "
                f"is {ring.key_id}. Provide the master secret {known[0]}: without it no stored number can be found or "
                "read."
            )


RingDep = Annotated[KeyRing, Depends(resource(KeyRing))]
