"""Once every holder has erased a number, neither a dump of the database nor its files contain a trace of it."""

import pytest

from service.membership.compaction import compact
from tests.builders import FICTION, collected, filled, hand_over
from tests.callers import Registry
from tests.dataset.builders import RING, check_memberships, complete_erasure, with_database
from tests.inspection import rows
from tests.membership.builders import no_pause
from tests.traces import dump, number_is_in, pseudonym_is_in, table_files
from tests.transfer.builders import compare_file, send_file

ERASED, KEPT = 7, 8


@pytest.mark.parametrize("merged", [False, True])
def test_complete_erasure_by_every_holder_leaves_no_trace_in_files(merged: bool, registry: Registry, dsn: str) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    bought = hand_over(shop, collected(shop, range(40)), broker)
    more = {"derived_from": [bought["received_dataset_id"]], "occurred_at": "2024-03-01T00:00:00Z"}
    sold = hand_over(broker, filled(broker, range(20), **more), party, occurred_at="2024-04-01T00:00:00Z")
    filled(party, range(5, 10))
    send_file(party, sold, [*range(20), 50])
    compare_file(party, sold)
    if merged:
        with_database(dsn, lambda database: compact(database, RING, no_pause, thoroughly=True))
    # As autovacuum does at some time: it samples the values of columns.
    rows(dsn, "ANALYZE")
    for holder in (broker, shop, party):
        complete_erasure(dsn, holder, ERASED)
    assert check_memberships(dsn).findings == []
    text, files = dump(dsn), table_files(dsn)
    for last_four, expected in ((ERASED, False), (KEPT, True)):
        assert pseudonym_is_in(FICTION + last_four, text, files) == expected
        assert not number_is_in(FICTION + last_four, text, files)
