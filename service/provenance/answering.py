"""One number's answer from a snapshot; a large one that is not kept yet is made in a thread."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from service.core.clock import now
from service.core.erasures import Erasures
from service.core.threads import WorkThreads
from service.membership.store import NO_CONTESTS, Contests, Membership
from service.provenance.answer.build import PreparedAnswer, VisibilityOf, complete_answer, key_of_answer
from service.provenance.answer.cache import make_answer
from service.provenance.snapshot import Snapshot

# An answer of so many facts is made in less than 20 ms. A thread for each would cost more than most answers do.
_QUICK_FACTS: Final = 100
_ANSWERS: Final = WorkThreads("answer", 2, 32)


async def answer_of(
    snapshot: Snapshot,
    stored: Sequence[Membership],
    erasures: Erasures,
    visibility_of: VisibilityOf,
    contests: Contests = NO_CONTESTS,
) -> PreparedAnswer:
    """What the answer about a number is made of, given its memberships and erasures in the state of `snapshot`."""
    graph, cache, moment = snapshot.graph, snapshot.answers, now()
    key = key_of_answer(graph, stored, erasures, visibility_of)
    shared = cache.kept(key, moment)
    if shared is None:
        make = partial(make_answer, graph, key, moment)
        # Only this task adds to the cache, and not the thread: it is not made for several threads.
        shared = cache.keep(key, make() if key.size <= _QUICK_FACTS else await _ANSWERS.run(make))
    return complete_answer(graph, cache, shared, stored, moment, contests)
