"""Servers that are not PostgreSQL as the registry needs it: an older one, and those with another TLS than asked for."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# When PostgreSQL learned the limits that the service asks each connection for.
_KNOWN_SINCE: Final = {"idle_in_transaction_session_timeout": 9.6, "idle_session_timeout": 14}


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that answers one connection after the other during the block."""

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            # A client may go at any moment.
            with connection, suppress(OSError):
                answer(connection)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@contextmanager
def old_server(version: str) -> Iterator[tuple[int, list[bytes]]]:
    """The port of a server that says that it is of a version, and what it is asked after that."""
    asked: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        startup = connection.recv(4096)
        # Requests for TLS or GSSAPI come first.
        while len(startup) == 8:
            connection.sendall(b"N")
            startup = connection.recv(4096)
        connection.sendall(_greeting(version, startup))
        while rest := connection.recv(4096):
            asked.append(rest)

    with listening(answer) as port:
        yield port, asked


def _greeting(version: str, startup: bytes) -> bytes:
    """What a server says to a startup packet: an error for an unknown parameter, or its version and readiness."""
    major = float(".".join(version.split(".")[:2]))
    unknown = [name for name, since in _KNOWN_SINCE.items() if name.encode() in startup and major < since]
    if unknown:
        text = f'unrecognized configuration parameter "{unknown[0]}"'
        return _message(b"E", b"SFATAL", b"VFATAL", b"C42704", b"M" + text.encode(), b"")
    said = {"server_version": version, "server_encoding": "UTF8", "client_encoding": "UTF8"}
    statuses = b"".join(_message(b"S", name.encode(), value.encode()) for name, value in said.items())
    return b"R" + struct.pack("!II", 8, 0) + statuses + b"K" + struct.pack("!III", 12, 1, 1) + b"Z\0\0\0\5I"


def _message(kind: bytes, *fields: bytes) -> bytes:
    """A message of PostgreSQL's protocol, whose fields end with a zero."""
    body = b"".join(field + b"\0" for field in fields)
    return kind + struct.pack("!I", len(body) + 4) + body


@contextmanager
def server_without_tls() -> Iterator[int]:
    """The port of a server that refuses libpq's request for TLS."""

    def answer(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"N")

    with listening(answer) as port:
        yield port


@contextmanager
def server_with(certificate: Path, key: Path) -> Iterator[int]:
    """The port of a server that begins TLS with a certificate when libpq asks for that, as PostgreSQL does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def answer(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"S")
        with context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(4096)

    with listening(answer) as port:
        yield port


def make_certificate(folder: Path, name: str, host: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate for a host that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, secret
