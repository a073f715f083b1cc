"""What the real service shows each viewer, in the words of the naive registry, and how that differs from it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx2

from tests.worlds import reach, sight
from tests.worlds.act import VIEWERS
from tests.worlds.model import Registry
from tests.worlds.reader import Reader
from tests.worlds.shown import LISTS, flags_shown, lists_shown, orphans_shown, relays_shown, visible
from tests.worlds.sight import PERSON, REGULATOR, Viewer
from tests.worlds.told import FIRST_CONSENT, UUID, Told


def differences(told: Told, *, last: bool, items: bool | None = None, viewers: Sequence[Viewer] = VIEWERS) -> list[str]:
    """How what viewers are shown differs from what they must be shown.

    At the `last` look also persons, and items unless told otherwise.
    """
    persons = [(number, told.person(number)) for number in sorted(_objected(told.world)) if last]

    async def look() -> list[str]:
        transport = httpx2.ASGITransport(app=told.stage.client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", timeout=None) as client:
            readers = [
                Reader(client, told, viewer, caller.key) for viewer in viewers if (caller := told.caller(viewer))
            ]
            looks = [_differences_for(reader, items=last if items is None else items) for reader in readers]
            looks += [
                _collected(_differences_for_person(Reader(client, told, PERSON, person.token), number))
                for number, person in persons
            ]
            return [line for found in await asyncio.gather(*looks) for line in found]

    portal = told.stage.client.portal
    assert portal is not None
    return portal.call(look)


async def _differences_for(reader: Reader, *, items: bool) -> list[str]:
    parts = [
        _differences_in_answers(reader),
        _differences_in_lists(reader, items=items),
        _differences_in_lineage(reader),
    ]
    parts += [_differences_in_own(reader)] if reader.viewer != REGULATOR else []
    return [line for part in parts async for line in part]


async def _collected(lines: AsyncIterator[str]) -> list[str]:
    return [line async for line in lines]


def _objected(world: Registry) -> set[int]:
    return {row.number for row in world.objections.values()}


def _compare(what: str, expected: Any, got: Any) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted(expected.keys() | got.keys(), key=str):
            yield from _compare(f"{what}, {key}", expected.get(key, "nothing"), got.get(key, "nothing"))
    elif expected != got:
        if isinstance(expected, set) and isinstance(got, set):
            yield f"{what}: missing {sorted(expected - got, key=str)}, too much {sorted(got - expected, key=str)}"
        else:
            yield f"{what}: expected {expected}, got {got}"


# Answers.


async def _differences_in_answers(reader: Reader) -> AsyncIterator[str]:
    told, viewer, world = reader.told, reader.viewer, reader.told.world
    more = {"reason": "Contrôle"} if viewer == REGULATOR else {}
    for number in sorted(told.mentioned):
        response = await reader.post("/v1/lookups", {"number": told.number(number)} | more)
        what = f"{viewer.name} looks up {number}"
        for line in _compare(what, sight.answer(world, viewer, number), _answer(told, response)):
            yield line
        if viewer != REGULATOR:
            for line in _names_beyond(told, what, _nameable(world, viewer, number), response):
                yield line


def _answer(told: Told, found: Any) -> dict[str, Any]:
    return {"held": found["held"], "chains": {_chain(told, chain) for chain in found["chains"]}} | {
        "holdings": {_holding(told, row) for row in found["holdings"]},
        "recipients": {told.of(row["organisation"]["id"]): _recipient(told, row) for row in found["recipients"]},
        **_parts(told, found),
    }


def _holding(told: Told, row: Any) -> tuple[Any, ...]:
    dataset = row["dataset"]
    marks = dataset["end"] is not None, dataset["withdrawal"] is not None
    return (told.of(dataset["id"]), row["content"], row["orphan"], row["current"], *marks)


def _parts(told: Told, found: Any) -> dict[str, Any]:
    """What the answer to an organisation and the disclosure to a person have in common."""
    return {
        "origins": {_origin(told, origin) for origin in found["origins"]},
        "erasures": {told.of(row["dataset"]["id"]) for row in found["erasures"]},
        "transfers": {told.of(row["id"]): _transfer_of_number(row) for row in found["transfers"]},
        "campaigns": {told.of(row["id"]): _campaign(told, row) for row in found["campaigns"]},
        "campaigns_not_sent": {told.of(row["id"]): _campaign(told, row) for row in found["campaigns_not_sent"]},
        "orphans": {(told.of(row["dataset"]["id"]), row["reason"]) for row in found["orphans"]},
        "contradictions": {(row["kind"], told.of(row["transfer_id"])) for row in found["contradictions"]},
    }


def _origin(told: Told, origin: Any) -> tuple[Any, ...]:
    consent = origin["consented_at"]
    day = (FIRST_CONSENT.fromisoformat(consent) - FIRST_CONSENT).days if consent else None
    notice = origin["notice"]
    earlier = tuple(told.of(version["id"]) for version in notice["earlier"])
    said = _word(origin["attested"], origin["denial"]), origin["contest"] is not None
    return (
        told.of(origin["dataset"]["id"]), told.of(origin["collection_id"]), told.of(notice["id"]), earlier, said, day
    )  # fmt: skip


def _word(attested: Any, denied: Any) -> str:
    return "attested" if attested else "denied" if denied else ""


def _campaign(told: Told, row: Any) -> tuple[Any, ...]:
    return row["state"], frozenset(told.of(use["dataset"]["id"]) for use in row["through"])


def _chain(told: Told, chain: Any) -> tuple[Any, ...]:
    steps = [chain["head"], *(hop["to_dataset"] for hop in chain["hops"])]
    return (*(("?",) if chain["orphan"] else ()), *(told.of(dataset["id"]) for dataset in steps))


def _transfer_of_number(row: Any) -> tuple[Any, ...]:
    sides = frozenset(voucher["side"] for voucher in row["vouched_by"])
    return row["status"], row["number_declared"], row["number_received"], sides


def _recipient(told: Told, row: Any) -> tuple[Any, ...]:
    transfers = frozenset(told.of(transfer["transfer_id"]) for transfer in row["through"])
    return row["kind"], transfers, frozenset(told.of(campaign["id"]) for campaign in row["campaigns"])


async def _differences_for_person(reader: Reader, number: int) -> AsyncIterator[str]:
    told, world = reader.told, reader.told.world
    found = await reader.post("/v1/disclosures", {"form": "json"})
    must = sight.answer(world, PERSON, number)
    got = _parts(told, found) | {"holders": {told.of(row["id"]) for row in found["holders"]}}
    got["past"] = {_holding(told, row) for row in found["past_holdings"]}
    expected = {name: must[name] for name in got if name in must} | {"holders": sight.holders(world, number)}
    expected["past"] = {row for row in must["holdings"] if not row[3]}
    for line in _compare(f"the person of {number} reads", expected, got):
        yield line
    listed = {told.of(row["id"]): _objection(told, row) for row in found["objections"]}
    rows = {row.name: row for row in world.objections.values() if row.number == number}
    wanted = {
        name: (
            row.by,
            row.closed,
            Counter((relay.holder, relay.state) for relay in row.relays),
            {subject for subject, objection in world.flags_shown() if objection == name},
        )
        for name, row in rows.items()
    }
    for line in _compare(f"the objections that the person of {number} reads", wanted, listed):
        yield line


def _objection(told: Told, row: Any) -> tuple[Any, ...]:
    relays = Counter((told.of(relay["holder"]["id"]), _state(relay)) for relay in row["relays"])
    flags = {told.of(flag["dataset_id"] or flag["campaign"]["id"]) for flag in row["flags"]}
    return told.of(row["recorded_by"] and row["recorded_by"]["id"]), row["closed_at"] is not None, relays, flags


def _state(relay: Any) -> str:
    return "open" if relay["state"] in ("pending", "delivered") else str(relay["state"])


# Lists and items.


async def _differences_in_lists(reader: Reader, *, items: bool) -> AsyncIterator[str]:
    told, viewer, world = reader.told, reader.viewer, reader.told.world
    expected = lists_shown(world, viewer)
    nameable = _nameable(world, viewer)
    for kind in LISTS:
        found = await reader.pages(f"/v1/{kind}")
        if viewer == REGULATOR:
            found = [item for item in found if item["id"] in told.names]
        got = {told.of(item["id"]): _item(told, kind, item) for item in found}
        for line in _compare(f"{viewer.name} lists {kind}", expected[kind], got):
            yield line
        if viewer != REGULATOR:
            for line in _names_beyond(told, f"{viewer.name} lists {kind}", nameable, found):
                yield line
        if items:
            async for line in _differences_in_items(reader, kind, set(expected[kind])):
                yield line


async def _differences_in_items(reader: Reader, kind: str, visible: set[str]) -> AsyncIterator[str]:
    told, viewer, world = reader.told, reader.viewer, reader.told.world
    # All go the same way, so that the first that is shown and the last that is not stand for the others.
    hidden = [name for name in getattr(world, kind) if name not in visible]
    for name, expected in [(name, 200) for name in sorted(visible)[:1]] + [(name, 404) for name in hidden[-1:]]:
        status = (await reader.request("GET", f"/v1/{kind}/{told.ids[name]}")).status_code
        if status != expected:
            yield f"{viewer.name} gets {kind} {name}: status {status}"


def _item(told: Told, kind: str, item: Any) -> Any:
    match kind:
        case "organisations":
            return item["admitted_at"] is not None
        case "notices":
            return told.of(item["collector_id"])
        case "collections":
            return told.of(item["collector_id"]), told.of(item["notice_id"]), _word(item["attested"], item["denied"])
        case "campaigns":
            used = frozenset(told.of(dataset) for dataset in item["dataset_ids"])
            corrects = told.of(item["corrects_id"])
            return told.of(item["party_id"]), told.of(item["sender_id"]), used, item["state"], corrects
        case "datasets":
            return (
                told.of(item["holder_id"]), item["content"], item["number_count"], item["orphan_count"],
                told.of(item["collection_id"]), told.of(item["received_by_transfer_id"]),
                frozenset(told.of(parent) for parent in item["derived_from"]),
                (item["held_until"] is not None, item["withdrawn_at"] is not None),
            )  # fmt: skip
        case _:
            statements = tuple(
                (row["side"], row["status"], row["extra_count"], row["missing_count"]) for row in item["statements"]
            )
            return (
                told.of(item["sender_id"]), told.of(item["recipient_id"]), told.of(item["dataset_id"]),
                told.of(item["received_dataset_id"]), item["status"], item["number_count"], statements,
            )  # fmt: skip


def _nameable(world: Registry, viewer: Viewer, number: int | None = None) -> set[str]:
    """What may be named to a viewer at all, as asserter too: what it sees, and the ends of transfers that it sees."""
    names = {name for kind in LISTS for name in visible(world, viewer, kind)}
    transfers = visible(world, viewer, "transfers")
    if number is not None:
        transfers |= sight.seen_of_number(world, viewer, number).transfers
    ends = [
        (row.dataset, row.received, row.sender, row.recipient) for row in map(world.transfers.get, transfers) if row
    ]
    named = names | transfers | {name for row in ends for name in row}
    # Beside the name of then stands the heir's.
    return named | {heir for name in named for heir in world.heirs_of(name)}


def _names_beyond(told: Told, what: str, nameable: set[str], shown: Any) -> Iterator[str]:
    """Ids of this world's things in a response that the viewer must not be shown, wherever they stand."""
    found = {told.names[thing_id] for thing_id in UUID.findall(str(shown)) if thing_id in told.names}
    if beyond := found - nameable:
        yield f"{what}: names {sorted(beyond)}"


