"""Which master secret a database belongs to, also if several processes start on it at once."""

import asyncio

import pytest

from service.core.db import Database
from service.core.errors import ConfigurationError
from service.number.app_keyring import require_same_secret
from service.number.keyring import KeyRing, load_master_secret
from tests.inspection import rows


def test_processes_that_start_together_agree_on_one_secret(dsn: str) -> None:
    rings = [KeyRing(load_master_secret(f"{place:02x}" * 32)) for place in (1, 1, 2, 1, 2, 2)]

    async def start_all() -> list[BaseException | None]:
        database = Database(dsn)
        try:
            return await asyncio.gather(
                *(require_same_secret(database, ring) for ring in rings), return_exceptions=True
            )
        finally:
            await database.close()

    ended = asyncio.run(start_all())
    ((bound_to,),) = rows(dsn, "SELECT id FROM pseudonym_key")
    assert [problem is None for problem in ended] == [ring.key_id == bound_to for ring in rings]
    for problem in ended:
        if problem is not None:
            with pytest.raises(ConfigurationError, match=f"Provide the master secret {bound_to}"):
                raise problem
