"""How many statements a request takes: as many for a page of a hundred rows as of ten, for many elements as for two.

Objections that are reported in a call are in `objection/test_statements.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from service.core.vocabulary import Role
from service.membership.blocks import SHARDS
from tests.builders import collected, filled, hand_over, make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.conftest import as_service, settings_of_tests, temporary_database
from tests.direct_client import DirectClient
from tests.inspection import rows
from tests.kept import kept_app
from tests.objection.builders import register_campaign
from tests.routes import ROUTES
from tests.statements import record_statements

FEW, MANY = 10, 100
COUNT = MANY + 10
PAGED = {
    route.name: route
    for route in ROUTES
    if any(parameter.alias == "limit" for parameter in route.dependant.query_params)
}


@dataclass
class Lists:
    """A registry in which each list has more than a hundred rows, who reads each, and the ids in its path."""

    dsn: str
    readers: dict[str, tuple[Caller, dict[str, str]]]

    def ids(self, table: LiteralString, where: LiteralString, *values: Any) -> list[str]:
        """The ids of some rows."""
        return [str(row_id) for (row_id,) in rows(self.dsn, f"SELECT id FROM {table} WHERE {where}", *values)]


@dataclass
class Filler:
    """Repeats rows of the database, each time with another organisation as the one that says so."""

    dsn: str

    def repeat(self, table: LiteralString, source_id: Any, **changes: LiteralString) -> None:
        """Copy a row as often as a page has rows. `changes` are SQL over `place`, from 1 on."""
        values = {"id": nth(table)} | changes
        pairs = sql.SQL(", ").join(
            sql.SQL("{}, {}").format(sql.Literal(name), sql.SQL(value)) for name, value in values.items()
        )
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                sql.SQL(
                    "INSERT INTO {table} SELECT (jsonb_populate_record(source, jsonb_build_object({pairs}))).* "
                    "FROM {table} AS source, generate_series(1, {count}) AS place WHERE source.id = {id}"
                ).format(
                    table=sql.Identifier(table), pairs=pairs, count=sql.Literal(COUNT), id=sql.Literal(str(source_id))
                )
            )


def nth(table: LiteralString) -> LiteralString:
    """The id of a repeated row, by its place."""
    return "md5('" + table + "' || place)::uuid"


@pytest.fixture(scope="module")
def lists(cluster: str) -> Iterator[Lists]:
    """Lists of more than a hundred rows."""
    settings = settings_of_tests()
    with temporary_database(cluster) as dsn:
        with DirectClient(kept_app(settings, as_service(dsn))) as client:
            readers = fill(Registry(client, dsn))
        # No worker executes statements beside those of the lists.
        with DirectClient(kept_app(settings, as_service(dsn), with_worker=False)) as client:
            yield Lists(dsn, {name: (replace(caller, client=client), ids) for name, (caller, ids) in readers.items()})


def fill(registry: Registry) -> dict[str, tuple[Caller, dict[str, str]]]:
    """Fill every list. Returns who reads each of them, with the ids in its path."""
    filler = Filler(registry.dsn)
    shop, broker, party = registry.collector(), registry.broker(), registry.party()
    regulator, operator = registry.regulator(), registry.operator()
    filler.repeat("organisation", broker.id, asserted_by_id=f"'{broker.id}'", stated_by_id=nth("organisation"))
    of_facts = fill_facts(filler, shop, broker, party)
    of_objections = fill_objections(filler, broker, party, of_facts["sold"])
    fill_accounts(filler, registry, broker, regulator, operator)
    quarter = {"quarter": "2026-Q1"}
    return {
        "list_organisations": (broker, {}),
        "list_organisation_statements": (regulator, {"organisation_id": str(broker.id)}),
        "list_notices": (shop, {}),
        "list_collections": (shop, {}),
        "list_datasets": (broker, {}),
        "list_corrections": (broker, {"dataset_id": of_facts["own"]}),
        "list_dataset_statements": (broker, {"dataset_id": of_facts["own"]}),
        "list_differences": (party, {"transfer_id": of_facts["disputed"]}),
        "list_rejects": (broker, {"dataset_id": of_facts["own"]}),
        "list_orphans": (broker, {"dataset_id": of_facts["own"]}),
        "list_waiting_datasets": (operator, {}),
        "list_transfers": (broker, {}),
        "list_campaigns": (party, {}),
        "list_webhooks": (broker, {}),
        "list_webhook_deliveries": (broker, {"webhook_id": of_objections["webhook"]}),
        "list_relays": (party, {}),
        "list_flags": (party, {}),
        "list_flagged_numbers": (party, {"subject_id": of_facts["sold"]}),
        "list_exact_counts": (regulator, quarter),
        "list_overdue_relays": (regulator, {}),
        "list_jobs": (broker, {}),
        "list_keys": (operator, {}),
        "list_inspections": (regulator, {}),
        "list_usage_alerts": (operator, {}),
        "list_usage_limits": (operator, {}),
    }


def fill_facts(filler: Filler, shop: Caller, broker: Caller, party: Caller) -> dict[str, str]:
    """Notices, collections, datasets, transfers and campaigns."""
    notice = make_notice(shop, shop.id)
    partners = {"occurred_at": "2020-01-01T00:00:00Z", "valid_from_on": "2020-01-01", "partners": [{"name": "A"}]}
    listed = shop.post(f"/v1/notices/{notice['id']}/partner-lists", partners)
    collection = make_collection(shop, shop.id, notice["id"])
    asserted = {"asserted_by_id": nth("organisation")}
    filler.repeat("notice", notice["id"], code="'N' || place", first_id=nth("notice"), **asserted)
    filler.repeat("partner_list", listed["id"], notice_id=nth("notice"), **asserted)
    filler.repeat("collection", collection["id"], **asserted)
    bought = hand_over(shop, collected(shop, range(COUNT)), broker)["received_dataset_id"]
    sent = hand_over(broker, {"id": bought}, party, occurred_at="2024-03-01T00:00:00Z")
    filler.repeat("dataset", bought, **asserted)
    filler.repeat("transfer", sent["id"], received_dataset_id=nth("dataset"), **asserted)
    campaign = register_campaign(party, sent["received_dataset_id"])
    filler.repeat("campaign", campaign["id"])
    filler.repeat("dataset", sent["received_dataset_id"], id="md5('sold' || place)::uuid")
    rows(
        filler.dsn,
        "INSERT INTO campaign_dataset SELECT campaign.id, %s FROM campaign WHERE id <> %s",
        *(sent["received_dataset_id"], campaign["id"]),
    )
    own = open_dataset(broker)
    broker.put_part(own["id"], [*(number(1000 + place) for place in range(COUNT)), *("?" for _ in range(COUNT))])
    broker.seal(own["id"])
    fill_statements(filler, broker, own["id"])
    return {"own": own["id"], "sold": sent["received_dataset_id"], "disputed": dispute(broker, party)}


def fill_statements(filler: Filler, broker: Caller, dataset_id: str) -> None:
    """Corrections of a dataset, and statements of its end."""
    corrected = broker.post(f"/v1/datasets/{dataset_id}/corrections", {"name": "Base 2"})
    ended = broker.post(
        f"/v1/datasets/{dataset_id}/end", {"occurred_at": "2026-01-01T00:00:00Z", "end_reason": "deleted"}
    )
    for table, row_id in (("dataset_correction", corrected["id"]), ("dataset_statement", ended["id"])):
        filler.repeat(table, row_id, asserted_by_id=nth("organisation"))


def dispute(broker: Caller, party: Caller) -> str:
    """A transfer whose recipient's file has more than a hundred numbers that its sender does not declare."""
    sent = hand_over(broker, filled(broker, [3000]), party, occurred_at="2024-03-01T00:00:00Z")
    path = f"/v1/transfers/{sent['id']}/reconciliation"
    party.post(path)
    party.put_part(sent["received_dataset_id"], [number(3000 + place) for place in range(COUNT)])
    party.finish(party.post(f"{path}/compare", params={"confirm": "true"}))
    return str(sent["id"])


