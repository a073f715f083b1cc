"""`dataset waiting`, `dataset release`, `dataset withdraw-release` and `organisation release`."""

from service.core.vocabulary import Role
from tests.builders import collected
from tests.callers import Registry
from tests.command.conftest import Terminal
from tests.inspection import until


def test_operator_lists_releases_and_withdraws(address: str, organisations: Registry) -> None:
    terminal = Terminal(address, organisations.operator().key)
    collector = organisations.organisation(Role.COLLECTOR, name="Guichet SARL", released=False)
    dataset = collected(collector, range(12))["id"]

    def listed() -> str:
        return terminal.run("dataset", "waiting").output

    assert until(lambda: "10-99: 1" in listed())
    assert dataset in listed()
    assert "Guichet SARL" in listed()
    assert terminal.run("dataset", "release", dataset, "--comment", "Vu.").output == "released\n"
    assert dataset not in listed()
    assert terminal.run("dataset", "withdraw-release", dataset).output == "withdrawn\n"
    assert dataset in listed()
    assert terminal.run("organisation", "release", collector.id, "--up-to", "5").output == "set\n"
    assert collected(collector, range(5))["id"] not in listed()


def test_release_with_a_key_of_another_role_is_refused(terminal: Terminal, unknown_id: object) -> None:
    refused = terminal.run("dataset", "release", unknown_id)
    assert refused.exit_code == 1
    assert "filiation: This" in refused.output