# Lineage, impact, orphans, relays and flags.


async def _differences_in_lineage(reader: Reader) -> AsyncIterator[str]:
    told, viewer, world = reader.told, reader.viewer, reader.told.world
    for name in sorted(visible(world, viewer, "datasets")):
        found = await reader.lineage(told.ids[name])
        if found is None:
            yield f"{viewer.name} follows the lineage of {name}: it is refused"
            continue
        got = {
            "nodes": {
                told.of(node["dataset"]["id"]): (node["distance"], node["number_count"], node["common_count"])
                for node in found["nodes"]
            },
            "edges": {
                (told.of(edge["from_dataset_id"]), told.of(edge["to_dataset_id"])): edge["number_count"]
                for edge in found["edges"]
            },
        }
        for line in _compare(f"{viewer.name} follows the lineage of {name}", reach.lineage(world, viewer, name), got):
            yield line
    for notice in world.notices.values():
        if viewer == REGULATOR or notice.collector == viewer.organisation:
            found = await reader.get(f"/v1/notices/{told.ids[notice.name]}/impact")
            expected = reach.impact(world, viewer, notice.name)
            for line in _compare(f"{viewer.name} sees the impact of {notice.name}", expected, _impact(told, found)):
                yield line


def _impact(told: Told, found: Any) -> dict[str, Any]:
    return {
        "datasets": {told.of(row["dataset"]["id"]): row["number_count"] for row in found["datasets"]},
        "clients": {told.of(row["organisation"]["id"]): row["number_count"] for row in found["clients"]},
        "campaigns": {told.of(row["campaign"]["id"]): row["number_count"] for row in found["campaigns"]},
    }


