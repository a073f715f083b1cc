"""`usage alerts` and `usage limit`."""

from tests.builders import filled
from tests.callers import Registry
from tests.command.conftest import Terminal
from tests.inspection import rows


def test_operator_lists_alerts(address: str, organisations: Registry) -> None:
    terminal, broker = Terminal(address, organisations.operator().key), organisations.broker()
    filled(broker, range(5))
    assert str(broker.id) not in terminal.run("usage", "alerts").output
    statement = """INSERT INTO usage_alert (id, organisation_id, kind, day, count, usual_count, recorded_at)
                   VALUES (gen_random_uuid(), %s, 'numbers', '2026-11-28', 250000, 40, now())"""
    rows(organisations.dsn, statement, broker.id)
    shown = terminal.run("usage", "alerts").output
    assert all(text in shown for text in (str(broker.id), "2026-11-28", "numbers", "250,000", "40")), shown


def test_operator_sets_the_limit_of_an_organisation(address: str, organisations: Registry) -> None:
    terminal, broker = Terminal(address, organisations.operator().key), organisations.broker()
    assert "lookups: 250,000 a day" in terminal.run("usage", "limit", str(broker.id), "lookups", "250000").output
    limits = {row["kind"]: row["daily_limit"] for row in broker.get("/v1/usage")}
    assert limits["lookups"] == 250_000


def test_list_alerts_with_a_key_of_another_role_is_refused(terminal: Terminal) -> None:
    refused = terminal.run("usage", "alerts")
    assert refused.exit_code == 1
    assert "filiation: This" in refused.output
