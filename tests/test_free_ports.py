"""Ports that tests give to programs: no two programs get the same one, however late they listen on it."""

import os
import socket

from tests.free_ports import free_port, free_ports, share_of_ports


def test_port_that_was_given_is_not_given_again_before_its_program_listens() -> None:
    given = [port for _ in range(200) for port in free_ports(3)] + [free_port() for _ in range(200)]
    assert len(set(given)) == len(given)


def test_port_on_which_somebody_listens_is_not_given() -> None:
    share = len(share_of_ports(os.environ))
    with socket.create_server(("127.0.0.1", free_port())) as listening:
        # More than there are: each port has its turn.
        taken = listening.getsockname()[1]
        given = {port for _ in range(0, share, 200) for port in free_ports(200)}
    assert taken not in given
    assert len(given) > share // 2


def test_processes_of_a_run_share_no_port() -> None:
    shares = [
        share_of_ports({"PYTEST_XDIST_WORKER": f"gw{place}", "PYTEST_XDIST_WORKER_COUNT": "3"}) for place in range(3)
    ]
    given = [port for share in shares for port in share]
    assert len(set(given)) == len(given)
    assert sorted(given) == list(share_of_ports({}))
