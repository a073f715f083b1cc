"""A request for erasure until the last holder has completed it: what each caller sees, and what is stored."""

from typing import Any

from tests.builders import FICTION, number
from tests.callers import Caller, Registry
from tests.dataset.builders import admitted, check_memberships, read_exclusions
from tests.objection.builders import Holders, create_objection, objections_of, relay_states, relays_to
from tests.persons import ring_of_tests
from tests.traces import dump, number_is_in, pseudonym_is_in, table_files


def complete_erasure(holder: Caller) -> None:
    """Complete the only open relay of a holder."""
    (relay,) = relays_to(holder)
    holder.post(f"/v1/objections/relays/{relay['id']}/complete")


def provenance_for(holder: Caller, last_four: int) -> dict[str, Any]:
    """A holder's answer about a number, without who holds it now."""
    answer = holder.lookup(number(last_four))
    return {part: answer[part] for part in ("origins", "chains", "transfers", "recipients", "campaigns", "orphans")}


def holders_of(answer: Any) -> set[str]:
    """Who holds a number, according to an answer."""
    return {holding["dataset"]["holder"]["id"] for holding in answer["holdings"]}


def test_complete_erasure_by_all_holders_leaves_only_the_mark(registry: Registry, holders: Holders, dsn: str) -> None:
    """The shop has no account until the others have erased the number. It still holds it then."""
    authority, person = registry.regulator(), holders.person(7)
    before = provenance_for(holders.party, 7)
    create_objection(person, kind="erasure")

    complete_erasure(holders.broker)
    answer = holders.broker.lookup(number(7))
    assert (answer["held"], answer["origins"], answer["chains"], answer["transfers"]) == (False, [], [], [])
    assert holders.broker.lookup(number(8))["held"]
    assert provenance_for(holders.party, 7) == before
    seen = authority.lookup(number(7), reason="Plainte 7")
    assert {erasure["dataset"]["holder"]["id"] for erasure in seen["erasures"]} == {str(holders.broker.id)}
    assert holders_of(seen) == {str(holders.party.id), holders.shop_id}
    assert check_memberships(dsn).findings == []

    complete_erasure(holders.party)
    assert sorted(relay_states(objections_of(person)[0]).values()) == ["completed", "completed", "undeliverable"]
    assert holders_of(authority.lookup(number(7), reason="Plainte 7")) == {holders.shop_id}
    assert check_memberships(dsn).findings == []

    complete_erasure(admitted(registry, dsn, holders.shop_id))
    assert set(relay_states(objections_of(person)[0]).values()) == {"completed"}
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