def fill_objections(filler: Filler, broker: Caller, party: Caller, sold: str) -> dict[str, str]:
    """Objections by the person, by their reader and by others; relays, flags and deliveries."""
    said = [{"number": number(place), "occurred_at": "2024-05-20T10:00:00Z"} for place in range(COUNT)]
    party.post("/v1/objections/received", {"kind": "objection", "numbers": said})
    rows(
        filler.dsn,
        """WITH placed AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM objection)
           UPDATE objection SET asserted_by_id = CASE place %% 3
               WHEN 0 THEN NULL WHEN 1 THEN asserted_by_id ELSE md5('organisation' || place)::uuid END
           FROM placed WHERE placed.id = objection.id""",
    )
    rows(filler.dsn, "UPDATE relay SET due_at = '2024-06-20'")
    rows(
        filler.dsn,
        """INSERT INTO objection_flag (id, objection_id, holder_id, dataset_id, shown_at, recorded_at)
           SELECT gen_random_uuid(), id, %s, %s, now(), now() FROM objection
           UNION ALL
           SELECT gen_random_uuid(), (SELECT min(id::text)::uuid FROM objection), %s, id, now(), now() FROM dataset
           WHERE id <> %s""",
        *(party.id, sold, party.id, sold),
    )
    ((webhook_id,),) = rows(
        filler.dsn,
        """INSERT INTO webhook_endpoint (id, organisation_id, api_key_id, url, secret_encrypted, recorded_at)
           SELECT gen_random_uuid(), organisation_id, id, 'https://127.0.0.1:9', '', now() FROM api_key
           WHERE organisation_id = %s RETURNING id""",
        broker.id,
    )
    filler.repeat("webhook_endpoint", webhook_id)
    rows(
        filler.dsn,
        """INSERT INTO webhook_delivery (id, endpoint_id, event, subject_id, state, attempts, recorded_at)
           SELECT gen_random_uuid(), %s, 'relay.created', id, 'delivered', 1, now() FROM relay""",
        webhook_id,
    )
    rows(
        filler.dsn,
        """WITH made AS (
               INSERT INTO deadline_publication (id, quarter, version, published_on, document, recorded_at)
               VALUES (gen_random_uuid(), '2026-Q1', 1, '2026-05-15', '', now()) RETURNING id)
           INSERT INTO deadline_count
               (id, publication_id, organisation_id, received, in_time, late, refused, withdrawn, open)
           SELECT gen_random_uuid(), made.id, organisation.id, 0, 0, 0, 0, 0, 0 FROM organisation, made""",
    )
    return {"webhook": str(webhook_id)}


