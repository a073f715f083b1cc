"""Telephones send STOP while parts of a deployment are killed, or upgraded: each arrives, once, in order.

`TURNS` and `SENDERS` say how many, and `SEED` which kills; `AWAY_SECONDS` is how long each step of the upgrade takes.
`make soak` kills and waits for minutes. Each sender answers a campaign of
its own in each turn, so that the objections show which messages arrived, and in which order.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from random import Random
from time import sleep
from typing import Final

import psycopg
import pytest

from tests.builders import collected, number
from tests.deployment.beside_centre import Parts, running_parts
from tests.inspection import rows, until
from tests.message_centre import Said
from tests.objection.builders import register_campaign

TURNS: Final = int(os.environ.get("TURNS", "4"))
SENDERS: Final = int(os.environ.get("SENDERS", "4"))
AWAY_SECONDS: Final = float(os.environ.get("AWAY_SECONDS", "3"))
SEED: Final = int(os.environ.get("SEED", "18"))

_FIRST: Final = 5300
_FIRST_ORIGINATOR: Final = 38000


def _kill_process(name: str) -> Callable[[Parts], None]:
    def kill(parts: Parts) -> None:
        process = parts.machine.processes[name]
        process.kill()
        process.wait()

    return kill


def _kill_database(parts: Parts) -> None:
    assert parts.machine.cluster is not None
    parts.machine.cluster.kill()


def _start_database(parts: Parts) -> None:
    assert parts.machine.cluster is not None
    parts.machine.cluster.start()


_KILLS: Final[Mapping[str, Callable[[Parts], None]]] = {
    "kannel": lambda parts: parts.kannel.kill(),
    "worker": _kill_process("worker"),
    "database": _kill_database,
    "api": _kill_process("api"),
}
_STARTS: Final[Mapping[str, Callable[[Parts], None]]] = {
    "kannel": lambda parts: parts.kannel.begin(),
    "worker": lambda parts: parts.machine.start("worker"),
    "database": _start_database,
    "api": lambda parts: parts.machine.start("api"),
}


def _originator(turn: int) -> str:
    return str(_FIRST_ORIGINATOR + turn)


def kill_some(parts: Parts, turn: int, random: Random) -> None:
    """Kill one or two parts at random moments, in each turn another first, and start them again in any order."""
    names = list(_KILLS)
    targets = [names[turn % len(names)], *random.sample(names, random.randint(0, 1))]
    killed: list[str] = []
    for target in dict.fromkeys(targets):
        # The moment is what is random here. Nothing waits for it to be long enough.
        sleep(random.uniform(0, 1))
        _KILLS[target](parts)
        killed.append(target)
    random.shuffle(killed)
    for target in killed:
        sleep(random.uniform(0, 0.5))
        _STARTS[target](parts)


def restart_ended(parts: Parts) -> None:
    """Start the processes that ended by themselves, for instance without a database, as Docker does."""
    for name in ("api", "worker"):
        parts.machine.start(name)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """A deployment whose party holds the numbers of all senders."""
    with running_parts(tmp_path_factory.mktemp("deployed")) as running:
        yield running


@pytest.fixture(scope="module")
def dataset_id(parts: Parts) -> str:
    """What the campaigns of the party were sent to."""
    return str(collected(parts.party, range(_FIRST, _FIRST + SENDERS))["id"])


def say(parts: Parts, sender: int, originator: str, text: str) -> None:
    """Have a telephone send a message."""
    parts.centre.say(Said(number(_FIRST + sender).removeprefix("+"), originator, text))


def arrived(dsn: str, prefix: str) -> dict[bytes, list[tuple[datetime, str]]]:
    """By sender, when each STOP reached Kannel, and its originator, in the order in which they were recorded.

    Only those to originators that begin so.
    """
    found = defaultdict(list)
    for mark, received_at, originator in rows(
        dsn,
        "SELECT mark, objection.occurred_at, originator FROM objection JOIN campaign ON campaign.id = campaign_id"
        " WHERE starts_with(originator, %s) ORDER BY objection.recorded_at, objection.id",
        prefix,
    ):
        found[mark].append((received_at, originator))
    return found


def have_all_arrived(parts: Parts, prefix: str, expected: int) -> bool:
    """Whether as many STOPs are recorded as were sent, and nobody keeps any."""
    # Each look connects to the database.
    sleep(0.3)
    restart_ended(parts)
    try:
        count = sum(map(len, arrived(parts.dsn, prefix).values()))
    except psycopg.OperationalError:
        return False
    return count >= expected and not parts.centre.untold and not parts.kannel.kept()


def test_stops_beside_kills_of_every_part_arrive_each_once_and_in_order(parts: Parts, dataset_id: str) -> None:
    random = Random(SEED)
    for turn in range(TURNS):
        register_campaign(parts.party, dataset_id, originator=_originator(turn))
    for turn in range(TURNS):
        for sender in range(SENDERS):
            say(parts, sender, _originator(turn), f"STOP {turn}")
        restart_ended(parts)
        kill_some(parts, turn, random)
    until(lambda: have_all_arrived(parts, "38", TURNS * SENDERS))
    found = list(arrived(parts.dsn, "38").values())
    expected = [_originator(turn) for turn in range(TURNS)]
    assert len(found) == SENDERS
    # Kannel counts in whole seconds. What one telephone sent within the same second has no order.
    assert [[originator for _, originator in sorted(messages)] for messages in found] == [expected] * SENDERS
    times = [[received_at for received_at, _ in messages] for messages in found]
    assert times == [sorted(moments) for moments in times]


def test_stops_during_an_upgrade_arrive_each_once_and_in_order(parts: Parts, dataset_id: str) -> None:
    originators = ["39000", "39001", "39002"]
    until(parts.is_ready)
    for originator in originators:
        register_campaign(parts.party, dataset_id, originator=originator)
    assert parts.machine.cluster is not None
    address = f"postgresql://postgres@127.0.0.1:{parts.machine.cluster.port}/filiation"
    with psycopg.connect(address, password=parts.machine.cluster.password) as migration:
        # The strongest lock, as a migration holds it that changes this table. The old worker still runs.
        migration.execute("LOCK TABLE inbound_message IN ACCESS EXCLUSIVE MODE")
        steps: list[Callable[[Parts], None]] = [restart_ended, _stop_service, restart_ended]
        for originator, step in zip(originators, steps, strict=True):
            step(parts)
            say(parts, 0, originator, "STOP")
            until(lambda: not parts.centre.untold)
            sleep(AWAY_SECONDS)
    until(lambda: have_all_arrived(parts, "39", len(originators)))
    (found,) = arrived(parts.dsn, "39").values()
    assert [originator for _, originator in found] == originators


def _stop_service(parts: Parts) -> None:
    for name in ("api", "worker"):
        parts.machine.processes[name].terminate()
    for name in ("api", "worker"):
        parts.machine.processes[name].wait(timeout=60)
