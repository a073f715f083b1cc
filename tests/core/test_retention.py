"""What the registry forgets by itself: the rules work, and the privacy pages state the same periods."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Final

import service.main as application
from service.access.models import IdempotentRequest
from service.core.changes import Change
from service.core.clock import now
from service.core.db import Database, run
from service.core.retention import Rule, rules
from service.dataset.models import Dataset, DatasetPart, DatasetStatement, RejectedLine
from service.messaging.models import InboundMessage, Message, OutboxMessage
from service.usage.models import DailyUsage, UsageAlert
from service.verification import codes, sessions
from service.verification.models import PersonSession, Verification
from service.webhook.models import WebhookDelivery
from tests.callers import Registry
from tests.inspection import rows

# Every package is imported with the application, and with each its rules.
assert application.ROUTERS
RULES: Final = list(rules())


def period_of(table: type, emptied: str | None = None) -> timedelta:
    """How long a rule keeps its data."""
    (kept,) = [rule.kept for rule in RULES if rule.table is table and rule.emptied == emptied]
    return kept


def test_rules_are_one_for_each_table_and_column() -> None:
    assert {(rule.table, rule.emptied): rule.kept for rule in RULES} == {
        (IdempotentRequest, None): timedelta(days=30),
        (PersonSession, None): timedelta(0),
        (Verification, "number_encrypted"): timedelta(0),
        (Verification, None): timedelta(days=1),
        (Message, None): timedelta(days=7),
        (OutboxMessage, None): timedelta(minutes=10),
        (InboundMessage, "fingerprint"): timedelta(days=1),
        (InboundMessage, None): timedelta(days=30),
        (RejectedLine, "raw"): timedelta(days=7),
        (DatasetPart, None): timedelta(days=30),
        (Dataset, None): timedelta(days=90),
        (DatasetStatement, None): timedelta(days=1096),
        (WebhookDelivery, None): timedelta(days=90),
        (Change, None): timedelta(days=90),
        (DailyUsage, None): timedelta(days=90),
        (UsageAlert, None): timedelta(days=90),
    }
    assert len(RULES) == 16


def apply(dsn: str, rule: Rule) -> None:
    async def forget() -> None:
        database = Database(dsn)
        try:
            async with database.transaction() as session:
                await run(session, rule.statement(now()))
        finally:
            await database.close()

    asyncio.run(forget())


def test_apply_a_rule_deletes_what_is_older_and_nothing_else(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    statement = """
        INSERT INTO idempotent_request (organisation_id, key, request_fingerprint, recorded_at)
        VALUES (%s, %s, '', now() - %s)
    """
    kept = period_of(IdempotentRequest)
    for key, age in (("younger", kept - timedelta(hours=1)), ("older", kept + timedelta(hours=1))):
        rows(dsn, statement, broker.id, key, age)
    (rule,) = [rule for rule in RULES if rule.table is IdempotentRequest]
    apply(dsn, rule)
    assert rows(dsn, "SELECT key FROM idempotent_request") == [("younger",)]


def test_apply_a_rule_empties_the_column_of_older_rows(dsn: str) -> None:
    statement = """
        INSERT INTO verification (id, number_encrypted, number_fingerprint, address_fingerprint, network_fingerprint,
                                  block_fingerprint, code_mac, attempts_left, from_reserve, recorded_at, expires_at)
        VALUES (gen_random_uuid(), 'x', '', '', '', %s, '', 0, false, now(), now() + %s)
    """
    for name, left in (("expired", timedelta(minutes=-1)), ("valid", timedelta(minutes=1))):
        rows(dsn, statement, name, left)
    (rule,) = [rule for rule in RULES if rule.table is Verification and rule.emptied]
    apply(dsn, rule)
    found = rows(dsn, "SELECT block_fingerprint, number_encrypted FROM verification ORDER BY 1")
    assert found == [(b"expired", b""), (b"valid", b"x")]


# A period, and how the pages about privacy write it.
PRINTED: Final = (
    (sessions.LIFETIME + period_of(PersonSession), timedelta(minutes=30), "thirty minutes", "trente minutes"),
    (codes.LIFETIME, timedelta(minutes=5), "five minutes", "cinq minutes"),
    (period_of(Verification), timedelta(days=1), "one day", "un jour"),
    (period_of(Message), timedelta(days=7), "seven days", "sept jours"),
    (period_of(InboundMessage, "fingerprint"), timedelta(days=1), "for one day", "pendant un jour"),
    (period_of(InboundMessage), timedelta(days=30), "for thirty days", "pendant trente jours"),
)


def test_privacy_pages_state_the_periods_of_the_rules() -> None:
    pages = Path("service/portal/templates")
    english, french = ((pages / f"record.{language}.html").read_text("utf-8") for language in ("en", "fr"))
    code = {language: (pages / f"privacy.{language}.html").read_text("utf-8") for language in ("en", "fr")}
    wrong = []
    for kept, printed, in_english, in_french in PRINTED:
        if kept != printed:
            wrong.append(f"the pages say {in_english}, the rule {kept}")
        if in_english not in english + code["en"]:
            wrong.append(f"not on the English pages: {in_english}")
        if in_french not in french + code["fr"]:
            wrong.append(f"not on the French pages: {in_french}")
    assert wrong == []
