"""Which of many numbers an organisation must not use for a purpose: for screening a list before sending."""

import asyncio
import uuid
from datetime import datetime
from typing import Final, LiteralString

import numpy as np
from numpy.typing import NDArray
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.db import driver
from service.core.vocabulary import Purpose
from service.membership import runs
from service.membership.store import rows_of
from service.number.keyring import KeyRing, Keys, unpack_keys

# One value instead of a row for each: a hundred thousand rows take longer to read than all the rest.
_MARKS: Final[LiteralString] = """
    SELECT coalesce(string_agg(mark, ''), '') FROM objection
    WHERE recorded_at <= %(as_of)s AND (
        scope = 'everything'
        OR (scope = 'organisation' AND organisation_id = %(organisation_id)s)
        OR (scope = 'purpose' AND purpose = %(purpose)s))
"""


async def suppressed(
    session: AsyncSession, ring: KeyRing, keys: Keys, organisation_id: uuid.UUID, purpose: Purpose, as_of: datetime
) -> NDArray[np.bool_]:
    """Which of `keys`, in any order, must not be used by an organisation for a purpose (GDPR 21(3)).

    An objection or erasure counts from the moment at which it was recorded here, for as long as it is kept, whether or
    not a holder has completed it.
    """
    values = {"as_of": as_of, "organisation_id": organisation_id, "purpose": purpose}
    ((packed,),) = [row async for row in rows_of(await driver(session), _MARKS, values)]
    return await asyncio.to_thread(lambda: _among(keys, objected(ring, packed)))


def objected(ring: KeyRing, marks: bytes) -> Keys:
    """The sorted distinct keys of which these are the marks, 16 bytes each."""
    return runs.union([ring.keys_of_marks(unpack_keys(marks))])


def _among(keys: Keys, objected: Keys) -> NDArray[np.bool_]:
    order = runs.order_of(keys)
    _, entries = runs.pairs(objected, keys[order])
    found = np.zeros(len(keys), np.bool_)
    found[order[entries]] = True
    return found
