"""Evidence: what a screenshot must be, and that its bytes come back as they went in."""

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


def test_pictures_and_pdfs_come_back_as_they_went_in(registry: Registry) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}"
    for media_type, content in FILES.items():
        kept = shop.request("POST", f"{path}/evidence", content=content, headers={"Content-Type": media_type}).json()
        assert kept["sha256"] == hashlib.sha256(content).hexdigest()
        assert (kept["byte_count"], kept["media_type"]) == (len(content), media_type)
        back = shop.request("GET", f"{path}/evidence/{kept['id']}")
        assert (back.content, back.headers["content-type"]) == (content, media_type)
        # Never shown in place, where a script in it would run with our name.
        assert back.headers["content-disposition"] == "attachment"
        assert back.headers["x-content-type-options"] == "nosniff"
    assert [one["media_type"] for one in shop.get(path)["evidence"]] == list(FILES)


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


def test_another_type_or_half_a_file_is_refused(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}/evidence"
    for media_type, content in wrong_files():
        answer = shop.request("POST", path, content=content, headers={"Content-Type": media_type})
        assert refusal(answer) == (415, "evidence_type"), (media_type, content)
    assert rows(dsn, "SELECT FROM evidence_content") == []


def test_a_file_above_the_bound_is_refused(registry: Registry, settings: Settings) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}/evidence"
    bound = settings.max_evidence_bytes
    fits = PDF[:20] + b" " * (bound - len(PDF)) + PDF[20:]
    headers = {"Content-Type": "application/pdf"}
    assert shop.request("POST", path, content=fits, headers=headers).status_code == 201
    assert refusal(shop.request("POST", path, content=fits + b"\n", headers=headers)) == (413, "content_too_large")


def test_evidence_is_added_by_its_side_and_read_under_its_notice(registry: Registry) -> None:
    shop, other = registry.collector(), registry.collector()
    notice, elsewhere = make_notice(shop, shop.id), make_notice(other, other.id)
    headers = {"Content-Type": "application/pdf"}
    path = f"/v1/notices/{notice['id']}/evidence"
    assert refusal(other.request("POST", path, content=PDF, headers=headers)) == (404, "not_found")
    kept = shop.request("POST", path, content=PDF, headers=headers).json()
    assert refusal(other.request("GET", f"{path}/{kept['id']}")) == (404, "not_found")
    assert refusal(other.request("GET", f"/v1/notices/{elsewhere['id']}/evidence/{kept['id']}")) == (404, "not_found")


def test_the_same_upload_twice_with_one_key_is_kept_once(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}/evidence"
    headers = {"Content-Type": "image/png", "Idempotency-Key": "screenshot-1"}
    first, again = (shop.request("POST", path, content=png(), headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert len(rows(dsn, "SELECT FROM evidence_content")) == 1
