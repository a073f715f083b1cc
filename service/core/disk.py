"""The disk of the database: when little is left, what fills it is refused, so that everything else goes on.

A full disk stops PostgreSQL, and with it lookups, objections and erasures. Nothing has to be done once space is free
again: it is measured at each request.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from service.core.errors import NoRoom
from service.core.resources import resource, resources_of
from service.core.settings import Settings


class Disk:
    """The folder whose file system is watched (None: there is none on this machine), and the reserve in bytes."""

    def __init__(self, folder: Path | None, reserve: int) -> None:
        self._folder, self.reserve = folder, reserve

    @staticmethod
    def of(settings: Settings) -> "Disk":
        """The disk that the settings name, or that of the service's own database."""
        own = settings.data_dir / "cluster" if settings.database_url is None else None
        return Disk(settings.disk_path or own, settings.disk_reserve_bytes)

    @property
    def is_watched(self) -> bool:
        """Whether there is a folder to watch."""
        return self._folder is not None

    def has_room(self) -> bool:
        """Whether more than the reserve is free. A disk that is not watched, or cannot be read, counts as roomy."""
        if self._folder is None:
            return True
        try:
            # The folder is made at the first start.
            status = os.statvfs(next(path for path in (self._folder, *self._folder.parents) if path.exists()))
        except (OSError, StopIteration):
            return True
        return status.f_bavail * status.f_frsize > self.reserve

    def require_room(self) -> None:
        """Refuse what would fill the disk.

        Raises:
            NoRoom: no more than the reserve is free.
        """
        if not self.has_room():
            raise NoRoom

    async def while_room(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """`body`, as long as there is room for it."""
        async for chunk in body:
            self.require_room()
            yield chunk


async def _require_room(request: Request) -> None:
    resources_of(request).get(Disk).require_room()


NEEDS_ROOM = Depends(_require_room)
"""The dependency of a route that is refused while the disk is nearly full."""

DiskDep = Annotated[Disk, Depends(resource(Disk))]
