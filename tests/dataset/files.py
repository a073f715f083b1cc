"""Files that are uploaded as datasets, and what is stored of them."""

import io
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
from httpx2 import Response

from service.membership.encryption import decrypt_staged
from tests.builders import make_collection, make_notice, open_dataset
from tests.callers import Caller
from tests.dataset.builders import RING
from tests.inspection import rows
from tests.intake.workbook_writers import XLSX, by_openpyxl

CSV, NDJSON, PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"


def collected_dataset(caller: Caller, **more: Any) -> Any:
    """An open dataset of a collection of the caller's that goes on since 2020, so that consent times are read."""
    notice = make_notice(caller, caller.id)
    collection = make_collection(caller, caller.id, notice["id"])
    return open_dataset(caller, collection_id=collection["id"], **more)


def put_file(
    caller: Caller,
    dataset: Any,
    content: bytes | str,
    *,
    part: int = 1,
    media_type: str = CSV,
    columns: Mapping[str, str] | None = None,
) -> Response:
    """Upload a part."""
    content = content.encode() if isinstance(content, str) else content
    path = f"/v1/datasets/{dataset['id']}/parts/{part}"
    return caller.request("PUT", path, content=content, headers={"Content-Type": media_type}, params=columns or {})


def taken(caller: Caller, dataset: Any, content: bytes | str, **more: Any) -> Any:
    """The answer to a part that must be accepted."""
    answer = put_file(caller, dataset, content, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(caller: Caller, dataset: Any, content: bytes | str, **more: Any) -> tuple[str, str]:
    """The slug and the sentence with which a part is refused."""
    answer = put_file(caller, dataset, content, **more)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    return problem["type"].removeprefix("urn:filiation:problem:"), problem["detail"]


def stored(dsn: str, dataset: Any) -> dict[str, datetime | None]:
    """The numbers stored of an open dataset, and the consent time of each. A number must not be stored twice."""
    statement = """
        SELECT shard, run.upload, run, run.number_count, content FROM staged_run AS run JOIN dataset_part AS part
        ON part.dataset_id = run.dataset_id AND part.upload = run.upload WHERE run.dataset_id = %s
    """
    dataset_id, found = uuid.UUID(dataset["id"]), {}
    for shard, upload, number, count, content in rows(dsn, statement, dataset_id):
        run = decrypt_staged(RING, dataset_id, (shard, upload, number), count, content)
        times = [0] * count if run.consented_at is None else run.consented_at.tolist()
        for stored_number, time in zip(RING.numbers(run.keys).tolist(), times, strict=True):
            assert f"+{stored_number}" not in found
            found[f"+{stored_number}"] = datetime.fromtimestamp(time, UTC) if time else None
    return found


def rejects(caller: Caller, dataset: Any) -> list[tuple[int, int, str]]:
    """The part, line and reason of each rejected line."""
    items = caller.get(f"/v1/datasets/{dataset['id']}/rejects")["items"]
    return [(item["part"], item["line"], item["reason"]) for item in items]


def written(names: Sequence[str], lines: Sequence[Sequence[str]], media_type: str) -> bytes:
    """A list with these columns in this format."""
    if media_type == XLSX:
        return by_openpyxl([names, *lines])
    if media_type == PARQUET:
        file = io.BytesIO()
        pl.DataFrame(lines, schema=list(names), orient="row").write_parquet(file)
        return file.getvalue()
    if media_type == NDJSON:
        return "".join(json.dumps(dict(zip(names, line, strict=True))) + "\n" for line in lines).encode()
    return "".join(";".join(line) + "\n" for line in (names, *lines)).encode()
