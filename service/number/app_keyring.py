"""The key ring of the running application: handed to routes, and checked against the database that it opens."""

from typing import Annotated

from fastapi import Depends
from sqlmodel import select

from service.core.db import Database
from service.core.errors import ConfigurationError
from service.core.resources import resource
from service.core.settings import Settings
from service.number.keyring import KeyRing, load_master_secret
from service.number.models import PseudonymKey


def open_key_ring(settings: Settings) -> KeyRing:
    """The key ring that the settings give.

    Raises:
        ConfigurationError: the master secret is not of its form.
    """
    try:
        return KeyRing(load_master_secret(settings.secret()))
    except ValueError as problem:
        raise ConfigurationError(
            "The master secret must be 32 bytes, written as 64 hexadecimal digits or in base64: "
            "check FILIATION_MASTER_SECRET or the file that FILIATION_MASTER_SECRET_FILE names."
        ) from problem


async def require_same_secret(database: Database, ring: KeyRing) -> None:
    """Bind an empty database to `ring`; refuse one whose numbers were enciphered under another secret.

    Under a wrong secret every lookup would answer "held by nobody", which is worse than no answer.
    """
    async with database.transaction() as session:
        known = (await session.exec(select(PseudonymKey.id))).all()
        if not known:
            session.add(PseudonymKey(id=ring.key_id))
        elif ring.key_id not in known:
            raise ConfigurationError(
                f"The numbers in this database were enciphered under the master secret {known[0]}, and the one given "
                f"is {ring.key_id}. Give the first one: without it no stored number can be found or read."
            )


RingDep = Annotated[KeyRing, Depends(resource(KeyRing))]
