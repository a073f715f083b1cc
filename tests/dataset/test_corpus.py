"""The corpus: small files in the shape of real exports, each with the numbers, times and rejects that it must give.

`tests/intake/corpus/expected.json` says so for each file. The numbers and names are invented.
"""

import json
from pathlib import Path
from typing import Any

from tests.builders import make_collection, make_notice, open_dataset
from tests.callers import Caller, Registry
from tests.dataset.files import CSV, put_file, rejects, stored

CORPUS = Path(__file__).parent.parent / "intake" / "corpus"


def test_upload_every_file_of_the_corpus_gives_what_is_expected(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    collection = make_collection(collector, collector.id, make_notice(collector, collector.id)["id"])
    expected = json.loads((CORPUS / "expected.json").read_text())
    assert sorted(expected) == sorted(file.name for file in CORPUS.iterdir() if file.name != "expected.json")
    assert len(expected) >= 40
    wrong = []
    for name, wanted in expected.items():
        region = wanted.get("default_region", "FR")
        dataset = open_dataset(collector, collection_id=collection["id"], default_region=region)
        found = _upload(collector, dsn, dataset, name, wanted)
        if found != {key: wanted.get(key) for key in found}:
            wrong.append((name, found, wanted))
    assert not wrong, "\n".join(f"{name}: {found} instead of {wanted}" for name, found, wanted in wrong)


def _upload(collector: Caller, dsn: str, dataset: Any, name: str, wanted: Any) -> dict[str, Any]:
    """What a file gives, or the slug with which it is refused."""
    answer = put_file(
        collector,
        dataset,
        (CORPUS / name).read_bytes(),
        media_type=wanted.get("media_type", CSV),
        columns=wanted.get("columns"),
    )
    if "refused" in wanted or answer.status_code != 200:
        return {"refused": answer.json().get("type", "taken").removeprefix("urn:filiation:problem:")}
    pairs = stored(dsn, dataset)
    return {
        "numbers": {number: time and f"{time:%Y-%m-%dT%H:%M:%SZ}" for number, time in pairs.items()},
        "rejects": [list(reject) for reject in rejects(collector, dataset)],
        "ignored_columns": answer.json()["ignored_columns"],
    }
