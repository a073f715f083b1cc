"""A wire to the service that breaks now and then."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def breaking(address: str, breaks: int, after_bytes: int) -> Iterator[str]:
    """An address that leads to `address`; each of its first connections breaks once it carried so many bytes there."""
    target = (urlsplit(address).hostname, urlsplit(address).port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            # One connection after the other is enough for one client; the listener's end is the end of this.
            with suppress(OSError):
                for at in range(10_000):
                    near, _ = listener.accept()
                    with near, socket.create_connection(target) as far:
                        _carry(near, far, after_bytes if at < breaks else None)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _carry(near: socket.socket, far: socket.socket, allowance: int | None) -> None:
    """Carry bytes both ways until one side ends, or until `allowance` bytes went to the far side."""
    carried = 0
    with suppress(ConnectionError):
        while allowance is None or carried <= allowance:
            for source in select.select([near, far], [], [])[0]:
                piece = source.recv(65536)
                if not piece:
                    return
                (far if source is near else near).sendall(piece)
                carried += len(piece) if source is near else 0
