"""A verified person's erasure reaches what nobody can be asked for any more, at once and without a relay.

The registry alone still keeps the numbers of a holding that ended or of a dataset that was withdrawn, for their persons
and the authority. When the person asks for the erasure, it takes the number out itself (GDPR Art. 17).
"""

from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.vocabulary import ObjectionKind
from service.dataset.erasure import exclude_datasets
from service.dataset.holdings import lock_holdings
from service.number.keyring import KeyRing
from service.objection.applies import Use, covers
from service.objection.create import NewObjection, answering_for
from service.objection.current_holders import NumberHolders, holders_of_key
from service.provenance.snapshot import Snapshots


async def erase_past_holdings(
    session: AsyncSession, snapshots: Snapshots, ring: KeyRing, holders: NumberHolders, new: NewObjection
) -> NumberHolders:
    """Take a number out of the past holdings that a person's erasure covers. Returns who holds it then.

    The holders' holdings are locked first: an end or a withdrawal that is taken back meanwhile waits, and finds the
    number gone, or makes it a holding that gets a relay.
    """
    if new.kind is not ObjectionKind.ERASURE or not holders.past:
        return holders
    datasets = holders.snapshot.graph.facts.datasets
    await lock_holdings(session, *{datasets[dataset_id].holder_id for dataset_id in holders.past})
    current = await holders_of_key(snapshots, holders.key)
    past = {
        dataset_id
        for dataset_id in holders.past & current.past
        if covers(new, Use(answering_for(current, datasets[dataset_id].holder_id), None))
    }
    if past:
        await exclude_datasets(session, ring, holders.key, past)
    return current
