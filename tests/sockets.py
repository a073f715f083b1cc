"""The application on a real socket, in a thread of the test."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import uvicorn
from fastapi import FastAPI

from service.command.serve import server_options
from service.core.settings import Settings


@contextmanager
def on_a_socket(app: FastAPI, port: int = 0, unread_bytes: int | None = None) -> Iterator[httpx2.Client]:
    """Serve `app` over TCP, so that bodies arrive in pieces, and yield a client. Port 0 chooses a free port.

    Of each connection, the system keeps about `unread_bytes` that the client has not read, if it is told how many.
    """
    options = server_options("127.0.0.1", port, Settings()) | {"loop": "asyncio", "timeout_graceful_shutdown": 1}
    config = uvicorn.Config(app, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        listener = server.servers[0].sockets[0]
        if unread_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, unread_bytes)
        port = listener.getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
