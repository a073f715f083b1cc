"""A disk that is nearly full: what would fill it is refused, everything else goes on, and freed space is enough."""

import os
import subprocess
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from service.core.disk import NEEDS_ROOM, Disk
from service.core.settings import Settings
from service.main import create_app
from tests.builders import filled, number, open_dataset
from tests.callers import Registry
from tests.conftest import as_service, settings_of_tests
from tests.inspection import refusal, resources_of_app, rows
from tests.objection.builders import create_objection
from tests.persons import prove
from tests.routes import ROUTES, method_of
from tests.sockets import on_a_socket

RESERVE = 256 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own. Only root may mount it."""
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False, capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("no file system may be mounted here")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A disk is watched, whose reserve the tests set."""
    if "disk" in request.fixturenames:
        request.getfixturevalue("disk")
    return settings_of_tests().model_copy(update={"disk_path": tmp_path, "disk_reserve_bytes": RESERVE})


def disk_of(client: Any) -> Disk:
    """The application's disk."""
    return resources_of_app(client.app).get(Disk)


def test_register_with_a_full_disk_is_refused_until_space_is_free(registry: Registry, disk: Path) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    (disk / "filler").write_bytes(bytes(1024 * 1024 - RESERVE))
    part = broker.request("PUT", f"/v1/datasets/{dataset['id']}/parts/1", content=number(1).encode())
    assert refusal(part) == (507, "disk_nearly_full")
    assert registry.client.get("/readyz").json()["checks"]["disk"]["status"] == "failed"
    (disk / "filler").unlink()
    broker.put_part(dataset["id"], [number(1)])
    assert broker.seal(dataset["id"])["number_count"] == 1
    assert registry.client.get("/readyz").json()["checks"]["disk"]["status"] == "ok"


def test_every_route_that_takes_files_and_facts_is_refused_with_a_full_disk(registry: Registry) -> None:
    broker = registry.broker()
    disk_of(registry.client).reserve = 2**60
    filling = [route for route in ROUTES if NEEDS_ROOM in route.dependencies]
    names = {route.name for route in filling}
    assert {"upload_part", "register_dataset", "register_notice", "register_collection", "seal_dataset"} <= names
    wrong = []
    for route in filling:
        path = route.path_format.replace("{number}", "1")
        for parameter in route.param_convertors:
            path = path.replace("{" + parameter + "}", "01890000-0000-7000-8000-000000000000")
        answer = refusal(broker.request(method_of(route), path, json={}))
        if answer != (507, "disk_nearly_full"):
            wrong.append((route.name, answer))
    assert wrong == []


def test_lookup_and_objection_with_a_full_disk_go_on(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    filled(broker, range(3))
    disk_of(registry.client).reserve = 2**60
    assert broker.lookup(number(1))["held"]
    create_objection(prove(registry.client, dsn, number(1)))
    assert len(broker.get("/v1/objections/relays")["items"]) == 1


def test_upload_that_fills_the_disk_ends_and_leaves_nothing(settings: Settings, dsn: str) -> None:
    app = create_app(settings, as_service(dsn))
    portions = [
        b"".join(b"%d\n" % (33612000000 + 9973 * turn + 7 * place) for place in range(10_000)) for turn in range(40)
    ]

    def body() -> Iterator[bytes]:
        """Megabytes, of which the first are stored by the time that the disk is full."""
        for portion in cycle(portions):
            if rows(dsn, "SELECT 1 FROM staged_run"):
                break
            yield portion
        resources_of_app(app).get(Disk).reserve = 2**60
        yield from portions

    # Only a body that is sent over a socket arrives in pieces.
    with on_a_socket(app) as client:
        broker = Registry(client, dsn).broker()
        path = f"/v1/datasets/{open_dataset(broker)['id']}/parts/1"
        sent = broker.request("PUT", path, content=body(), headers={"Content-Type": "text/csv"})
        assert refusal(sent) == (507, "disk_nearly_full")
        assert rows(dsn, "SELECT 1 FROM staged_run UNION ALL SELECT 1 FROM dataset_part") == []
