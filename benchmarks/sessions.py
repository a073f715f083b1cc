"""Sessions of persons, begun without the codes that a message would bring."""

from collections.abc import Sequence

from benchmarks.service import Service
from benchmarks.store import open_store
from service.number.keyring import KeyRing
from service.verification.sessions import begin_session


def begin_sessions(service: Service, numbers: Sequence[int]) -> list[str]:
    """The token of a session of each number's owner."""

    async def begin(ring: KeyRing) -> list[str]:
        async with store.database.transaction() as session:
            return [(await begin_session(session, ring, number, None)).token for number in numbers]

    with open_store(service) as store:
        return store.run(lambda opened: begin(opened.ring))
