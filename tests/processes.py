"""Programs as a terminal starts them, and commands of the service that need no second import of it."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import AnyStr

# `nohup` ignores SIGHUP, and a shell ignores SIGINT for its background jobs. Children inherit both, also from pytest.
_RESTORE_SIGNALS = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def python(*arguments: str) -> list[str]:
    """The command line of a Python program that reacts to signals as it does in a terminal."""
    return [sys.executable, "-c", _RESTORE_SIGNALS, *arguments]


def command(*arguments: str) -> list[str]:
    """The command line of a command of the service, which a process forks that has imported it already.

    The command's process is another one than the one that is started, which hands on its status and signals to end.
    """
    return [str(_program()), "-m", "service", *arguments]


def service_id_of(process_id: int) -> int:
    """The id of the process in which a `command` runs that was started as another one."""
    end = time.monotonic() + 60
    while not (written := _program().with_name(str(process_id))).exists():
        assert time.monotonic() < end
        time.sleep(0.005)
    return int(written.read_text())


def stop_process(process_id: int) -> None:
    """Stop a process until SIGCONT, and wait until none of its threads runs any more, which takes a moment."""
    os.kill(process_id, signal.SIGSTOP)
    end = time.monotonic() + 60
    while not all(_is_stopped(thread) for thread in Path(f"/proc/{process_id}/task").iterdir()):
        assert time.monotonic() < end
        time.sleep(0.005)


def _is_stopped(thread: Path) -> bool:
    # The name in parentheses, which may contain anything, stands before the state (proc_pid_stat(5)).
    return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"


class Running(subprocess.Popen[AnyStr]):
    """A `command` that runs. Signals reach its own process."""

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless the command has ended."""
        if self.poll() is None:
            # It may have ended while the program that hands on its status has not.
            with suppress(ProcessLookupError):
                os.kill(service_id_of(self.pid), sig)


# What stands for Python in commands and in the processes that they start. What is not the service, Python runs.
_PROGRAM = """#!{python} -IS
import sys
if sys.argv[1:3] != ["-m", "service"]:
    import os
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
import _socket, _signal, _struct, json, os, array
connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
folder = {folder!r}
connection.connect(folder + "/template")
asked = dict(arguments=sys.argv[3:], folder=os.getcwd(), environment=dict(os.environ))
message = json.dumps(asked).encode()
streams = array.array("i", [0, 1, 2])
connection.sendmsg([_struct.pack("<q", len(message))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
connection.sendall(message)
forked, = _struct.unpack("<i", connection.recv(4))
with open(f"{folder}/{{os.getpid()}}.new", "w") as written:
    written.write(str(forked))
os.rename(written.name, written.name[:-4])
for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
    _signal.signal(number, lambda number, _: os.kill(forked, number))
# Whoever reads what the command writes waits for the end of all that could write there.
for stream in streams:
    os.close(stream)
status, = _struct.unpack("<i", connection.recv(4))
if status < 0:
    _signal.signal(-status, _signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""


@cache
def _program() -> Path:
    """Start the template for this process, and return the program that asks it."""
    folder = Path(tempfile.mkdtemp(prefix="filiation-commands-"))
    program = folder / "python"
    program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    template = subprocess.Popen(
        [sys.executable, "-m", "tests.command_template", str(folder / "template"), str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    )
    owner = os.getpid()

    def end() -> None:
        if os.getpid() == owner:
            template.kill()
            template.wait()
            shutil.rmtree(folder)

    atexit.register(end)
    assert template.stdout is not None
    assert template.stdout.readline() == b"ready\n"
    return program
