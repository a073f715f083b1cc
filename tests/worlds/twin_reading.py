"""What every route answers a viewer, in the words of the second of two twin worlds.

Two texts are equal if what a viewer reads is the same in content, in order and in length, up to what is drawn at random
in each world: an id stands for another id, one for one, and a moment of the registry's clock for another.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

from service.portal.address import ADDRESSES, Page
from service.wording.language import Language
from tests.worlds.model import Registry
from tests.worlds.reader import Reader
from tests.worlds.shown import LISTS, visible
from tests.worlds.sight import Viewer
from tests.worlds.told import Told
from tests.worlds.twins import TwinStory

_PATHS: Final = json.loads((Path(__file__).parents[2] / "openapi" / "openapi.json").read_text())["paths"]
# A stream that does not end, and what speaks of the service as a whole.
_NOT_READ: Final = {"/v1/jobs/{job_id}/events", "/v1/health", "/v1/disclosures/schema"}
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What is stated to have happened in these worlds is before 2025. The rest is the registry's clock.
_NOW: Final = re.compile(r"20(?:2[5-9]|[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z")
_NUMBER: Final = re.compile(r"\+?3363998(\d{4})")
_RANDOM_HEADERS: Final = {"content-length", "date", "set-cookie"}


@dataclass
class Telling:
    """A world as the service was told it, and the second world's names of its things."""

    told: Told
    names: Mapping[str, str] | None

    def name_of(self, thing_id: str) -> str | None:
        name = self.told.names.get(thing_id)
        return name if name is None or self.names is None else self.names.get(name, name)

    def id_of(self, name: str) -> str:
        """The id of what the second world calls so."""
        if self.names is None:
            return self.told.ids[name]
        return next(self.told.ids[first] for first in self.told.ids if self.names.get(first, first) == name)


@dataclass
class _Words:
    """The ids that one viewer has read so far, each as its name or its place among them."""

    telling: Telling
    others: dict[str, str] = field(default_factory=dict)

    def of(self, text: str) -> str:
        told = self.telling.told
        text = _NUMBER.sub(lambda found: f"number {int(found[1]) - told.first}", _NOW.sub("now", text))
        text = text.replace(told.surname, "")
        return _UUID.sub(lambda found: self._word(found[0]), text)

    def _word(self, thing_id: str) -> str:
        return self.telling.name_of(thing_id) or self.others.setdefault(thing_id, f"id {len(self.others)}")


def read_all(story: TwinStory, telling: Telling) -> dict[str, str]:
    """Every answer to each of the viewers who may not know the difference, and to anybody."""

    async def read() -> dict[str, str]:
        transport = httpx2.ASGITransport(app=telling.told.stage.client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", timeout=None) as client:
            found = {f"anybody reads {page}": text async for page, text in _read_pages(client)}
            for viewer in story.blind:
                caller = telling.told.caller(viewer)
                assert caller is not None
                reader = Reader(client, telling.told, viewer, caller.key)
                found |= {f"{viewer.name} reads {what}": text async for what, text in _read(reader, telling, story)}
            return found

    portal = telling.told.stage.client.portal
    assert portal is not None
    return portal.call(read)


async def _read(reader: Reader, telling: Telling, story: TwinStory) -> AsyncIterator[tuple[str, str]]:
    words, pools = _Words(telling), _ids(reader.viewer, telling, story)
    for number in sorted(story.numbers):
        response = await reader.request("POST", "/v1/lookups", json={"number": telling.told.number(number)})
        yield f"number {number}", _text(response, words)
    for path, methods in _PATHS.items():
        if "get" not in methods or path in _NOT_READ or not path.startswith("/v1/"):
            continue
        parameters = re.findall(r"{(\w+)}", path)
        for name, thing_id in pools.get(parameters[0], pools[""]).items() if parameters else [("", "")]:
            url = path
            for parameter in parameters:
                url = url.replace(f"{{{parameter}}}", thing_id)
            async for page, response in _pages(reader, url):
                yield f"{path} of {name}, page {page}", _text(response, words)


def _ids(viewer: Viewer, telling: Telling, story: TwinStory) -> dict[str, dict[str, str]]:
    """By the parameter of a route, the ids of all that the viewer sees, and of the first thing that it does not."""
    world: Registry = story.twin_world
    pools: dict[str, dict[str, str]] = {}
    common = set(story.common)
    for kind in LISTS:
        seen = visible(world, viewer, kind)
        hidden = [name for name in getattr(world, kind) if name not in seen and name in common]
        names = sorted(seen) + hidden[:1]
        pools[f"{kind.removesuffix('s')}_id"] = {name: telling.id_of(name) for name in names}
    pools["subject_id"] = pools["dataset_id"] | pools["campaign_id"]
    pools[""] = dict(list(pools["dataset_id"].items())[:1])
    return pools


async def _pages(reader: Reader, url: str) -> AsyncIterator[tuple[int, httpx2.Response]]:
    """An answer or, if it has pages, each page of two rows, and then all rows on one page."""
    response = await reader.request("GET", url, params={"direction": "both"} if url.endswith("/lineage") else {})
    yield 0, response
    document = response.json() if "json" in response.headers.get("content-type", "") else None
    if not response.is_success or not isinstance(document, dict) or "next" not in document:
        return
    page, after = 1, None
    while page == 1 or after is not None:
        response = await reader.request("GET", url, params={"limit": 2} | ({"after": after} if after else {}))
        yield page, response
        page, after = page + 1, response.json()["next"] if response.json().get("items", True) else None


def _text(response: httpx2.Response, words: _Words) -> str:
    headers = {name: value for name, value in response.headers.items() if name not in _RANDOM_HEADERS}
    media = headers.get("content-type", "")
    content = words.of(response.text) if "json" in media or "csv" in media else f"{len(response.content)} bytes"
    return f"{response.status_code} {words.of(json.dumps(headers, sort_keys=True))}\n{content}"


async def _read_pages(client: httpx2.AsyncClient) -> AsyncIterator[tuple[str, str]]:
    """Every page that is the same for everybody. Its form's token is drawn for each, of one length."""
    for page in Page:
        for language in Language:
            path = ADDRESSES.pattern(page, language)
            if "{" not in path:
                response = await client.get(path)
                yield path, f"{response.status_code} {len(response.content)}"


def differing(plain: Mapping[str, str], twin: Mapping[str, str]) -> list[str]:
    """What is read in the second world otherwise than in the first, each around its first difference."""
    return [
        f"{what}:\n{_around(plain.get(what, ''), twin.get(what, ''))}"
        for what in sorted(plain.keys() | twin.keys())
        if plain.get(what) != twin.get(what)
    ]


def _around(plain: str, twin: str) -> str:
    at = next((place for place, pair in enumerate(zip(plain, twin, strict=False)) if pair[0] != pair[1]), 0)
    return "\n".join(f"  …{text[max(0, at - 150) : at + 150]}…" for text in (plain, twin))
