"""What every route tells every kind of actor about others: compared with the story, and written to `docs/sight.md`.

Each route is called as each kind of actor, with the ids of the story. The responses are searched for ids and names of
the story. What they may name was computed from the story alone (`relations.py`).
"""

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from httpx2 import Response

from service.demo.story import AUBE, CONTACT, ENSEIGNE, RIVAGE, ROUTAGE
from tests.builders import number
from tests.conftest import StoredStory
from tests.inspection import until
from tests.objection.publication_builders import admit_in, last_due_quarter, publish, receive_requests
from tests.persons import prove
from tests.routes import ROUTES, method_of
from tests.scenario.conftest import Scenario, copied_scenario
from tests.scenario.relations import ITSELF, UNRELATED, Relations, codes_by_text, person_of, relations_of

COMMITTED = Path(__file__).parents[2] / "docs" / "sight.md"
PERSONS_NUMBER = 5200
EVERYBODY = "everybody"
REFUSED = "refused"
PUBLISHED = "all with published figures"
FIGURES = {"list_deadlines", "get_publication", "download_publication"}
# A confirmation is answered with a job, as a comparison is. The SMS gateway calls the next two, and their answers are
# empty. Two more need what the story lacks: a delivery that failed, and a collector that got its account later. The
# schema is static, with examples from the story. A preview tells of the file of its caller, and of nothing else.
ELSEWHERE = {
    "confirm_reconciliation",
    "report_message",
    "receive_message",
    "retry_webhook_delivery",
    "state_collection",
    "get_disclosure_schema",
    "preview_part",
}
# Evidence is shown unchanged, whatever it names, and a message as its sender wrote it.
VERBATIM = re.compile(r'"(?:wording|message_text)":"(?:[^"\\]|\\.)*"')


@dataclass
class Actor:
    """A kind of actor: who stands for it in the story, and whom it may be shown. None: everybody, by its office."""

    name: str
    token: str | None
    may_see: Relations | None
    told: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass
