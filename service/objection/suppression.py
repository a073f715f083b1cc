"""Which of many numbers an organisation must not use for a purpose: for screening a list before sending."""

import asyncio
import uuid
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlmodel import col, func, literal, select
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.vocabulary import Purpose
from service.membership import runs
from service.number.keyring import KeyRing, Keys, unpack_keys
from service.objection.applies import Use, applies_clause
from service.objection.models import Objection
from service.organisation.succession import in_line_with


async def suppressed(
    session: AsyncSession, ring: KeyRing, keys: Keys, organisation_id: uuid.UUID, purpose: Purpose, as_of: datetime
) -> NDArray[np.bool_]:
    """Which of `keys`, in any order, an organisation must not use for a purpose (GDPR 21(3))."""
    use = Use(await in_line_with(session, organisation_id), [purpose])
    # One value instead of a row for each mark: a hundred thousand rows take longer to read than all the rest.
    marks = select(func.string_agg(col(Objection.mark), literal(b""))).where(applies_clause(use, as_of))
    packed = (await session.exec(marks)).one() or b""
    return await asyncio.to_thread(lambda: _which_are_in(keys, keys_of_marks(ring, packed)))


def keys_of_marks(ring: KeyRing, marks: bytes) -> Keys:
    """The sorted, distinct keys of packed marks of 16 bytes each."""
    return runs.union([ring.keys_of_marks(unpack_keys(marks))])


def _which_are_in(keys: Keys, objected: Keys) -> NDArray[np.bool_]:
    order = runs.sort_order(keys)
    _, entries = runs.matching_places(objected, keys[order])
    found = np.zeros(len(keys), np.bool_)
    found[order[entries]] = True
    return found
