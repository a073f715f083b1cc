"""The service's side of the template process: it starts it, asks it for reader processes, and hears how these ended."""

import atexit
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from service.sandbox.template import CONTROL, ENDED, FORK, KILL, STARTED

# `-m` would find the installed package, which is not always the one that runs here.
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from service.sandbox.template import main; main()"
_ROOT: Final = str(Path(__file__).resolve().parents[2])
_START_SECONDS = 60
_END_SECONDS = 10


class ReaderLost(Exception):
    """The template or a reader process was ended from outside. The part can be sent again."""


class _Template:
    """One running template process. Its methods may be called from any thread."""

    def __init__(self, module: str) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-W", "ignore", "-c", _BOOT, _ROOT, module],
                env=dict[str, str](),
                cwd="/",
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                process_group=0,
            )
        self._changed = threading.Condition()
        self._asking = threading.Lock()
        self._started: int | None = None
        self._ended: dict[int, int] = {}
        self._forgotten: set[int] = set()
        self._lost = False
        self.peak = 0
        """The most memory that a reader process had, in the unit of `ru_maxrss`."""
        threading.Thread(target=self._listen, daemon=True, name="template process").start()

    @property
    def lost(self) -> bool:
        """Whether the process has ended."""
        return self._lost

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def fork(self, connection: socket.socket, memory_bytes: int) -> int:
        """Start a reader process at the other end of this socket, and return its process id.

        A template that does not answer in time is ended: its answer, if it still came, would be taken for that to the
        next request.

        Raises:
            ReaderLost: the template has ended, or does not answer.
        """
        with self._asking:
            try:
                socket.send_fds(self._control, [CONTROL.pack(FORK, memory_bytes, 0, 0)], [connection.fileno()])
            except OSError:
                raise ReaderLost from None
            with self._changed:
                self._changed.wait_for(lambda: self._started is not None or self._lost, _START_SECONDS)
                started, self._started = self._started, None
                if started is None or self._lost:
                    self._lost = True
                    self._process.kill()
                    raise ReaderLost
                return started

    def kill(self, reader: int) -> None:
        """End a reader process at once, if it still runs."""
        try:
            self._control.sendall(CONTROL.pack(KILL, reader, 0, 0))
        except OSError:
            # Nobody is left who could end it. It ends by itself, because its socket is closed.
            return

    def status(self, reader: int) -> int | None:
        """How a reader process ended, as `os.waitpid` says it; None if that is not known."""
        with self._changed:
            self._changed.wait_for(lambda: reader in self._ended or self._lost, _END_SECONDS)
            return self._ended.get(reader)

    def forget(self, reader: int) -> None:
        """End a reader process, and do not keep how it ended."""
        self.kill(reader)
        with self._changed:
            if self._ended.pop(reader, None) is None:
                self._forgotten.add(reader)

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        # One that hangs, or is stopped by a signal, would not end for less.
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        with suppress(OSError):
            while len(message := self._control.recv(CONTROL.size, socket.MSG_WAITALL)) == CONTROL.size:
                kind, reader, status, peak = CONTROL.unpack(message)
                with self._changed:
                    if kind == STARTED:
                        self._started = reader
                    elif kind == ENDED:
                        self.peak = max(self.peak, peak)
                        if reader in self._forgotten:
                            self._forgotten.discard(reader)
                        else:
                            self._ended[reader] = status
                    self._changed.notify_all()
        with self._changed:
            self._lost = True
            self._changed.notify_all()


class Launcher:
    """Starts the template process when it is first needed, and again if it is lost."""

    def __init__(self, module: str = "service.sandbox.part") -> None:
        self._lock = threading.Lock()
        self._module = module
        self._template: _Template | None = None

    def template(self) -> _Template:
        """The running template process."""
        with self._lock:
            if self._template is None or self._template.lost:
                if self._template is not None:
                    self._template.close()
                self._template = _Template(self._module)
            return self._template

    def close(self) -> None:
        """End the template process, if there is one."""
        with self._lock:
            if self._template is not None:
                self._template.close()
                self._template = None


@cache
def launcher() -> Launcher:
    """The launcher of this process."""
    own, process = Launcher(), os.getpid()
    # A fork of this process must not end a template that is not its own.
    atexit.register(lambda: own.close() if os.getpid() == process else None)
    return own