class Walk:
    """The story with its actors, and the responses that named what they must not name."""

    scenario: Scenario
    actors: dict[str, Actor]
    wrong: list[tuple[str, str, str]] = field(default_factory=list)

    def call(self, actor: str, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The response to a request of an actor. The walk reads it later, with all the others."""
        token = self.actors[actor].token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        return self.scenario.client.request(method, path, headers=headers, json=body, **options)

    def read_responses(self) -> None:
        """Note what all responses named, by how it is related to the actor."""
        codes = codes_by_text(self.scenario.story.ids)
        by_token = {actor.token: actor for actor in self.actors.values()}
        for response in self.scenario.responses:
            token = response.request.headers.get("authorization", "").removeprefix("Bearer ") or None
            actor, route = by_token.get(token), _route_of(response)
            if actor is not None and route is not None and route.name not in ELSEWHERE:
                self._note(actor, route, response, codes)

    def _note(self, actor: Actor, route: APIRoute, response: Response, codes: dict[str, str]) -> None:
        if response.status_code in (401, 403):
            actor.told[route.name].add(REFUSED)
        if not response.is_success:
            return
        text = VERBATIM.sub("", response.text)
        named = {code for text_of_code, code in codes.items() if text_of_code in text}
        if route.name in FIGURES:
            relations = dict.fromkeys(named, PUBLISHED)
        elif actor.may_see is None:
            relations = dict.fromkeys(named, EVERYBODY)
        else:
            relations = {code: actor.may_see.to(code) for code in named}
        actor.told[route.name].update({ITSELF}, relations.values())
        self.wrong += [(route.name, actor.name, code) for code, at in relations.items() if at is UNRELATED]


def _route_of(response: Response) -> APIRoute | None:
    request = response.request
    return next(
        (route for route in ROUTES if request.method == method_of(route) and route.path_regex.match(request.url.path)),
        None,
    )


@pytest.fixture(scope="module")
def walk(cluster: str, stored_story: StoredStory) -> Iterator[Walk]:
    """The story in a database of its own, because the walk writes too, after each actor has called each route."""
    with copied_scenario(cluster, stored_story) as scenario:
        keys = scenario.story.keys
        person = prove(scenario.client, scenario.dsn, number(PERSONS_NUMBER)).token
        actors = [
            Actor("anybody", None, Relations("")),
            Actor("person", person, person_of(PERSONS_NUMBER)),
            Actor("collector", keys[ENSEIGNE.code], relations_of(ENSEIGNE.code)),
            Actor("broker", keys[CONTACT.code], relations_of(CONTACT.code)),
            Actor("party", keys[RIVAGE.code], relations_of(RIVAGE.code)),
            Actor("sender", keys[f"{ROUTAGE.code} for {AUBE.code}"], relations_of(AUBE.code, ROUTAGE.code)),
            Actor("regulator", keys["cnil"], None),
            Actor("operator", scenario.operator.key, None),
        ]
        walked = Walk(scenario, {actor.name: actor for actor in actors})
        until(lambda: len(walked.call("party", "GET", "/v1/objections/flags").json()["items"]) >= 3)
        _objections(walked)
        _facts(walked)
        _accounts(walked)
        _offices(walked)
        _every_route(walked)
        walked.read_responses()
        yield walked


def _objections(walk: Walk) -> None:
    """Objections, relays, flags and what a person does. The number is held by both parties and the broker."""
    objected = walk.call("person", "POST", "/v1/objections", {"kind": "erasure"}).json()
    walk.call("person", "GET", f"/v1/objections/{objected['id']}")
    walk.call("person", "GET", "/v1/objections")
    origins = walk.call("person", "POST", "/v1/disclosures", {"form": "json"}).json()["origins"]
    contested = [row["dataset"]["id"] for row in origins if row["collector"]["has_account"]]
    contests = [
        walk.call("person", "POST", "/v1/objections/contests", {"dataset_id": dataset_id}).json()
        for dataset_id in contested
    ]
    for relay in objected["relays"]:
        walk.call("person", "GET", f"/v1/disclosures/letters/{relay['id']}")
    walk.call("person", "PUT", "/v1/session", {"owned_since_on": "2019-01-01"})
    begun = walk.call("anybody", "POST", "/v1/verifications", {"number": number(1500)}).json()
    walk.call("anybody", "GET", f"/v1/verifications/{begun['id']}")
    walk.call("anybody", "POST", f"/v1/verifications/{begun['id']}/confirm", {"code": "000000"})
    received = {"kind": "objection", "numbers": [{"number": number(5300), "occurred_at": "2024-06-10T10:00:00Z"}]}
    reply = {"replies": [{"number": number(5300), "replied_at": "2024-06-07T10:00:00Z", "text": "STOP"}]}
    ids = walk.scenario.story.ids
    for actor, campaign in (("collector", "C1"), ("broker", "C1"), ("party", "C2"), ("sender", "C1")):
        walk.call(actor, "POST", "/v1/objections/received", received)
        walk.call(actor, "POST", f"/v1/campaigns/{ids[campaign]}/stops", reply)
        for relay in walk.call(actor, "GET", "/v1/objections/relays").json()["items"]:
            path = f"/v1/objections/relays/{relay['id']}"
            walk.call(actor, "POST", f"{path}/acknowledge")
            walk.call(actor, "POST", f"{path}/extend", {"reason": "Trois sous-traitants doivent encore répondre."})
            walk.call(actor, "POST", f"{path}/answer", {"answer_text": "Case cochée en 2023."})
            if relay["kind"] == "erasure":
                walk.call(actor, "POST", f"{path}/refuse", {"reason": "Obligation de conserver la preuve."})
            else:
                walk.call(actor, "POST", f"{path}/complete")

    for contest in contests:
        walk.call("person", "POST", f"/v1/objections/{contest['id']}/withdraw")


def _facts(walk: Walk) -> None:
    """What the loading of the story did not do: statements, lookups, corrections, reconciliations."""
    ids = walk.scenario.story.ids
    said = {"status": "acknowledged", "occurred_at": "2024-06-09T10:00:00Z"}
    party, reconciliation = walk.scenario.caller(RIVAGE.code), f"/v1/transfers/{ids['T8']}/reconciliation"
    opened = walk.call("party", "POST", reconciliation).json()
    party.put_part(opened["id"], [number(0)])
    party.finish(walk.call("party", "POST", f"{reconciliation}/compare").json())
    walk.call("party", "GET", reconciliation)
    walk.call("party", "DELETE", reconciliation)
    walk.call("party", "POST", f"/v1/transfers/{ids['T8']}/statements", said)
    stated = {"legal_name": "Jeux & Lots SARL", "privacy_contact": "rgpd@jeux-lots.example"}
    walk.call("broker", "POST", f"/v1/organisations/{ids['jeux-lots']}/statements", stated)
    base = {"occurred_at": "2024-06-09T10:00:00Z", "holder_id": ids[CONTACT.code], "name": "Base à venir"}
    opened = walk.call("broker", "POST", "/v1/datasets", base).json()["id"]
    for actor in walk.actors:
        walk.call(actor, "PUT", f"/v1/datasets/{opened}/date-format", {"date_format": "day_first"})
    walk.call("broker", "POST", f"/v1/datasets/{opened}/corrections", {"name": "Base abandonnée"})
    walk.call("broker", "DELETE", f"/v1/datasets/{opened}")
    scrap = walk.call("broker", "POST", "/v1/datasets", base).json()["id"]
    content = {"content": number(9998).encode(), "headers": {"Content-Type": "text/csv"}}
    walk.call("broker", "PUT", f"/v1/datasets/{scrap}/parts/1", **content)
    walk.call("broker", "POST", f"/v1/datasets/{scrap}/seal")
    until(lambda: walk.call("broker", "GET", f"/v1/datasets/{scrap}").json()["state"] == "sealed")
    for act, body in (
        ("end", {"occurred_at": "2024-06-09T11:00:00Z", "end_reason": "deleted"}),
        ("end/take-back", {}),
        ("withdrawal", {"reason": "Chargée par erreur."}),
        ("withdrawal/take-back", {}),
    ):
        walk.call("broker", "POST", f"/v1/datasets/{scrap}/{act}", body)
    # Enseigne Maison's own name for a file of its own, which its recipients read too.
    walk.call("collector", "POST", f"/v1/datasets/{ids['D4']}/corrections", {"name": "Carte de fidélité"})
    for actor, last_four in itertools.product(walk.actors, (1500, 5200, 6000, 9001, 9999)):
        walk.call(actor, "POST", "/v1/lookups", {"number": number(last_four), "reason": "Plainte 2024-0611"})
    _taken_back(walk)


def _taken_back(walk: Walk) -> None:
    """Campaigns and screenshots that are not what was stated."""
    ids, actors = walk.scenario.story.ids, ("collector", "broker", "party", "sender")
    evidence = walk.call("regulator", "GET", f"/v1/notices/{ids['EM-1']}").json()["evidence"][0]["id"]
    said = {"occurred_at": "2024-06-09T10:00:00Z", "reason": "Ce n'est pas ce qui a eu lieu."}
    for actor, campaign in itertools.product(actors, ("C1", "C2")):
        walk.call(actor, "POST", f"/v1/campaigns/{ids[campaign]}/cancellation", said)
    for actor in actors:
        walk.call(actor, "POST", f"/v1/notices/{ids['EM-1']}/evidence/{evidence}/withdrawal", said)
    for actor, last_four in itertools.product(walk.actors, (1500, 5200)):
        walk.call(actor, "POST", "/v1/lookups", {"number": number(last_four), "reason": "Plainte 2024-0611"})


def _accounts(walk: Walk) -> None:
    """Webhooks, keys and limits."""
    for actor in ("broker", "party", "sender"):
        hook = walk.call(actor, "POST", "/v1/webhooks", {"url": "https://1.1.1.1/"}).json()
        walk.call(actor, "GET", f"/v1/webhooks/{hook['id']}/deliveries")
        walk.call(actor, "POST", f"/v1/webhooks/{hook['id']}/rotate")
        walk.call(actor, "DELETE", f"/v1/webhooks/{hook['id']}")
    body = {"organisation_id": walk.scenario.story.ids[AUBE.code], "scopes": ["facts:read"]}
    key = walk.call("operator", "POST", "/v1/keys", body).json()
    walk.call("operator", "DELETE", f"/v1/keys/{key['id']}")
    keys = walk.call("operator", "GET", "/v1/keys").json()["items"]
    own = next(key["id"] for key in keys if key["organisation_id"] == str(walk.scenario.operator.id))
    walk.call("operator", "POST", f"/v1/keys/{own}/rotate")
    limit = {"organisation_id": walk.scenario.story.ids[AUBE.code], "kind": "lookups", "daily_limit": 500_000}
    walk.call("operator", "POST", "/v1/usage/limits", limit)


def _offices(walk: Walk) -> None:
    """What the operator does, and the figures that the registry publishes by itself."""
    dsn, ids, quarter = walk.scenario.dsn, walk.scenario.story.ids, last_due_quarter()
    walk.call("operator", "POST", f"/v1/datasets/{ids['D4']}/release/withdraw", {})
    walk.call("operator", "POST", f"/v1/datasets/{ids['D4']}/release", {})
    walk.call("operator", "POST", f"/v1/organisations/{ids[ENSEIGNE.code]}/standing-release", {"up_to_count": 10})
    admit_in(dsn, quarter)
    for holder in (ENSEIGNE, CONTACT, AUBE, RIVAGE):
        receive_requests(dsn, ids[holder.code], quarter, in_time=2)
    publish(dsn)


def _every_route(walk: Walk) -> None:
    """Call every route as every actor: to read with each id of the story, to write with an empty request."""
    ids = walk.scenario.story.ids
    jobs = {match for response in walk.scenario.responses for match in _JOB.findall(str(response.request.url))}
    evidence = walk.call("regulator", "GET", f"/v1/notices/{ids['EM-1']}").json()["evidence"][0]["id"]
    pools = defaultdict(
        _unknown, job_id=sorted(jobs), evidence_id=[evidence], number=["1"], quarter=[str(last_due_quarter())]
    )
    of_kind: dict[str, Callable[[str], bool]] = {
        "organisation_id": lambda code: code.islower(),
        "notice_id": lambda code: code[:3] in ("JL-", "CA-", "EM-"),
        "collection_id": lambda code: code.startswith("collection"),
        "dataset_id": lambda code: code[0] in "DRX",
        "transfer_id": lambda code: code[0] == "T",
        "campaign_id": lambda code: code in ("C1", "C2", "C3"),
        "subject_id": lambda code: code[0] in "DRXC" and code[1:].isdigit(),
    }
    for name, is_kind in of_kind.items():
        pools[name] = [identity for code, identity in ids.items() if is_kind(code)]
    for route, actor in itertools.product(ROUTES, walk.actors):
        method = method_of(route)
        if route.name in ("end_session", *ELSEWHERE):
            continue
        reads = method == "GET"
        choices = [pools[name] if reads or name == "number" else [UNKNOWN] for name in route.param_convertors]
        for values in itertools.product(*choices):
            path = route.path_format.format(**dict(zip(route.param_convertors, values, strict=True)))
            if walk.call(actor, method, path, None if reads else {}).status_code in (401, 403):
                break
    walk.call("person", "DELETE", "/v1/session")


def _unknown() -> list[str]:
    return [UNKNOWN]


UNKNOWN = "01890000-0000-7000-8000-000000000000"
_JOB = re.compile(r"/v1/jobs/([0-9a-f-]{36})")


def test_no_route_tells_an_actor_of_others_that_do_not_concern_it(walk: Walk) -> None:
    wrong = sorted(set(walk.wrong))
    assert not wrong, "\n".join(map(str, wrong))


def test_every_route_was_answered_to_somebody(walk: Walk) -> None:
    silent = [
        route.name
        for route in ROUTES
        if not any(ITSELF in actor.told[route.name] for actor in walk.actors.values()) and route.name not in ELSEWHERE
    ]
    assert silent == []


def test_table_of_what_routes_tell_is_the_committed_one(walk: Walk) -> None:
    table = render(walk)
    if os.environ.get("FILIATION_WRITE_DOCS"):
        COMMITTED.write_text(table, encoding="utf-8")
    assert COMMITTED.read_text(encoding="utf-8") == table, "docs/sight.md is out of date: run `make sight`"


_HEAD = """\
# What each route tells of others

Generated by `tests/scenario/test_what_routes_tell.py`: every route was called as each kind of actor of the story, with
every id of the story. The cells say whom the responses named. The test fails if a response names anybody else.
`make sight` writes this page.

A registration number, or the whole name or an alias of an organisation with an account, finds that organisation for
everybody with a key (`GET /v1/organisations`): its names, country, number, roles, time zone, whether it has closed, and
since when it has an account, and who succeeded it. The other side of a transfer must be found to be named. A key of an
heir that acts for an organisation is told what that organisation's own keys are told.

| cell | meaning |
|---|---|
| suppliers | who handed over, collected or registered what at least one of the caller's numbers came from |
| recipients | who received a dataset from the caller: one hop, and nothing beyond |
| its campaigns' sender or party | the two sides of a campaign |
| named partners | who is on the partner list of a notice that the caller sees: a list is evidence, shown unchanged |
| those it named | organisations that the caller registered itself |
| all on the number's paths | for the person: everybody who collected, held, passed on or used the number |
| all with published figures | organisations in the quarterly figures about deadlines, rounded |
| everybody | for the regulator, whose looks are recorded, and for accounts and releases of the operator |
| nobody | only what the caller stated or holds itself |
| refused | 401 or 403 |
| – | the caller may use the route, but had nothing there |

"""


def render(walk: Walk) -> str:
    """The table as Markdown."""
    names = list(walk.actors)
    lines = [f"| route | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for route in sorted(ROUTES, key=lambda route: (route.path, method_of(route))):
        if route.name not in ELSEWHERE:
            cells = [_cell(walk.actors[name].told[route.name]) for name in names]
            lines.append(f"| `{method_of(route)} {route.path_format}` | {' | '.join(cells)} |")
    return _HEAD + "\n".join(lines) + "\n"


def _cell(told: set[str]) -> str:
    others = sorted(told - {ITSELF, REFUSED})
    if others:
        return ", ".join(others)
    return "nobody" if ITSELF in told else "refused" if REFUSED in told else "–"
