"""Style sheets, scripts and images. The address of one names its content, so that browsers keep it for ever."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from fastapi import APIRouter, Response

from service.core.bounded_route import BoundedRoute
from service.core.errors import NotFound

_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SHARED: Final = "service.web"


class Asset(NamedTuple):
    """A file that pages refer to. `version` is the beginning of its SHA-256."""

    content: bytes
    media_type: str
    version: str


class Assets:
    """Some files, served at addresses that begin with `prefix`. They are read when the first of them is asked for."""

    def __init__(self, prefix: str, list_files: Callable[[], Iterable[Traversable]]) -> None:
        self._prefix, self._list_files = prefix, list_files

    @classmethod
    def of_site(cls, package: str, prefix: str) -> "Assets":
        """The files in `static/` of a site's package and of this one."""
        return cls(prefix, partial(_static_files, _SHARED, package))

    @cached_property
    def _by_name(self) -> dict[str, Asset]:
        found: dict[str, Asset] = {}
        for file in self._list_files():
            if file.name in found:
                raise ValueError(f"Two packages have a file {file.name}: rename one.")
            content = file.read_bytes()
            media_type = _MEDIA_TYPES[file.name.rpartition(".")[2]]
            found[file.name] = Asset(content, media_type, hashlib.sha256(content).hexdigest()[:12])
        return found

    async def load(self) -> None:
        """Read and hash the files in a thread, if that has not happened yet: some are megabytes."""
        if "_by_name" not in self.__dict__:
            await asyncio.to_thread(lambda: self._by_name)

    def path(self, name: str) -> str:
        """The address of a file, which changes with its content."""
        return f"{self._prefix}/{self._by_name[name].version}/{name}"

    def find(self, name: str, version: str) -> Asset | None:
        """A file, if its content is of that version."""
        asset = self._by_name.get(name)
        return asset if asset is not None and asset.version == version else None

    def router(self) -> APIRouter:
        """The route that serves the files."""
        router = APIRouter(route_class=BoundedRoute)

        @router.get(f"{self._prefix}/{{version}}/{{name}}", include_in_schema=False)
        async def get_asset(version: str, name: str) -> Response:
            """Serve a style sheet, a script or an image."""
            await self.load()
            asset = self.find(name, version)
            if asset is None:
                raise NotFound("file")
            return Response(asset.content, media_type=asset.media_type, headers=_HEADERS)

        return router


def _static_files(*packages: str) -> Iterator[Traversable]:
    for package in packages:
        yield from files(package).joinpath("static").iterdir()
