"""After every holder erased a number: nothing of it in a dump of the database, nor in the files of its tables."""

import pytest

from service.membership.compaction import compact
from tests.builders import FICTION, collected, filled, hand_over
from tests.callers import Registry
from tests.dataset.erasing import RING, checked, complete, on
from tests.membership.builders import no_pause
from tests.traces import dump, number_is_in, pseudonym_is_in, table_files
from tests.transfer.test_reconciliation import send, settle

ERASED, KEPT = 7, 8


@pytest.mark.parametrize("merged", [False, True])
def test_nothing_is_left_of_a_number_that_all_erased(merged: bool, registry: Registry, dsn: str) -> None:
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    bought = hand_over(shop, collected(shop, range(40)), broker)
    more = {"derived_from": [bought["received_dataset_id"]], "occurred_at": "2024-03-01T00:00:00Z"}
    sold = hand_over(broker, filled(broker, range(20), **more), party, occurred_at="2024-04-01T00:00:00Z")
    filled(party, range(5, 10))
    send(party, sold, [*range(20), 50])
    settle(party, sold)
    if merged:
        on(dsn, lambda database: compact(database, RING, no_pause, thoroughly=True))
    for holder in (broker, shop, party):
        complete(dsn, holder, ERASED)
    assert checked(dsn).findings == []
    text, files = dump(dsn), table_files(dsn)
    for last_four, expected in ((ERASED, False), (KEPT, True)):
        assert pseudonym_is_in(FICTION + last_four, text, files) == expected
        assert not number_is_in(FICTION + last_four, text, files)