async def _differences_in_own(reader: Reader) -> AsyncIterator[str]:
    told, viewer, world = reader.told, reader.viewer, reader.told.world
    own = viewer.organisation
    assert own is not None
    for name in sorted(sight.own_datasets(world, own)):
        found = (await reader.get(f"/v1/datasets/{told.ids[name]}/orphans", limit=1000))["numbers"]
        for line in _compare(
            f"{viewer.name} lists the orphans of {name}", orphans_shown(world, name), set(map(told.last_of, found))
        ):
            yield line
    shown = await reader.pages("/v1/objections/flags")
    got = Counter({told.of(flag["id"]): flag["number_count"] for flag in shown})
    for line in _compare(f"{viewer.name} lists flags", dict(flags_shown(world, viewer)), dict(got)):
        yield line
    relays = (await reader.get("/v1/objections/relays", limit=1000))["items"]
    listed = Counter(
        (told.moments.get(row["occurred_at"]), _state(row), told.last_of(row["number"]), _recorder(told, row))
        for row in relays
    )
    for line in _compare(f"{viewer.name} lists relays", dict(relays_shown(world, viewer)), dict(listed)):
        yield line


def _recorder(told: Told, row: Any) -> str | None:
    return told.of(row["recorded_by"]["id"]) if row["recorded_by"] else str(row["recorder"])
