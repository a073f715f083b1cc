"""The machine's own limit for an upload: the bytes of a file through a loopback socket."""

import socket
import threading
from pathlib import Path

_BUFFER_BYTES = 1 << 20


def send_over_loopback(file: Path) -> None:
    """Send the bytes of `file` through a connection whose other end discards them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reader = threading.Thread(target=_discard, args=(listener,))
        reader.start()
        with socket.create_connection(listener.getsockname()) as sender, file.open("rb") as opened:
            sender.sendfile(opened)
        reader.join()


def _discard(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    buffer = bytearray(_BUFFER_BYTES)
    with connection:
        while connection.recv_into(buffer):
            pass
