"""A mobile operator gets the name, password and system type that it gave, as they are; or the start is refused.

`ACCOUNTS` says how many, and `SEED` which; `make soak` tries more than `make test`.
"""

import asyncio
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import pytest

from tests.free_ports import free_ports
from tests.kannel import Kannel
from tests.message_centre import MessageCentre, Said, running_centre

ACCOUNTS: Final = int(os.environ.get("ACCOUNTS", "45"))
SEED: Final = int(os.environ.get("SEED", "18"))
_AT_ONCE: Final = 45

# SMPP 3.4, 5.2: each ends with a zero byte, which is not counted here.
_MOST_BYTES: Final = {"KANNEL_SMSC_USERNAME": 15, "KANNEL_SMSC_PASSWORD": 8, "KANNEL_SMSC_SYSTEM_TYPE": 12}
_AWKWARD: Final = "\"'\\#;=$`%&{}[]()<>|!*?~^@:/,.+- é€😀"
_PLAIN: Final = "abcXYZ0123456789"
_CHOSEN: Final = (
    *(
        '"',
        '""',
        "\\",
        '\\"',
        '"\\',
        "a\\\\b",
        "#",
        "a #b",
        ";",
        "=",
        "a=b",
        "$HOME",
        "${HOME}",
        "$(id)",
        "`id`",
        "'",
        "%s%n",
    ),
    *(
        "%s%n",
        " ",
        " a",
        "a ",
        "  a  b",
        "é",
        "€€",
        "😀😀",
        "-n",
        "-e x",
        "<a>",
        "binclude",
        "\ta",
        "a\nb",
        "a\r",
        "\x7f",
    ),
)


class Account(NamedTuple):
    """What an operator gives, by variable."""

    values: Mapping[str, str]
    in_files: bool

    @property
    def refused(self) -> str | None:
        """The variable that cannot work, if there is one."""
        for variable, value in self.values.items():
            if len(value.encode()) > _MOST_BYTES[variable] or re.search(r"[\x00-\x1f\x7f]|include", value):
                return variable
        return None


def accounts(random: Random) -> Iterator[Account]:
    """Awkward values, every border of length, and then any values."""
    for place, value in enumerate(_CHOSEN):
        yield Account(
            {"KANNEL_SMSC_USERNAME": "filiation", "KANNEL_SMSC_PASSWORD": value, "KANNEL_SMSC_SYSTEM_TYPE": value},
            in_files=place % 3 == 0,
        )
    for variable, most in _MOST_BYTES.items():
        for length in (most, most + 1):
            usual = dict.fromkeys(_MOST_BYTES, "filiatio")
            yield Account(usual | {variable: "x" * length}, in_files=length % 2 == 0)
    while True:
        values = {
            variable: "".join(random.choices(_PLAIN + _AWKWARD * 3, k=random.randint(1, most + random.randint(0, 1))))
            for variable, most in _MOST_BYTES.items()
        }
        yield Account(values, in_files=random.random() < 0.3)


def begun(folder: Path, account: Account, port: int) -> Kannel:
    """A Kannel that was started with an account."""
    folder.mkdir()
    environment = {"KANNEL_SMSC": "smpp", "KANNEL_SMSC_HOST": "127.0.0.1", "KANNEL_SMSC_PORT": str(port)}
    for variable, value in account.values.items():
        if account.in_files:
            path = folder / variable
            path.write_bytes(f"{value}\n".encode())
            environment[f"{variable}_FILE"] = str(path)
        else:
            environment[variable] = value
    kannel = Kannel(folder, environment)
    kannel.begin()
    return kannel


async def stops_from(running: list[Kannel]) -> list[tuple[bytes, bytes] | None]:
    """What arrives from each."""
    return await asyncio.gather(*(kannel.take_next() for kannel in running))


def problem_with(
    account: Account, kannel: Kannel, centre: MessageCentre, arrived: tuple[bytes, bytes] | None
) -> str | None:
    """What is wrong about how this Kannel ran, or did not, with its account."""
    variable = account.refused
    if variable is None:
        expected = tuple(account.values[name].encode() for name in _MOST_BYTES)
        right = arrived == (b"+33639985200", b"STOP") and set(centre.accounts) == {expected}
        return None if right else f"{arrived} came, the operator saw {centre.accounts}, and Kannel said {kannel.log()}"
    sentence = kannel.log().strip()
    said = sentence.startswith(f"kannel: {variable} ") and "\n" not in sentence
    hidden = len(account.values[variable]) < 4 or account.values[variable] not in sentence
    return None if said and hidden and kannel.ended() == 1 else f"refused with {sentence!r}"


@pytest.mark.parametrize("first", range(0, ACCOUNTS, _AT_ONCE))
def test_stop_arrives_with_every_account_or_the_start_is_refused(first: int, tmp_path: Path) -> None:
    some = list(islice(accounts(Random(SEED)), first, min(first + _AT_ONCE, ACCOUNTS)))
    with ExitStack() as stack:
        centres = [stack.enter_context(running_centre(port)) for port in free_ports(len(some))]
        running = []
        for place, (account, centre) in enumerate(zip(some, centres, strict=True)):
            centre.say(Said("33639985200", "38001", "STOP"))
            running.append(begun(tmp_path / str(place), account, centre.port))
            stack.callback(running[-1].kill)
        arrived = asyncio.run(stops_from(running))
        found = [problem_with(*case) for case in zip(some, running, centres, arrived, strict=True)]
    assert [(account, problem) for account, problem in zip(some, found, strict=True) if problem is not None] == []
    assert {account.refused is None for account in some} == {True, False}
