"""One request: to the address that was checked, in the name that was asked for, and no further."""

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
    """A receiver with a certificate for NAME alone, and a context that trusts who issued that."""
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


def test_the_name_is_resolved_once_and_the_certificate_is_the_names(
    certified: tuple[Receiver, ssl.SSLContext], names: dict[str, list[str]]
) -> None:
    receiver, trusting = certified
    # Had it been asked a second time, as a rebinding name counts on, there would have been no answer.
    names[NAME] = ["127.0.0.1"]
    assert sent(f"https://{NAME}:{receiver.port}/x?y=1", trusting) == "status 204"
    assert names[NAME] == []
    (request,) = receiver.got
    assert (request.path, request.headers["host"]) == ("/x?y=1", f"{NAME}:{receiver.port}")
    assert request.headers["content-type"] == "application/json"


def test_where_one_address_takes_no_connection_the_next_is_called(
    receiver: Receiver, names: dict[str, list[str]]
) -> None:
    names[NAME] = ["::1 127.0.0.1", "::1"]
    assert sent(f"http://{NAME}:{receiver.port}/") == "status 204"
    assert sent(f"http://{NAME}:{receiver.port}/") == "connection failed"
    assert len(receiver.got) == 1


def test_a_certificate_for_another_name_is_refused(
    certified: tuple[Receiver, ssl.SSLContext], names: dict[str, list[str]]
) -> None:
    receiver, trusting = certified
    names["other.example"], names[NAME] = ["127.0.0.1"], ["127.0.0.1"]
    assert sent(f"https://other.example:{receiver.port}/", trusting) == "TLS failed"
    assert sent(f"https://127.0.0.1:{receiver.port}/", trusting) == "TLS failed"
    assert sent(f"https://{NAME}:{receiver.port}/", ssl.create_default_context()) == "TLS failed"
    assert receiver.got == []


def test_a_name_that_leads_to_a_private_network_is_not_called(
    certified: tuple[Receiver, ssl.SSLContext], names: dict[str, list[str]]
) -> None:
    receiver, trusting = certified
    for address in ("127.0.0.1", "::ffff:127.0.0.1"):
        names[NAME] = [address]
        assert sent(f"https://{NAME}:{receiver.port}/", trusting, private=False) == "address refused"
    for host in ("localhost", "127.1", "2130706433", "0x7f000001"):
        assert sent(f"https://{host}:{receiver.port}/", trusting, private=False) == "address refused"
    assert receiver.got == []


def test_a_redirect_is_an_answer_like_any_other(receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.status, receiver.location = 307, inside.url
        assert sent(receiver.url) == "status 307"
        assert len(receiver.got) == 1
        assert inside.got == []


def test_the_environments_proxy_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert sent(receiver.url) == "status 204"
        assert proxy.got == []


def test_what_goes_wrong_is_told_in_fixed_words(receiver: Receiver, names: dict[str, list[str]]) -> None:
    with receiving() as gone:
        port = gone.port
    names["nowhere.example"] = []
    assert sent(f"http://127.0.0.1:{port}/06") == "connection failed"
    assert sent("http://nowhere.example/") == "name not found"
    assert sent(f"https://127.0.0.1:{receiver.port}/") == "TLS failed"
    assert sent("http://169.254.169.254/latest/meta-data") == "address refused"


def test_a_request_that_was_captured_is_refused_after_five_minutes(receiver: Receiver) -> None:
    assert sent(receiver.url, age=280) == "status 204"
    assert sent(receiver.url, age=320) == "status 204"
    fresh, stale = receiver.got
    assert fresh.verified(SECRET) == {"type": "test.happened"}
    with pytest.raises(WebhookVerificationError, match="too old"):
        stale.verified(SECRET)


def test_a_message_does_not_show_what_it_holds() -> None:
    shown = repr(message_to("https://crm.example/secret-path"))
    assert SECRET not in shown
    assert "secret-path" not in shown
    assert "test.happened" not in shown
