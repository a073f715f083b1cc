"""The template process: it has imported all that reading needs and has read nothing. Reader processes are its forks.

It is started with an empty environment, and inherits nothing but a socket of the service. So a reader process has no
secret of the service, and starting it takes milliseconds.
"""

import gc
import os
import select
import signal
import socket
import struct
import sys
from typing import Final

CONTROL: Final = struct.Struct("<cqq")
"""A message over the socket: its kind, and two numbers."""
READY, FORK, STARTED, ENDED, KILL = b"R", b"F", b"S", b"E", b"K"

# The template itself has seven: it opens none for a part.
_MOST_DESCRIPTORS = 256
_ENCODINGS = ("ascii", "utf-8", "cp1252", "windows-1252", "utf-16-le", "utf-16-be", "latin-1")


def _import() -> None:
    """Import and compute what readers need: they can open no file."""
    # With threads of its own the template could not be forked.
    os.environ.update(OPENBLAS_NUM_THREADS="1", POLARS_MAX_THREADS="1", _RJEM_MALLOC_CONF="background_thread:false")
    import phonenumbers  # noqa: PLC0415

    from service.core.allocator import keep_freed_memory  # noqa: PLC0415
    from service.intake.zones import load_zone  # noqa: PLC0415
    from service.number.normalisation import prepare_normalisation  # noqa: PLC0415
    from service.sandbox import part  # noqa: F401, PLC0415

    keep_freed_memory()
    phonenumbers.PhoneMetadata.load_all()
    prepare_normalisation()
    load_zone("Europe/Paris")
    for encoding in _ENCODINGS:
        b"a".decode(encoding, "replace")
    os.environ.clear()
    gc.collect()
    # What lives as long as the process is visited by no collection, and so is not copied by the forks.
    gc.freeze()


class _Template:
    """Forks a reader process for each request, and tells how each ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._living: set[int] = set()
        self._wakeup, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._wakeup.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve requests until the service is gone."""
        self._tell(READY, 0, 0)
        while True:
            readable, _, _ = select.select([self._control, self._wakeup], [], [])
            if self._wakeup in readable:
                self._wakeup.recv(4096)
                self._reap()
            if self._control in readable and not self._serve():
                return

    def _serve(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, CONTROL.size, 1)
        if len(data) < CONTROL.size:
            return False
        kind, number, _ = CONTROL.unpack(data)
        if kind == KILL and number in self._living:
            os.kill(number, signal.SIGKILL)
        if kind == FORK:
            self._fork(descriptors[0], memory_bytes=number)
        return True

    def _fork(self, descriptor: int, memory_bytes: int) -> None:
        child = os.fork()
        if child == 0:
            _become_reader(descriptor, memory_bytes)
        os.close(descriptor)
        self._living.add(child)
        self._tell(STARTED, child, 0)

    def _reap(self) -> None:
        while self._living:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            self._living.discard(child)
            self._tell(ENDED, child, status)

    def _tell(self, kind: bytes, first: int, second: int) -> None:
        self._control.sendall(CONTROL.pack(kind, first, second))


def _become_reader(descriptor: int, memory_bytes: int) -> None:
    """Read one part in a fresh fork, which keeps no descriptor but its socket. Does not return."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # What libraries write when they fail may hold cells of the file.
        nowhere = os.open(os.devnull, os.O_RDWR)
        for place, source in enumerate((descriptor, nowhere, nowhere)):
            os.dup2(source, place)
        os.closerange(3, _MOST_DESCRIPTORS)
        from service.sandbox.part import read_part  # noqa: PLC0415

        read_part(socket.socket(fileno=0), memory_bytes)
        status = 0
    finally:
        os._exit(status)


def main() -> None:
    """Run the template process over the socket that it was started with."""
    # Ctrl-C in a terminal is for the service, whose end this process notices.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    _import()
    try:
        _Template(control).run()
    except (BrokenPipeError, ConnectionResetError):
        return
