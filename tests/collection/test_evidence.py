"""Evidence: which files are accepted, and that their bytes are returned unchanged."""

import base64
import hashlib
import struct
import zlib
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from service.core.settings import Settings
from tests.builders import make_notice
from tests.callers import Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import refusal, rows


def png() -> bytes:
    """One grey dot."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    ]
    written = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////"
    "////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxD/2Q=="
)
WEBP = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
FILES = {"image/png": png(), "image/jpeg": JPEG, "image/webp": WEBP, "application/pdf": PDF}


@pytest.fixture
def settings() -> Settings:
    return Settings(master_secret=SecretStr(MASTER_SECRET), max_evidence_bytes=100_000)


def test_upload_evidence_returns_the_same_bytes(registry: Registry) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}"
    for media_type, content in FILES.items():
        kept = shop.request("POST", f"{path}/evidence", content=content, headers={"Content-Type": media_type}).json()
        assert kept["sha256"] == hashlib.sha256(content).hexdigest()
        assert (kept["byte_count"], kept["media_type"]) == (len(content), media_type)
        back = shop.request("GET", f"{path}/evidence/{kept['id']}")
        assert (back.content, back.headers["content-type"]) == (content, media_type)
        # Never displayed in place, where a script in it would run under our domain.
        assert back.headers["content-disposition"] == "attachment"
        assert back.headers["x-content-type-options"] == "nosniff"
    assert [piece["media_type"] for piece in shop.get(path)["evidence"]] == list(FILES)


def wrong_files() -> Iterator[tuple[str, bytes]]:
    for media_type, content in FILES.items():
        yield from ((other, content) for other in FILES if other != media_type)
        yield from ((media_type, content[:cut]) for cut in (0, 3, len(content) // 2, len(content) - 6))
        yield media_type, b"\0" + content
    yield "image/gif", b"GIF89a\1\0\1\0\0\0\0;"
    yield "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    yield "application/pdf", b"<html>%PDF-</html>"
    yield "text/plain", PDF
    yield "", PDF


def test_upload_evidence_of_another_type_or_cut_short_is_refused(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}/evidence"
    for media_type, content in wrong_files():
        answer = shop.request("POST", path, content=content, headers={"Content-Type": media_type})
        assert refusal(answer) == (415, "evidence_type"), (media_type, content)
    assert rows(dsn, "SELECT FROM evidence_content") == []


def test_upload_evidence_above_the_limit_is_refused(registry: Registry, settings: Settings) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}/evidence"
    bound = settings.max_evidence_bytes
    fits = PDF[:20] + b" " * (bound - len(PDF)) + PDF[20:]
    headers = {"Content-Type": "application/pdf"}
    assert shop.request("POST", path, content=fits, headers=headers).status_code == 201
    assert refusal(shop.request("POST", path, content=fits + b"\n", headers=headers)) == (413, "content_too_large")


def test_evidence_routes_for_another_organisation_are_not_found(registry: Registry) -> None:
    shop, other = registry.collector(), registry.collector()
    notice, elsewhere = make_notice(shop, shop.id), make_notice(other, other.id)
    headers = {"Content-Type": "application/pdf"}
    path = f"/v1/notices/{notice['id']}/evidence"
    assert refusal(other.request("POST", path, content=PDF, headers=headers)) == (404, "not_found")
    kept = shop.request("POST", path, content=PDF, headers=headers).json()
    assert refusal(other.request("GET", f"{path}/{kept['id']}")) == (404, "not_found")
    assert refusal(other.request("GET", f"/v1/notices/{elsewhere['id']}/evidence/{kept['id']}")) == (404, "not_found")


def test_upload_evidence_again_with_the_same_key_stores_it_once(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}/evidence"
    headers = {"Content-Type": "image/png", "Idempotency-Key": "screenshot-1"}
    first, again = (shop.request("POST", path, content=png(), headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert len(rows(dsn, "SELECT FROM evidence_content")) == 1
