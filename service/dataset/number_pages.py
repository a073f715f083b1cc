"""Pages of numbers that are found anew at each call, shard by shard, for the organisation that has them anyway."""

from collections.abc import Awaitable, Callable

from service.core.paging import malformed_cursor, read_cursor, write_cursor
from service.dataset.schemas import NumberPage
from service.membership.blocks import SHARDS
from service.number.keyring import KeyRing, Keys
from service.number.normalisation import e164

__all__ = ["NumberPage", "page_of_keys"]


async def page_of_keys(
    ring: KeyRing, keys_in: Callable[[range], Awaitable[Keys]], after: str | None, limit: int
) -> NumberPage:
    """A page of what `keys_in` finds in each shard, decrypted. The cursor is `shard.place`."""
    shard, place = _read_place(after)
    found: list[str] = []
    while shard < SHARDS:
        keys = await keys_in(range(shard, shard + 1))
        wanted = keys[slice(place, place + limit - len(found))]
        found += [e164(number) for number in ring.numbers(wanted).tolist()]
        if place + len(wanted) < len(keys):
            return NumberPage(numbers=found, next=write_cursor(shard, place + len(wanted)))
        shard, place = shard + 1, 0
        if len(found) == limit and shard < SHARDS:
            return NumberPage(numbers=found, next=write_cursor(shard, 0))
    return NumberPage(numbers=found, next=None)


def _read_place(after: str | None) -> tuple[int, int]:
    if after is None:
        return 0, 0
    shard, place = read_cursor(after, 2)
    if shard >= SHARDS:
        raise malformed_cursor()
    return shard, place
