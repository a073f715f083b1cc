"""A person's request for erasure, until the last holder has done it: who sees what meanwhile, and what is left."""

from typing import Any

from tests.builders import FICTION, number
from tests.callers import Caller, Registry
from tests.dataset.builders import check_memberships, read_exclusions
from tests.objection.builders import feed, objects, own, several_holders, states
from tests.persons import ring_of_tests
from tests.traces import dump, number_is_in, pseudonym_is_in, table_files


def complete_erasure(holder: Caller) -> None:
    """A holder has erased what its open relay names."""
    (relay,) = feed(holder)
    holder.post(f"/v1/objections/relays/{relay['id']}/complete")


def told(holder: Caller, last_four: int) -> dict[str, Any]:
    """What a holder is told of a number, but for where it is now."""
    answer = holder.lookup(number(last_four))
    return {part: answer[part] for part in ("origins", "chains", "transfers", "recipients", "campaigns", "orphans")}


def test_one_holder_after_the_other_until_nothing_but_the_mark_is_left(registry: Registry, dsn: str) -> None:
    """The shop has no account: what the broker told of it ends with the broker's own part in the matter."""
    holders = several_holders(registry)
    authority, person = registry.regulator(), holders.person(7)
    before = told(holders.party, 7)
    objects(person, kind="erasure")

    complete_erasure(holders.broker)
    answer = holders.broker.lookup(number(7))
    assert (answer["held"], answer["origins"], answer["chains"], answer["transfers"]) == (False, [], [], [])
    assert holders.broker.lookup(number(8))["held"]
    assert told(holders.party, 7) == before
    seen = authority.lookup(number(7), reason="Plainte 7")
    assert {one["dataset"]["holder"]["id"] for one in seen["erasures"]} == {str(holders.broker.id)}
    assert {one["dataset"]["holder"]["id"] for one in seen["holdings"]} == {str(holders.party.id), holders.shop_id}
    assert check_memberships(dsn).findings == []

    complete_erasure(holders.party)
    assert sorted(states(own(person)[0]).values()) == ["completed", "completed", "undeliverable"]
    for caller, more in ((holders.broker, {}), (holders.party, {}), (authority, {"reason": "Plainte 7"})):
        answer = caller.lookup(number(7), **more)
        assert (answer["held"], answer["chains"], answer["erasures"], answer["campaigns"]) == (False, [], [], [])
        assert caller.lookup(number(8), **more)["held"]
    assert check_memberships(dsn).findings == []
    assert read_exclusions(dsn) == []
    text, files = dump(dsn), table_files(dsn)
    for last_four, expected in ((7, False), (8, True)):
        assert pseudonym_is_in(FICTION + last_four, text, files) == expected
        assert not number_is_in(FICTION + last_four, text, files)
    ring = ring_of_tests()
    assert ring.mark(ring.pseudonym(FICTION + 7)) in files
