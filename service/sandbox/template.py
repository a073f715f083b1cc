"""The template process: it has imported all that reading needs and has read nothing. Reader processes are its forks.

It is started with an empty environment, and inherits nothing but a socket of the service. So a reader process has no
secret of the service, and starting it takes milliseconds.
"""

import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Final

CONTROL: Final = struct.Struct("<cqqq")
"""A message over the socket: its kind, and three numbers."""
FORK, STARTED, ENDED, KILL = b"F", b"S", b"E", b"K"

OUT_OF_MEMORY: Final = 12
"""The exit status of a reader process that had too little memory."""
# Readers yield the processor to whoever answers somebody. Where nobody asks anything, they are as fast as ever.
_NICENESS: Final = 10
# The template itself has seven: it opens none for a part.
_MOST_DESCRIPTORS = 256
_ENCODINGS = ("ascii", "utf-8", "cp1252", "windows-1252", "utf-16-le", "utf-16-be", "utf-32-le", "latin-1", "cp437")


ReadPart = Callable[[socket.socket, int], None]


def _import(module: str) -> ReadPart:
    """Import and compute what readers need: they can open no file. Returns the function that reads a part."""
    # Importing leaves nothing to collect, and a collection visits all that is there.
    gc.disable()
    # With threads of its own the template could not be forked.
    os.environ.update(OPENBLAS_NUM_THREADS="1", POLARS_MAX_THREADS="1", _RJEM_MALLOC_CONF="background_thread:false")
    import phonenumbers  # noqa: PLC0415

    from service.core.allocator import keep_freed_memory  # noqa: PLC0415
    from service.intake.dates.zones import load_zone  # noqa: PLC0415
    from service.number.countries import prepare_countries  # noqa: PLC0415
    from service.number.normalisation import prepare_normalisation  # noqa: PLC0415

    read_part: ReadPart = importlib.import_module(module).read_part
    keep_freed_memory()
    phonenumbers.PhoneMetadata.load_all()
    prepare_normalisation()
    prepare_countries()
    load_zone("Europe/Paris")
    # Imported by numpy and polars when they first need it.
    importlib.import_module("numpy.ma")
    for encoding in _ENCODINGS:
        b"a".decode(encoding, "replace")
    os.environ.clear()
    gc.collect()
    # What lives as long as the process is visited by no collection, and so is not copied by the forks.
    gc.freeze()
    gc.enable()
    return read_part


class _Template:
    """Forks a reader process for each request, and tells how each ended."""

    def __init__(self, control: socket.socket, read_part: ReadPart) -> None:
        self._control = control
        self._read_part = read_part
        self._living: set[int] = set()
        self._wakeup, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._wakeup.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve requests until the service is gone."""
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
        kind, number, *_ = CONTROL.unpack(data)
        if kind == KILL and number in self._living:
            os.kill(number, signal.SIGKILL)
        if kind == FORK:
            self._fork(descriptors[0], memory_bytes=number)
        return True

    def _fork(self, descriptor: int, memory_bytes: int) -> None:
        child = os.fork()
        if child == 0:
            _become_reader(descriptor, memory_bytes, self._read_part)
        os.close(descriptor)
        self._living.add(child)
        self._tell(STARTED, child)

    def _reap(self) -> None:
        while self._living:
            child, status, usage = os.wait4(-1, os.WNOHANG)
            if not child:
                return
            self._living.discard(child)
            self._tell(ENDED, child, status, usage.ru_maxrss)

    def _tell(self, kind: bytes, reader: int = 0, status: int = 0, peak: int = 0) -> None:
        self._control.sendall(CONTROL.pack(kind, reader, status, peak))


def _become_reader(descriptor: int, memory_bytes: int, read_part: ReadPart) -> None:
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
        read_part(socket.socket(fileno=0), memory_bytes)
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def main() -> None:
    """Run the template process over the socket that it was started with."""
    # Ctrl-C in a terminal is for the service, whose end this process notices.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    control = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    read_part = _import(sys.argv[2])
    try:
        _Template(control, read_part).run()
    except (BrokenPipeError, ConnectionResetError):
        return