def fill_accounts(filler: Filler, registry: Registry, broker: Caller, regulator: Caller, operator: Caller) -> None:
    """Statements, keys, jobs, inspections, usage, and datasets that wait for the operator."""
    waiting = filled(registry.organisation(Role.BROKER, released=False), [2000])
    filler.repeat("dataset", waiting["id"], id="md5('waiting' || place)::uuid")
    regulator.lookup(number(1), reason="Plainte 12")
    changes: dict[str, dict[str, LiteralString]] = {
        "organisation_statement": {"asserted_by_id": nth("organisation")},
        "api_key": {"prefix": "'p' || place"},
    }
    owners = {"organisation_statement": broker, "api_key": broker, "job": broker, "inspection": regulator}
    for table, owner in owners.items():
        ((row_id,), *_) = rows(filler.dsn, f"SELECT id FROM {table} WHERE organisation_id = %s", owner.id)
        filler.repeat(table, row_id, **changes.get(table, {}))
    rows(
        filler.dsn,
        """INSERT INTO usage_alert (id, organisation_id, kind, day, count, usual_count, recorded_at)
           SELECT gen_random_uuid(), id, 'lookups', '2026-01-01', 2, 1, now() FROM organisation""",
    )
    rows(
        filler.dsn,
        """INSERT INTO usage_limit (id, organisation_id, kind, daily_limit, operator_id, recorded_at)
           SELECT gen_random_uuid(), id, 'lookups', 2, %s, now() FROM organisation""",
        operator.id,
    )


# They are computed shard by shard, in a few statements each, until the page is full.
BY_SHARD = {"list_orphans": 2 * SHARDS, "list_differences": 5 * SHARDS}


@pytest.mark.parametrize("name", PAGED)
def test_page_of_a_hundred_rows_takes_as_many_statements_as_of_ten(
    lists: Lists, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, ids = lists.readers[name]
    path = PAGED[name].path_format.format(**ids)
    executed = record_statements(monkeypatch, lists.dsn)

    def statements_of(limit: int) -> int:
        executed.clear()
        page = reader.get(path, params={"limit": limit})
        assert len(page["items"] if "items" in page else page["numbers"]) == limit
        return len(executed)

    # The first reading loads the graph, and delivers relays.
    statements_of(MANY)
    assert 0 <= statements_of(MANY) - statements_of(FEW) <= BY_SHARD.get(name, 0)


def partner_list_call(lists: Lists, count: int) -> tuple[Caller, str, Any]:
    """A partner list that names so many organisations."""
    shop, _ = lists.readers["list_notices"]
    partners = [{"name": "A", "organisation_id": row_id} for row_id in lists.ids("organisation", "true")[:count]]
    (notice_id, *_) = lists.ids("notice", "collector_id = %s", shop.id)
    body = {"occurred_at": "2020-01-01T00:00:00Z", "valid_from_on": "2020-01-01", "partners": partners}
    return shop, f"/v1/notices/{notice_id}/partner-lists", body


def union_call(lists: Lists, count: int) -> tuple[Caller, str, Any]:
    """A union of so many datasets."""
    broker, _ = lists.readers["list_datasets"]
    parents = lists.ids("dataset", "holder_id = %s AND state = 'sealed'", broker.id)[:count]
    body = {"occurred_at": "2025-01-01T00:00:00Z", "holder_id": str(broker.id), "name": "Base"}
    return broker, "/v1/datasets", body | {"content": "union", "derived_from": parents}


def campaign_call(lists: Lists, count: int) -> tuple[Caller, str, Any]:
    """A campaign to so many datasets."""
    party, _ = lists.readers["list_campaigns"]
    window = {"began_at": "2024-06-06T10:00:00+02:00", "ended_at": "2024-06-06T12:00:00+02:00"}
    said = {"party_id": str(party.id), "name": "Appel", "originator": "38001", "message_text": "Votez."}
    return (
        party,
        "/v1/campaigns",
        window | said | {"dataset_ids": lists.ids("dataset", "holder_id = %s", party.id)[:count]},
    )


@pytest.mark.parametrize("call", [partner_list_call, union_call, campaign_call])
def test_call_with_many_elements_takes_as_many_statements_as_with_two(
    lists: Lists, call: Callable[[Lists, int], tuple[Caller, str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    executed, counts = record_statements(monkeypatch, lists.dsn), []
    for count in (2, 2, 50):
        caller, path, body = call(lists, count)
        executed.clear()
        caller.post(path, body)
        counts.append(len(executed))
    # The first asks for what a process keeps.
    assert counts[1] == counts[2]
