"""Evidence: which files are accepted, and that their bytes are returned unchanged."""

import asyncio
import base64
import hashlib
import struct
import time
import uuid
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import LiteralString, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from service.collection.evidence import accept_evidence
from service.core.errors import Problem
from service.core.settings import Settings
from service.intake.evidence import ActiveContent, UnfitEvidence, check_evidence
from service.number.keyring import KeyRing
from service.sandbox.launcher import Launcher
from service.sandbox.pool import ReaderPool
from tests.builders import make_notice
from tests.callers import Registry
from tests.conftest import MASTER_SECRET
from tests.inspection import refusal, rows


def png(width: int = 1, height: int = 1, pixels: bytes = b"\0\0") -> bytes:
    """A grey picture."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(pixels)),
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


def pdf(objects: bytes) -> bytes:
    return PDF.replace(b"%%EOF", objects + b"\n%%EOF")


def compressed(objects: bytes, dictionary: bytes = b"/Filter/FlateDecode") -> bytes:
    """Objects in an object stream."""
    stream = zlib.compress(objects)
    return pdf(b"5 0 obj<</Type/ObjStm%b/Length %d>>stream\n%b\nendstream endobj" % (dictionary, len(stream), stream))


def webp(name: bytes, data: bytes) -> bytes:
    chunk = name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


SCRIPT = b"3 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj"
ACTIVE = {
    "script": pdf(SCRIPT),
    "escaped name": pdf(SCRIPT.replace(b"/JavaScript", b"/J#61va#53cript")),
    "compressed": compressed(SCRIPT),
    "compressed in another way": compressed(b"", b"/Filter[/ASCIIHexDecode/FlateDecode]"),
    "compressed behind a long dictionary": compressed(SCRIPT, b"/Filter/FlateDecode/X(" + b"x" * 3000 + b")"),
    "opening action": pdf(b"/OpenAction 3 0 R"),
    "launch": pdf(b"<</S/Launch/F(cmd.exe)>>"),
    "attached file": pdf(b"<</Names<</EmbeddedFiles 7 0 R>>>>"),
    "form that is sent": pdf(b"<</S/SubmitForm>>"),
    "encrypted": pdf(b"trailer<</Encrypt 8 0 R>>"),
}
FRAME = b"\xff\xc2\x00\x0b\x08"
LARGE = {
    "png": ("image/png", png(50_000, 50_000)),
    "jpeg": (
        "image/jpeg",
        JPEG.replace(b"\xff\xc2\x00\x0b\x08\x00\x01\x00\x01", b"\xff\xc2\x00\x0b\x08\xc3\x50\xc3\x50"),
    ),
    "webp": ("image/webp", webp(b"VP8L", b"\x2f" + struct.pack("<I", 0x3FFF | 0x3FFF << 14) + b"\0" * 8)),
    "pdf": ("application/pdf", pdf(b"<</Type/Page>>" * 201)),
    "compressed pdf": ("application/pdf", compressed(b"<</Type /Page>>" * 201)),
}


def test_upload_evidence_that_is_active_or_too_large_is_refused(registry: Registry, dsn: str) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}/evidence"
    cases = [(name, "application/pdf", content, "evidence_active") for name, content in ACTIVE.items()]
    cases += [(name, *file, "evidence_too_large") for name, file in LARGE.items()]
    wrong = []
    for name, media_type, content, slug in cases:
        answer = shop.request("POST", path, content=content, headers={"Content-Type": media_type})
        if refusal(answer) != (422, slug):
            wrong.append((name, refusal(answer)))
    assert wrong == []
    assert rows(dsn, "SELECT FROM evidence_content") == []


def test_check_evidence_takes_what_word_processors_and_scanners_write() -> None:
    for content in (
        pdf(b"<</OpenAction[1 0 R/XYZ null null 0]>>"),
        compressed(b"<</Type/Page>>"),
        pdf(b"6 0 obj<</Type/XObject/Filter/DCTDecode>>stream\r\n" + JPEG + b"\nendstream endobj"),
    ):
        check_evidence(content, "application/pdf")
    check_evidence(png(3, 2, b"\0abc\0def"), "image/png")


@pytest.mark.parametrize("media_type", FILES)
@given(st.data())
def test_check_evidence_of_damaged_files_refuses_or_takes_them(media_type: str, data: st.DataObject) -> None:
    content = bytearray(FILES[media_type])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnfitEvidence):
        check_evidence(bytes(content[: data.draw(st.integers(1, len(content)))]), media_type)


def test_check_evidence_with_escapes_at_every_place_finds_what_is_active() -> None:
    """A file is searched in portions of a megabyte: no name is hidden by where it stands."""
    for shift in range(4):
        filling = b" " * ((1 << 20) - len(pdf(b"")) - 20 + shift)
        with pytest.raises(ActiveContent):
            check_evidence(pdf(filling + b"/#4a#61#76#61#53#63#72#69#70#74"), "application/pdf")


MIB = 1 << 20
EMPTY_STREAM = b"1 0 obj<</ObjStm/Filter/FlateDecode>>stream\n" + zlib.compress(b"")


def png_of(*chunks: bytes) -> bytes:
    return png(7000, 7000)[:33] + b"".join(chunks) + png()[-12:]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def floods(size: int) -> Iterator[tuple[str, str, bytes]]:
    """Files of about a size that make a careless reader go over the rest of the file for each few bytes."""
    for name, unit in (
        ("object streams", EMPTY_STREAM),
        ("streams", b" obj stream\n"),
        ("escapes", b"#41"),
        ("slashes", b"/"),
        ("escaped dictionaries", b"1 0 obj" + b"#41" * 200 + b" stream\n"),
    ):
        yield name, "application/pdf", pdf(unit * (size // len(unit)))
    # Each object stream goes on to the end of the file, past all those behind it.
    head, count = EMPTY_STREAM[:-8], 1000
    covering = b"".join(
        head + b"\x78\x9c\0" + struct.pack("<HH", rest, rest ^ 0xFFFF)
        for rest in range((count - 1) * (len(head) + 7), -1, -(len(head) + 7))
    )
    yield "overlapping streams", "application/pdf", pdf(covering + b"\0\0\0\xff\xff" * (size // 5))
    ended = chunk(b"IDAT", zlib.compress(b""))
    yield "data after the end", "image/png", png_of(ended, chunk(b"IDAT", b"x" * 13) * (size // 25))
    yield "chunks", "image/png", png_of(chunk(b"tEXt", b"") * (size // 12))
    yield "segments", "image/jpeg", b"\xff\xd8" + b"\xff\xc4\0\2" * (size // 4) + b"\xff\xd9"
    chunks = b"XXXX\0\0\0\0" * (size // 8)
    yield "webp chunks", "image/webp", b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def test_check_evidence_takes_time_in_proportion_to_the_file() -> None:
    """In processor time. Reading a file four times as large takes some four times as long, and not sixteen times."""
    slow = []
    for (name, media_type, small), (_, _, large) in zip(floods(MIB // 4), floods(MIB), strict=True):
        times = []
        for content in (small, large):
            began = time.process_time()
            with suppress(UnfitEvidence):
                check_evidence(content, media_type)
            times.append(time.process_time() - began)
        if times[1] > 6 * times[0] + 0.1:
            slow.append((name, times))
    assert slow == []


@pytest.fixture(scope="module")
def taken_over() -> Iterator[Launcher]:
    """Reader processes that do what the file says."""
    launcher = Launcher("tests.sandbox.hostile_reader")
    yield launcher
    launcher.close()


@pytest.mark.parametrize(
    ("act", "slug"),
    [
        ("crash", "evidence_unreadable"),
        ("leave", "evidence_unreadable"),
        ("eat", "evidence_unreadable"),
        ("burn", "evidence_unreadable"),
        ("use another kind", "evidence_unreadable"),
        ("announce too much", "evidence_unreadable"),
        ("lie about a batch", "evidence_unreadable"),
        ("be ended from outside", "reader_lost"),
    ],
)
def test_accept_evidence_when_its_reader_fails_says_so(taken_over: Launcher, act: str, slug: str) -> None:
    async def accept() -> None:
        pool = ReaderPool(Settings(reader_processes=1), taken_over)
        try:
            await accept_evidence(pool, KeyRing(bytes(32)), uuid.uuid4(), "application/pdf", act.encode())
        finally:
            pool.close()

    with pytest.raises(Problem) as refused:
        asyncio.run(accept())
    assert refused.value.slug == slug


def test_upload_evidence_holds_no_transaction_while_it_is_checked(
    client: TestClient, registry: Registry, settings: Settings, taken_over: Launcher, dsn: str
) -> None:
    shop = registry.collector()
    path = f"/v1/notices/{make_notice(shop, shop.id)['id']}/evidence"
    app = cast("FastAPI", client.app)
    app.state.resources = app.state.resources.instead(ReaderPool(settings, taken_over))
    with ThreadPoolExecutor(1) as threads:
        # It takes a second of the processor.
        upload = threads.submit(
            shop.request, "POST", path, content=b"burn", headers={"Content-Type": "application/pdf"}
        )
        waiting = []
        while not upload.done():
            waiting += rows(dsn, _WAITING)
            time.sleep(0.05)
    assert refusal(upload.result()) == (422, "evidence_unreadable")
    assert waiting == []


_WAITING: LiteralString = """
    SELECT query FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in%%' AND xact_start < now() - interval '0.4 seconds'
"""


def test_check_evidence_of_a_bomb_ends_within_its_limit() -> None:
    with pytest.raises(UnfitEvidence):
        check_evidence(png(7000, 7000, bytes(1 << 20)), "image/png")


def wrong_files() -> Iterator[tuple[str, bytes]]:
    for media_type, content in FILES.items():
        yield from ((other, content) for other in FILES if other != media_type)
        yield from ((media_type, content[:cut]) for cut in (0, 3, len(content) // 2, len(content) - 6))
        yield media_type, b"\0" + content
    yield "image/gif", b"GIF89a\1\0\1\0\0\0\0;"
    yield "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    yield "application/pdf", b"<html>%PDF-</html>"
    yield "image/webp", webp(b"<htm", b"<html><script>alert(1)</script></html>")
    yield "image/png", png(2, 2)
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
