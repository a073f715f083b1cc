"""A reader process that a file has taken over, as the template process runs it in place of `service.sandbox.part`.

The name of the phone column says what it does. It does so behind the closed door, where the part would be read.
"""

import ctypes
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from service.sandbox.door import close_the_door
from service.sandbox.form import PartForm
from service.sandbox.frames import BATCH, END, EVIDENCE, REFUSAL, receive_frame, send_frame

# Of other modules in which keys, passwords or connections could be.
_FOREIGN = ("sqlalchemy", "psycopg", "cryptography", "fastapi", "service.core.settings", "service.number.keyring")


def read_part(connection: socket.socket, memory_bytes: int) -> None:
    """Do what the form says."""
    frame = receive_frame(connection)
    assert frame is not None
    if frame[0] == EVIDENCE:
        _take_over_by_evidence(connection, memory_bytes)
        return
    form = PartForm.from_json(bytes(frame[1]))
    environment = _read("/proc/self/environ")
    close_the_door(memory_bytes)
    if form.columns.phone == "look":
        send_frame(connection, REFUSAL, orjson.dumps(["seen", _seen(environment)]))
        return
    _ACTS[form.columns.phone or ""](connection)


def _take_over_by_evidence(connection: socket.socket, memory_bytes: int) -> None:
    """Do what the file says, which is one of the acts."""
    close_the_door(memory_bytes)
    content = b""
    while (frame := receive_frame(connection)) is not None and frame[1]:
        content += frame[1]
    _ACTS[content.decode()](connection)


def _read(path: str) -> str:
    try:
        with open(path) as file:  # noqa: PTH123
            return file.read()
    except OSError as problem:
        return type(problem).__name__


def _seen(environment: str) -> str:
    """What a reader can reach, as a text."""
    kinds = []
    for descriptor in range(256):
        try:
            mode = os.fstat(descriptor).st_mode
        except OSError:
            continue
        kinds.append("socket" if stat.S_ISSOCK(mode) else "file" if stat.S_ISREG(mode) else "other")
    facts = {
        "environment": environment + str(dict(os.environ)),
        "files": kinds.count("file"),
        "sockets": kinds.count("socket"),
        "reading": _attempt(lambda: _open(os.devnull)),
        "writing": _attempt(lambda: _open("/tmp/left behind", os.O_CREAT | os.O_WRONLY)),
        "tcp": _attempt(lambda: socket.socket(socket.AF_INET)),
        "unix": _attempt(lambda: socket.socket(socket.AF_UNIX)),
        "pipe": _attempt(os.pipe),
        "program": _attempt(lambda: os.posix_spawn("/bin/true", ["true"], {}) and None),
        "memory of another": _read_memory_of_another(),
        "signal": _attempt(lambda: os.kill(os.getppid(), 0)),
        "fork": _attempt(os.fork),
        "deleting": _attempt(lambda: Path("/tmp/no such file").unlink()),
        "foreign": [name for name in _FOREIGN if name in sys.modules],
        "arguments": " ".join(sys.argv[1:]).replace(os.sep, " ").split()[-1],
    }
    return "; ".join(f"{name}: {value}" for name, value in facts.items() if name != "program")


def _read_memory_of_another() -> str:
    """The first byte of an object that the template process has at the same place."""
    library = ctypes.CDLL(None, use_errno=True)
    text = ctypes.create_string_buffer(b"x")
    place = (ctypes.c_void_p * 2)(ctypes.addressof(text), 1)
    if library.process_vm_readv(os.getppid(), place, 1, place, 1, 0) < 0:
        return os.strerror(ctypes.get_errno())
    return "done"


def _open(path: str, flags: int = os.O_RDONLY) -> None:
    os.close(os.open(path, flags))


def _attempt(act: Callable[[], object]) -> str:
    try:
        act()
    except OSError as problem:
        return os.strerror(problem.errno or 0)
    return "done"


def _kill(number: int) -> Callable[[socket.socket], None]:
    return lambda _: os.kill(os.getpid(), number)


def _eat(_: socket.socket) -> None:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)))


def _burn(_: socket.socket) -> None:
    import resource  # noqa: PLC0415

    # The limit itself is the system's; a second of it is enough to see what follows.
    resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
    while True:
        pass


def _stay(connection: socket.socket) -> None:
    while receive_frame(connection) is not None:
        time.sleep(0)


_ACTS: dict[str, Callable[[socket.socket], None]] = {
    "crash": _kill(signal.SIGSEGV),
    "be ended from outside": _kill(signal.SIGKILL),
    "abort": _kill(signal.SIGABRT),
    "leave": lambda _: None,
    "eat": _eat,
    "burn": _burn,
    "stay": _stay,
    "lie about a batch": lambda connection: send_frame(connection, BATCH, b"\xff" * 100),
    "lie about the end": lambda connection: send_frame(connection, END, b'{"dialect": {}, "ignored_columns": []}'),
    "lie about a refusal": lambda connection: send_frame(connection, REFUSAL, b'["x", "+33639984001"]'),
    "announce too much": lambda connection: connection.sendall(b"B\xff\xff\xff\xff"),
    "use another kind": lambda connection: send_frame(connection, b"X", b""),
}
