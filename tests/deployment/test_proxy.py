"""The documented Caddyfile in a real Caddy: what the service behind it reads, whatever callers send."""

import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.deployment.documents import blocks
from tests.free_ports import free_port
from tests.inspection import until
from tests.system_parts import find_program, require

HOST: Final = blocks("caddyfile")["TLS"][0].split()[0]
PAGE: Final = b"the same text again and again. " * 200
LARGE: Final = bytes(11 * 1000 * 1000)


class _Behind(BaseHTTPRequestHandler):
    """Notes what it gets, and answers with a page that would be worth compressing."""

    seen: Final[list[dict[str, list[str]]]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read the body and answer."""
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 2**20)))
        self.seen.append({name.lower(): self.headers.get_all(name) or [] for name in self.headers})
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def behind() -> Iterator[int]:
    """The port of what stands behind the proxy."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Behind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def caddy(folder: Path, port_behind: int) -> Iterator[tuple[int, ssl.SSLContext]]:
    """The port of a Caddy with the documented file, and trust in its own authority."""
    program = require("Caddy", find_program("caddy"))
    (documented,) = blocks("caddyfile")["TLS"]
    assert documented.count("127.0.0.1:8000") == 1
    port = free_port()
    here = ("local_certs", "skip_install_trust", "admin off", f"http_port {free_port()}", f"https_port {port}")
    site = documented.replace("127.0.0.1:8000", f"127.0.0.1:{port_behind}")
    (folder / "Caddyfile").write_text("{\n" + "\n".join(here) + "\n}\n" + site)
    command = [str(program), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    environment = {"PATH": os.defpath, "HOME": str(folder)}
    authority = folder / ".local/share/caddy/pki/authorities/local/root.crt"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            certificates = folder / f".local/share/caddy/certificates/local/{HOST}"
            until(lambda: process.poll() is not None or (certificates / f"{HOST}.crt").exists())
            assert process.poll() is None, (folder / "log").read_text()
            yield port, ssl.create_default_context(cafile=authority)
        finally:
            process.kill()


FORGED = (
    {"X-Forwarded-For": "198.51.100.7"},
    {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Forwarded-Proto": "http"},
    {"x-forwarded-for": "127.0.0.1", "X-Forwarded-Host": "other.example"},
)


def test_service_behind_the_documented_proxy_reads_the_address_that_connected(tmp_path: Path) -> None:
    with behind() as port_behind, caddy(tmp_path, port_behind) as (port, trust):
        client = httpx2.Client(verify=trust, base_url=f"https://127.0.0.1:{port}", timeout=60)
        usual = {"Host": HOST, "Accept-Encoding": "gzip, zstd, br"}

        def post(path: str, headers: dict[str, str], content: bytes = b"") -> httpx2.Response:
            return client.post(path, headers=usual | headers, content=content, extensions={"sni_hostname": HOST})

        with client:
            answers = [post("/fr/reponse", headers) for headers in ({}, *FORGED)]
            assert post("/v1/datasets/1/parts/2", {}, LARGE).status_code == 200
            assert post("/v1/transfers", {}, LARGE).status_code in (413, 502)
        assert [(answer.status_code, answer.content) for answer in answers] == [(200, PAGE)] * len(answers)
        # Sizes of the person's pages must not depend on what is in them.
        assert [answer.headers.get("content-encoding") for answer in answers] == [None] * len(answers)
        assert [seen["x-forwarded-for"] for seen in _Behind.seen] == [["127.0.0.1"]] * (len(answers) + 1)
        assert [seen["x-forwarded-proto"] for seen in _Behind.seen] == [["https"]] * (len(answers) + 1)
        assert [seen["host"] for seen in _Behind.seen] == [[HOST]] * (len(answers) + 1)


@pytest.mark.parametrize("line", ["header_up X-Forwarded-For {remote_host}", "reverse_proxy 127.0.0.1:8000"])
def test_documented_proxy_sets_the_address_itself(line: str) -> None:
    assert line in blocks("caddyfile")["TLS"][0]
