"""TCP proxies before the service: connections that break, or that stop carrying bytes."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def breaking_proxy(address: str, breaks: int, after_bytes: int) -> Iterator[str]:
    """An address that leads to `address`. Each of its first `breaks` connections breaks after so many bytes to it."""
    with _proxy(address, breaks, after_bytes, threading.Event(), stalls=False) as proxy:
        yield proxy


@contextmanager
def stalling_proxy(address: str, after_bytes: int) -> Iterator[tuple[str, threading.Event]]:
    """An address that leads to `address`. Its first connection stops carrying after so many bytes to it.

    The event is set at that moment. The connection stays open until the client closes it.
    """
    stalled = threading.Event()
    with _proxy(address, 1, after_bytes, stalled, stalls=True) as proxy:
        yield proxy, stalled


@contextmanager
def _proxy(address: str, failures: int, after_bytes: int, failed: threading.Event, *, stalls: bool) -> Iterator[str]:
    target = (urlsplit(address).hostname, urlsplit(address).port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            # One connection at a time is enough for one client. The end of the listener ends the loop.
            with suppress(OSError):
                for index in range(10_000):
                    client, _ = listener.accept()
                    with client, socket.create_connection(target) as server:
                        if not _carry(client, server, after_bytes if index < failures else None):
                            failed.set()
                            if stalls:
                                _wait_until_closed(client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _carry(client: socket.socket, server: socket.socket, allowance: int | None) -> bool:
    """Carry bytes both ways until one side ends (true), or until `allowance` bytes went to the server (false)."""
    carried = 0
    with suppress(ConnectionError):
        while allowance is None or carried <= allowance:
            for source in select.select([client, server], [], [])[0]:
                piece = source.recv(65536)
                if not piece:
                    return True
                (server if source is client else client).sendall(piece)
                carried += len(piece) if source is client else 0
        return False
    return True


def _wait_until_closed(client: socket.socket) -> None:
    with suppress(ConnectionError):
        while client.recv(65536):
            pass
