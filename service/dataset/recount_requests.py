"""What counts that are to be made again mean for those who count or take over counts at the same time.

`dataset.recount` requests it, and does it.
"""

from typing import Final

from procrastinate import App
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from service.core.errors import Conflict
from service.core.task_queue import TaskName, defer
from service.dataset.models import Dataset
from service.membership.descent.ancestors import Ancestors, read_ancestors

NEXT_REQUEST: Final = text("SELECT nextval('recount_request')")


async def recount_if_ancestors_changed(session: AsyncSession, queue: App, row: Dataset, counted: Ancestors) -> None:
    """Have a dataset counted again if its ancestors are not those that it was `counted` with. Lock its row before.

    A change upstream that is not committed yet waits for this lock, and marks the dataset afterwards.
    """
    if await read_ancestors(session, [row.id]) != counted:
        row.recount_request = await session.scalar(NEXT_REQUEST)
        session.add(row)
        await defer(session, queue, TaskName.RECOUNT_DATASETS)


def refuse_while_recounting(row: Dataset) -> None:
    """Refuse to take over the counts of a dataset while they are made again.

    Raises:
        Conflict: they are.
    """
    if row.recount_request is not None:
        raise Conflict(
            "recounting", "Something upstream of this dataset changed, and its counts are made again. Try again soon."
        )
