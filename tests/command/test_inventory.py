"""What the operator lists at the command line: organisations, keys and jobs, straight from the database."""

import json
import re
import sys
import uuid
from typing import Any

import pytest
from typer.testing import CliRunner

from service.__main__ import app, run_command
from tests.conftest import MASTER_SECRET, as_service


@pytest.fixture
def run(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on the database of this test, and returns what it prints. Standard output is no terminal."""
    monkeypatch.setenv("DATABASE_URL", as_service(dsn))
    monkeypatch.setenv("FILIATION_MASTER_SECRET", MASTER_SECRET)

    def command(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == status, (done.output, done.exception)
        return done.output

    return command


def test_refused_command_prints_the_id_that_it_speaks_of(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["filiation", *arguments])
        with pytest.raises(SystemExit) as ended:
            run_command()
        return str(ended.value.code)

    add = ("organisation", "add", "Parti de l'Aube", "--role", "party", "--registration-number", "000000018")
    known = run(*add).strip()
    assert refusal(*add).splitlines()[1:] == [f"organisation_id: {known}"]
    for unknown in (("key", "revoke", "nope"), ("key", "issue", str(uuid.uuid4()))):
        assert re.fullmatch(r"filiation: There is no \w+[^.]* of this name or id\. Check it\.", refusal(*unknown)), (
            unknown
        )


def test_operator_finds_an_organisation_its_keys_and_its_jobs(run: Any) -> None:
    ids = {
        name: run("organisation", "add", name, "--role", role, *more).strip()
        for name, role, more in (
            ("Parti de l'Aube", "party", ("--registration-number", "000000018")),
            ("Contact Direct SAS", "broker", ()),
            ("Belge SA", "broker", ("--country", "BE")),
        )
    }
    aube = "Parti de l'Aube"
    assert run("organisation", "list", "aube") == f"{ids[aube]}\t{aube}\tFR\t000000018\tparty\t\n"
    assert ids[aube] in run("organisation", "list", "000 000 018")
    run("organisation", "correct", ids[aube], "--alias", "L'Été", "--reason", "Letter of 3 May")
    assert ids[aube] in run("organisation", "list", "l ete")
    assert run("organisation", "list", "PARTI-DE-L'AUBE SAS").startswith(ids[aube])
    (belgian,) = json.loads(run("organisation", "list", "--country", "be", "--json"))
    assert (belgian["id"], belgian["roles"], belgian["admitted_at"]) == (ids["Belge SA"], ["broker"], None)
    assert run("organisation", "list", "nobody of this name") == "None.\n"
    secret = run("key", "issue", ids[aube], "--label", "CRM, Paris").strip()
    run("key", "issue", ids["Belge SA"])
    prefix, key_id, owner, *_ = run("key", "list", ids[aube]).split("\t")
    assert (owner, prefix in secret, "CRM, Paris" in run("key", "list")) == (ids[aube], True, True)
    assert len(run("key", "list").splitlines()) == 2
    run("key", "rotate", prefix)
    assert [key["label"] for key in json.loads(run("key", "list", ids[aube], "--json"))] == ["CRM, Paris"] * 2
    shown = json.loads(run("organisation", "show", ids[aube]))
    assert (shown["legal_name"], shown["statements"][0]["legal_name"]) == (aube, aube)
    assert shown["keys"][0]["id"] == key_id
    assert secret not in run("organisation", "show", ids[aube]) + run("key", "list")
    assert run("job", "list") == "None.\n"
    assert json.loads(run("job", "list", "--all", "--json")) == []
