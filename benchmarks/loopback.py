"""The machine's own limit for whatever comes over HTTP: bytes from a file through a socket of this machine."""

import socket
import threading
from pathlib import Path

_PIECE = 1 << 20


def pass_over_loopback(file: Path) -> None:
    """Send the bytes of `file` through a connection whose other end drops them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dropping = threading.Thread(target=_drop, args=(listener,))
        dropping.start()
        with socket.create_connection(listener.getsockname()) as sender, file.open("rb") as opened:
            sender.sendfile(opened)
        dropping.join()


def _drop(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    room = bytearray(_PIECE)
    with connection:
        while connection.recv_into(room):
            pass
