"""Objections at the same time: those to different numbers do not wait for each other, and no dataset is missed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.builders import filled, number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import rows, until, waiting_for_locks
from tests.interleaving import held_at_commit
from tests.objection.builders import Holders, create_objection


def report_letters(holder: Caller, last_fours: Sequence[int]) -> list[str]:
    """Record letters from the owners of some numbers; returns the outcomes."""
    numbers = [{"number": number(last_four), "occurred_at": "2024-05-20T10:00:00+02:00"} for last_four in last_fours]
    answer = holder.post("/v1/objections/received", {"kind": "objection", "numbers": numbers})
    return [result["outcome"] for result in answer["results"]]


def test_create_objection_waits_only_for_one_to_the_same_number(holders: Holders, dsn: str) -> None:
    same, other = holders.person(7), holders.person(8)
    with ThreadPoolExecutor(2) as threads, held_at_commit(dsn, "objection", "NEW.source = 'holder'") as held:
        reporting = threads.submit(report_letters, holders.broker, [6, 7])
        held.wait()
        assert len(create_objection(other)["relays"]) == 3
        waiting = threads.submit(create_objection, same)
        until(lambda: waiting_for_locks(dsn) == 2)
        assert not waiting.done()
        held.release()
        assert reporting.result() == ["recorded", "recorded"]
        assert waiting.result()["source"] == "person"


def test_search_for_objected_numbers_waits_for_objections_of_before_and_holds_up_none(
    holders: Holders, registry: Registry, dsn: str
) -> None:
    """The dataset is sealed while an objection that did not see it is being committed."""
    party = registry.party()
    dataset = open_dataset(party)
    party.put_part(dataset["id"], [number(7), number(8)])
    with ThreadPoolExecutor(1) as thread, held_at_commit(dsn, "objection", "NEW.source = 'holder'") as held:
        reporting = thread.submit(report_letters, holders.broker, [7])
        held.wait()
        party.seal(dataset["id"])
        # The report, and the task that looks at objections again for the dataset.
        until(lambda: waiting_for_locks(dsn) == 2)
        later = create_objection(holders.person(8))
        assert str(party.id) in {relay["holder"]["id"] for relay in later["relays"]}
        assert rows(dsn, "SELECT count(*) FROM objection_flag") == [(0,)]
        held.release()
        assert reporting.result() == ["recorded"]

    def flagged() -> Any:
        return party.get("/v1/objections/flags")["items"]

    assert [(flag["id"], flag["number_count"]) for flag in until(flagged)] == [(dataset["id"], 1)]


def test_record_received_objections_of_many_numbers_commits_in_steps(registry: Registry, dsn: str) -> None:
    """The owners of the first numbers do not wait until the last is recorded."""
    party = registry.party()
    filled(party, range(60))
    reported = [*range(30), 5, 9000, *range(30, 60)]
    outcomes = report_letters(party, reported)
    expected = ["recorded"] * 30 + ["already_recorded", "not_held"] + ["recorded"] * 30
    assert outcomes == expected
    assert rows(dsn, "SELECT count(DISTINCT xmin::text) FROM objection") == [(3,)]
    assert report_letters(party, reported)[:2] == ["already_recorded"] * 2


def test_create_objection_while_the_last_relay_of_an_identical_one_is_being_completed_records_another(
    holders: Holders, dsn: str
) -> None:
    """The first is closed at that moment, so that no relay may be added to it."""
    person = holders.person(7)
    only = {"scope": "organisation", "organisation_id": str(holders.party.id)}
    first = create_objection(person, **only)
    path = f"/v1/objections/relays/{first['relays'][0]['id']}/complete"
    with ThreadPoolExecutor(2) as threads, held_at_commit(dsn, "relay", "NEW.state = 'completed'") as held:
        completing = threads.submit(holders.party.post, path)
        held.wait()
        again = threads.submit(create_objection, person, **only)
        until(lambda: waiting_for_locks(dsn) == 2)
        assert not again.done()
        held.release()
        assert completing.result()["state"] == "completed"
        assert again.result()["id"] != first["id"]
    query = """
        SELECT count(*) FROM objection JOIN relay ON objection_id = objection.id
        WHERE closed_at IS NOT NULL AND relay.state IN ('pending', 'delivered', 'acknowledged')
    """
    assert rows(dsn, query) == [(0,)]
