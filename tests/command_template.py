"""The template process of the tests: it has imported all commands of the service, and forks a process for each.

To import the service takes longer than most commands do, and the tests run a hundred. What is forked has the arguments,
environment, folder and streams of whoever started the program in `tests.processes`, and ends as it would by itself.
"""

import atexit
import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import time
from typing import Any, Final, NoReturn

LENGTH: Final = struct.Struct("<q")
STATUS: Final = struct.Struct("<i")

_MOST_DESCRIPTORS: Final = 1024


class _Template:
    """Forks a command for each connection, and tells it how the command ended. It ends one whose connection is gone."""

    def __init__(self, address: str, program: str) -> None:
        self._program = program
        self._running: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(address)
        self._listening.listen(64)
        self._selector.register(self._listening, selectors.EVENT_READ, self._begin)
        self._wakeup, woken = socket.socketpair()
        woken.setblocking(False)
        self._woken = woken
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._reap)
        # Whoever started this process has gone when its standard input ends.
        self._selector.register(0, selectors.EVENT_READ, sys.exit)

    def run(self) -> NoReturn:
        """Serve until whoever started this process has gone."""
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _begin(self) -> None:
        connection, _ = self._listening.accept()
        head, streams, _, _ = socket.recv_fds(connection, LENGTH.size, 3)
        with connection.makefile("rb") as reader:
            asked = json.loads(reader.read(*LENGTH.unpack(head)))
        child = os.fork()
        if child == 0:
            _become_command(asked, streams, self._program)
        for stream in streams:
            os.close(stream)
        connection.sendall(STATUS.pack(child))
        self._running[child] = connection
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._end(child))

    def _end(self, child: int) -> None:
        """End a command whose starter was killed."""
        self._selector.unregister(self._running[child])
        os.kill(child, signal.SIGKILL)

    def _reap(self) -> None:
        self._wakeup.recv(4096)
        while self._running:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            with self._running.pop(child) as connection:
                if connection in self._selector.get_map():
                    self._selector.unregister(connection)
                    connection.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))


def _become_command(asked: Any, streams: list[int], program: str) -> NoReturn:
    """Run a command in a fresh fork as `python -m service` does. Does not return."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
    os.closerange(len(streams), _MOST_DESCRIPTORS)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc] # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", buffering=1, closefd=False)  # type: ignore[misc] # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, errors="backslashreplace", closefd=False)  # type: ignore[misc] # noqa: SIM115
    # Processes that it starts are forked too.
    sys.executable = program
    main_module = sys.modules["__main__"] = sys.modules["service.__main__"]
    sys.argv = [str(main_module.__file__), *asked["arguments"]]
    gc.enable()
    os._exit(_status_of(main_module.main))


def _status_of(main: Any) -> int:
    """Run a program to its end, and return its exit status."""
    status: Any = 0
    try:
        main()
    except SystemExit as end:
        status = end.code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(*sys.exc_info())
        status = 1
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return int(status or 0)


def main() -> None:
    """Import the service, and serve at an address, given with the program by which commands start other processes."""
    # Importing leaves nothing to collect.
    gc.disable()
    from service.__main__ import _COMMANDS, _imported  # noqa: PLC0415

    for place in _COMMANDS.values():
        _imported(place)
    gc.disable()
    # What lives as long as the process is visited by no collection, and so is not copied by the forks.
    gc.freeze()
    address, program = sys.argv[1:]
    _Template(address, program).run()


if __name__ == "__main__":
    main()
