"""Send one request: to the address that was checked, under the name that was given, and nowhere else."""

import asyncio
import datetime as dt
import ssl
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import WebhookVerificationError

from service.core.clock import now
from service.webhook.endpoints import new_secret
from service.webhook.sending import Message, send
from tests.webhook.receiver import Receiver, receiving

NAME = "hook.example"
SECRET = new_secret()


def message_to(url: str) -> Message:
    return Message(uuid.uuid4(), url, [SECRET], '{"type":"test.happened"}')


def sent(url: str, tls: ssl.SSLContext | None = None, *, private: bool = True, age: int = 0) -> str:
    moment = now() - dt.timedelta(seconds=age)
    return asyncio.run(send(message_to(url), moment, tls or ssl.create_default_context(), private=private))


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[Receiver, ssl.SSLContext]]:
    """A receiver with a certificate for NAME alone, and a context that trusts its issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    moment = now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(issuer)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - dt.timedelta(hours=1))
        .not_valid_after(moment + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "receiver.pem"
    file.write_bytes(private + pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    with receiving(serving) as receiver:
        yield receiver, ssl.create_default_context(cadata=pem.decode())


def test_send_resolves_name_once_and_checks_its_certificate(
    certified: tuple[Receiver, ssl.SSLContext], dns: dict[str, list[str]]
) -> None:
    receiver, trusting = certified
    # DNS rebinding relies on a second lookup, which would find no answer here.
    dns[NAME] = ["127.0.0.1"]
    assert sent(f"https://{NAME}:{receiver.port}/x?y=1", trusting) == "status 204"
    assert dns[NAME] == []
    (request,) = receiver.got
    assert (request.path, request.headers["host"]) == ("/x?y=1", f"{NAME}:{receiver.port}")
    assert request.headers["content-type"] == "application/json"


def test_send_tries_next_address_if_one_accepts_no_connection(receiver: Receiver, dns: dict[str, list[str]]) -> None:
    dns[NAME] = ["::1 127.0.0.1", "::1"]
    assert sent(f"http://{NAME}:{receiver.port}/") == "status 204"
    assert sent(f"http://{NAME}:{receiver.port}/") == "connection failed"
    assert len(receiver.got) == 1


def test_send_with_certificate_of_another_name_fails(
    certified: tuple[Receiver, ssl.SSLContext], dns: dict[str, list[str]]
) -> None:
    receiver, trusting = certified
    dns["other.example"], dns[NAME] = ["127.0.0.1"], ["127.0.0.1"]
    assert sent(f"https://other.example:{receiver.port}/", trusting) == "TLS failed"
    assert sent(f"https://127.0.0.1:{receiver.port}/", trusting) == "TLS failed"
    assert sent(f"https://{NAME}:{receiver.port}/", ssl.create_default_context()) == "TLS failed"
    assert receiver.got == []


def test_send_to_name_of_private_network_is_refused(
    certified: tuple[Receiver, ssl.SSLContext], dns: dict[str, list[str]]
) -> None:
    receiver, trusting = certified
    for address in ("127.0.0.1", "::ffff:127.0.0.1"):
        dns[NAME] = [address]
        assert sent(f"https://{NAME}:{receiver.port}/", trusting, private=False) == "address refused"
    for host in ("localhost", "127.1", "2130706433", "0x7f000001"):
        assert sent(f"https://{host}:{receiver.port}/", trusting, private=False) == "address refused"
    assert receiver.got == []


def test_send_does_not_follow_redirect(receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.status, receiver.location = 307, inside.url
        assert sent(receiver.url) == "status 307"
        assert len(receiver.got) == 1
        assert inside.got == []


def test_send_ignores_proxy_of_environment(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert sent(receiver.url) == "status 204"
        assert proxy.got == []


def test_send_that_fails_returns_fixed_words(receiver: Receiver, dns: dict[str, list[str]]) -> None:
    with receiving() as gone:
        port = gone.port
    dns["nowhere.example"] = []
    assert sent(f"http://127.0.0.1:{port}/06") == "connection failed"
    assert sent("http://nowhere.example/") == "name not found"
    assert sent(f"https://127.0.0.1:{receiver.port}/") == "TLS failed"
    assert sent("http://169.254.169.254/latest/meta-data") == "address refused"


def test_captured_request_is_refused_after_five_minutes(receiver: Receiver) -> None:
    assert sent(receiver.url, age=150) == "status 204"
    assert sent(receiver.url, age=301) == "status 204"
    fresh, stale = receiver.got
    assert fresh.verified(SECRET) == {"type": "test.happened"}
    with pytest.raises(WebhookVerificationError, match="too old"):
        stale.verified(SECRET)


def test_repr_of_message_shows_none_of_its_content() -> None:
    shown = repr(message_to("https://crm.example/secret-path"))
    assert SECRET not in shown
    assert "secret-path" not in shown
    assert "test.happened" not in shown
