"""Consent dates of uploads: a column in another order is refused as a whole, and no doubtful dataset is sealed.

The cases S3, S12 and U2 of `tests/intake/README.md`.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any, Literal

import polars as pl
import pytest
from httpx2 import Response

from tests.builders import make_collection, make_notice, number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import refusal, rows
from tests.intake.files_of_others import INT96_PARQUET, with_converted_type

pytestmark = pytest.mark.one_registry

JANUARY_TO_12 = [f"01/{day:02}/2022" for day in range(1, 13)]
FROM_13_JANUARY = [f"01/{day:02}/2022" for day in range(13, 32)]
DAYS = [date(2022, 1, 1) + timedelta(days=day) for day in range(730)]


def collected(shop: Caller, **more: Any) -> str:
    """An open dataset of a collection."""
    collection = make_collection(shop, shop.id, make_notice(shop, shop.id)["id"])
    return str(open_dataset(shop, collection_id=collection["id"], **more)["id"])


def send(shop: Caller, dataset_id: str, dates: list[str], part: int = 1, **params: str) -> Response:
    lines = ["phone,optin_date", *(f"{number(part * 1000 + at)},{text}" for at, text in enumerate(dates))]
    return shop.request(
        "PUT",
        f"/v1/datasets/{dataset_id}/parts/{part}",
        content="\n".join(lines).encode(),
        headers={"Content-Type": "text/csv"},
        params=params,
    )


def seal(shop: Caller, dataset_id: str) -> Response:
    return shop.request("POST", f"/v1/datasets/{dataset_id}/seal")


def state(shop: Caller, dataset_id: str, date_format: str) -> Response:
    return shop.request("PUT", f"/v1/datasets/{dataset_id}/date-format", json={"date_format": date_format})


def consented_at(shop: Caller, last_four: int) -> str | None:
    """When the registry says that the owner of a number consented."""
    return shop.lookup(number(last_four))["origins"][0]["consented_at"]  # type: ignore[no-any-return]


def evidence(answer: Mapping[str, Any]) -> tuple[int, int, int]:
    return answer["day_first_count"], answer["month_first_count"], answer["either_count"]


def test_upload_month_first_column_is_refused_whole_and_stores_nothing(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    refused = send(shop, dataset_id, [f"{day:%m/%d/%Y}" for day in DAYS])
    assert refusal(refused) == (422, "dates_month_first")
    assert "442 lines" in refused.json()["detail"]
    assert "date_format=month_first" in refused.json()["detail"]
    assert shop.get(f"/v1/datasets/{dataset_id}/parts") == []
    kept = "SELECT (SELECT count(*) FROM staged_run WHERE dataset_id = %s), count(*) FROM rejected_line"
    assert rows(registry.dsn, kept + " WHERE dataset_id = %s", dataset_id, dataset_id) == [(0, 0)]


def test_upload_month_first_column_that_is_stated_gives_the_days(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    sent = send(shop, dataset_id, [f"{day:%m/%d/%Y}" for day in DAYS], date_format="month_first")
    assert (sent.json()["accepted_count"], sent.json()["rejected_count"]) == (730, 0)
    assert (sent.json()["date_format"], evidence(sent.json())) == ("month_first", (0, 442, 264))
    sealed = shop.seal(dataset_id)
    assert sealed["first_consented_at"] == "2021-12-31T23:00:00Z"
    assert sealed["last_consented_at"] == "2023-12-30T23:00:00Z"
    assert consented_at(shop, 1000 + DAYS.index(date(2022, 4, 11))) == "2022-04-10T22:00:00Z"


def test_upload_day_first_column_with_an_error_rejects_its_line_alone(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    sent = send(shop, dataset_id, ["26/03/2023", "04/11/2022", "27/03/2023", "03/28/2023", "31/04/2023"])
    assert (sent.json()["accepted_count"], evidence(sent.json())) == (3, (2, 1, 1))
    rejects = shop.get(f"/v1/datasets/{dataset_id}/rejects")["items"]
    assert [(item["line"], item["reason"]) for item in rejects] == [
        (5, "consent_unreadable"),
        (6, "consent_unreadable"),
    ]
    assert "date_format=" in rejects[0]["explanation"]
    shop.seal(dataset_id)
    assert consented_at(shop, 1001) == "2022-11-03T23:00:00Z"


def test_upload_dates_for_nothing_rejects_their_lines_and_not_the_column(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    sent = send(shop, dataset_id, [*["01/01/1970"] * 3, "01/02/2023", "03/04/2023"])
    assert (sent.json()["accepted_count"], sent.json()["rejected_count"], evidence(sent.json())) == (2, 3, (0, 0, 2))
    state(shop, dataset_id, "day_first")
    shop.seal(dataset_id)
    assert consented_at(shop, 1003) == "2023-01-31T23:00:00Z"


def test_upload_what_programs_write_for_an_empty_cell_is_no_time(registry: Registry) -> None:
    shop = registry.collector()
    missing = ["", "NULL", "\\N", "NaT", "nan", "#N/A", "-", "0000-00-00", "0000-00-00 00:00:00"]
    sent = send(shop, collected(shop), [*missing, "31/02/0000", "inconnu", *["26/03/2023"] * 10])
    assert (sent.json()["accepted_count"], sent.json()["consent_count"]) == (len(missing) + 10, 10)


def test_upload_later_part_with_the_month_first_puts_the_earlier_in_doubt(registry: Registry) -> None:
    """A file sorted by date, whose first part ends on 12 January, looks as if the day came first."""
    shop = registry.collector()
    dataset_id = collected(shop)
    assert evidence(send(shop, dataset_id, JANUARY_TO_12).json()) == (0, 0, 11)
    refused = send(shop, dataset_id, FROM_13_JANUARY, part=2)
    assert refusal(refused) == (422, "dates_month_first")
    assert "part 1 could be in either order" in refused.json()["detail"]
    assert refusal(seal(shop, dataset_id)) == (409, "date_order_in_doubt")
    assert send(shop, dataset_id, FROM_13_JANUARY, part=2, date_format="month_first").status_code == 200
    in_doubt = seal(shop, dataset_id)
    assert refusal(in_doubt) == (409, "date_order_in_doubt")
    assert "part 2, so the dates of part 1 are in doubt" in in_doubt.json()["detail"]
    assert not send(shop, dataset_id, JANUARY_TO_12, date_format="month_first").json()["repeated"]
    assert shop.seal(dataset_id)["last_consented_at"] == "2022-01-30T23:00:00Z"
    assert consented_at(shop, 1001) == "2022-01-01T23:00:00Z"


def test_state_date_format_of_a_dataset_asks_for_parts_that_it_reads_otherwise(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    send(shop, dataset_id, JANUARY_TO_12)
    send(shop, dataset_id, ["2022-01-13", "01/01/2022"], part=2)
    assert refusal(send(shop, dataset_id, FROM_13_JANUARY, part=3)) == (422, "dates_month_first")
    assert state(shop, dataset_id, "month_first").json()["date_format"] == "month_first"
    assert send(shop, dataset_id, FROM_13_JANUARY, part=3).json()["date_format"] == "month_first"
    outdated = seal(shop, dataset_id)
    assert refusal(outdated) == (409, "parts_read_otherwise")
    assert "part 1 had been read" in outdated.json()["detail"]
    assert not send(shop, dataset_id, JANUARY_TO_12).json()["repeated"]
    assert shop.seal(dataset_id)["number_count"] == 33
    assert consented_at(shop, 1001) == "2022-01-01T23:00:00Z"


def test_seal_dataset_whose_dates_never_decide_needs_a_statement(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    send(shop, dataset_id, ["04/11/2022", "2022-11-05"])
    unstated = seal(shop, dataset_id)
    assert refusal(unstated) == (409, "date_order_unstated")
    assert "date_format=day_first" in unstated.json()["detail"]
    assert state(shop, dataset_id, "day_first").status_code == 200
    assert shop.seal(dataset_id)["first_consented_at"] == "2022-11-03T23:00:00Z"
    assert refusal(state(shop, dataset_id, "month_first")) == (409, "dataset_not_open")


def test_seal_dataset_in_which_one_sign_between_day_and_month_never_decides_needs_a_statement(
    registry: Registry,
) -> None:
    """Dates with full stops show nothing of those with slashes, in one part or in two. They have the day first."""
    shop = registry.collector()
    for parts in (["26.03.2022", "04/11/2022"],), (["26.03.2022"], ["04/11/2022"]), (["26-03-2022", "04/11/2022"],):
        dataset_id = collected(shop)
        for at, cells in enumerate(parts, start=1):
            assert send(shop, dataset_id, cells, at).status_code == 200
        unstated = seal(shop, dataset_id)
        assert refusal(unstated) == (409, "date_order_unstated"), parts
        assert "with / between" in unstated.json()["detail"]
        send(shop, dataset_id, ["27/03/2022"], 3 if len(parts) > 1 else 2)
        assert shop.seal(dataset_id)["number_count"] == sum(map(len, parts)) + 1
    dataset_id = collected(shop)
    send(shop, dataset_id, ["04.11.2022"])
    assert shop.seal(dataset_id)["first_consented_at"] == "2022-11-03T23:00:00Z"


def test_seal_dataset_with_the_same_day_in_either_order_needs_no_statement(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    send(shop, dataset_id, ["05/05/2022", "6.6.2022"])
    assert shop.seal(dataset_id)["first_consented_at"] == "2022-05-04T22:00:00Z"


def test_upload_parts_in_two_orders_is_refused_whichever_comes_first(registry: Registry) -> None:
    shop = registry.collector()
    with_day: tuple[list[str], dict[str, Any]] = (["26/03/2022"], {})
    with_month: tuple[list[str], dict[str, Any]] = (["03/26/2022"], {"date_format": "month_first"})
    for first, later in ((with_day, with_month), (with_month, with_day)):
        dataset_id = collected(shop)
        assert send(shop, dataset_id, first[0], 1, **first[1]).status_code == 200
        refused = send(shop, dataset_id, later[0], 2, **later[1])
        assert refusal(refused) == (422, "dates_in_other_order"), later
        assert "part 1" in refused.json()["detail"]
        # Both are right once both are stated.
        state(shop, dataset_id, "day_first")
        assert send(shop, dataset_id, later[0], 2, **later[1]).status_code == 200, later
        assert shop.seal(dataset_id)["number_count"] == 2


def test_upload_part_again_replaces_its_evidence(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    send(shop, dataset_id, ["04/11/2022"])
    send(shop, dataset_id, ["26/03/2022"], part=2)
    assert [evidence(part) for part in shop.get(f"/v1/datasets/{dataset_id}/parts")] == [(0, 0, 1), (1, 0, 0)]
    send(shop, dataset_id, ["2022-03-26"], part=2)
    assert refusal(seal(shop, dataset_id)) == (409, "date_order_unstated")
    assert refusal(send(shop, dataset_id, ["03/26/2022"], part=3)) == (422, "dates_month_first")
    assert refusal(seal(shop, dataset_id)) == (409, "date_order_in_doubt")
    send(shop, dataset_id, ["26/03/2022"], part=3)
    assert shop.seal(dataset_id)["number_count"] == 3


def test_upload_with_an_unknown_date_format_is_refused(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    for answer in (
        send(shop, dataset_id, ["26/03/2022"], date_format="mm/dd/yyyy"),
        state(shop, dataset_id, "%d/%m"),
        shop.request(
            "POST",
            "/v1/datasets",
            json={
                "occurred_at": "2024-01-01T00:00:00Z",
                "holder_id": str(shop.id),
                "name": "Base",
                "date_format": "%Q",
            },
        ),
    ):
        assert answer.status_code == 422
        assert "The stated date format cannot be used." in answer.text


def test_upload_stated_format_of_a_dataset_reads_its_parts_and_a_part_may_have_its_own(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop, date_format="epoch_milliseconds")
    assert send(shop, dataset_id, ["1679839530123", "2023-03-26"]).json()["accepted_count"] == 1
    own = send(shop, dataset_id, ["45011.5868055556"], part=2, date_format="excel_1900")
    assert own.json()["accepted_count"] == 1
    shop.seal(dataset_id)
    assert consented_at(shop, 1000) == "2023-03-26T14:05:30Z"
    assert consented_at(shop, 2000) == "2023-03-26T12:05:00Z"


def test_upload_parquet_int96_times_are_in_utc(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop, occurred_at="2024-06-01T00:00:00Z")
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    path = f"/v1/datasets/{dataset_id}/parts/1"
    assert shop.request("PUT", path, content=INT96_PARQUET, headers=headers).json()["accepted_count"] == 1
    shop.seal(dataset_id)
    assert consented_at(shop, 1) == "2024-02-05T12:05:00Z"


def test_upload_parquet_times_of_converted_types_are_in_utc_and_nulls_are_unknown(registry: Registry) -> None:
    shop = registry.collector()
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    times = pl.Series([datetime(2024, 2, 5, 12, 5, tzinfo=UTC)]).dt.replace_time_zone(None)
    for last, converted in ((1, 9), (2, 10)):
        unit: Literal["ms", "us"] = "ms" if converted == 9 else "us"
        file = BytesIO()
        pl.DataFrame({"phone": [f"+3363998000{last}"], "optin_date": times.cast(pl.Datetime(unit))}).write_parquet(file)
        dataset_id = collected(shop, occurred_at="2024-06-01T00:00:00Z")
        content = with_converted_type(file.getvalue(), b"optin_date", converted)
        sent = shop.request("PUT", f"/v1/datasets/{dataset_id}/parts/1", content=content, headers=headers)
        assert sent.json()["accepted_count"] == 1, sent.text
        shop.seal(dataset_id)
        assert consented_at(shop, last) == "2024-02-05T12:05:00Z"
    file = BytesIO()
    pl.DataFrame({"phone": ["+33639980001"], "optin_date": [None]}).write_parquet(file)
    sent = shop.request("PUT", f"/v1/datasets/{collected(shop)}/parts/1", content=file.getvalue(), headers=headers)
    assert (sent.json()["accepted_count"], sent.json()["consent_count"]) == (1, 0)


PARIS_MIDNIGHT, UTC_TIME, PARIS_TIME = "2023-03-25T23:00:00Z", "2023-03-26T14:05:30Z", "2023-03-26T12:05:30Z"
SPELLINGS = {
    "20230326": PARIS_MIDNIGHT,
    "20230326T140530": PARIS_TIME,
    "2023-085": PARIS_MIDNIGHT,
    "2023-W12-7": PARIS_MIDNIGHT,
    "2023-03-26T14": "2023-03-26T12:00:00Z",
    "2023-03-25T24:00:00": PARIS_MIDNIGHT,
    "2023-03-26T16:05:30.5+02": UTC_TIME,
    "2023-03-26 14:05:30 UTC": UTC_TIME,
    "26/3/2023": PARIS_MIDNIGHT,
    "26.03.2023": PARIS_MIDNIGHT,
    "26-03-2023": PARIS_MIDNIGHT,
    "2023/03/26": PARIS_MIDNIGHT,
    "26/03/2023 02:05 PM": "2023-03-26T12:05:00Z",
    "26/03/2023 à 14:05": "2023-03-26T12:05:00Z",
    "26 mars 2023": PARIS_MIDNIGHT,
    "26 Mar 2023": PARIS_MIDNIGHT,
    "26\u2011mars\u20112023": PARIS_MIDNIGHT,
    "26/03/2023\u202f14:05:30": PARIS_TIME,
}
UNREAD = ["45011", "1679839530", "1679839530123", "26/03/23", "2023-03", "26 marz 2023", "31/04/2023"]


def test_upload_dates_in_every_form_gives_the_times_and_rejects_what_could_be_anything(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    sent = send(shop, dataset_id, [*SPELLINGS, *UNREAD])
    assert sent.status_code == 200, sent.text
    assert (sent.json()["accepted_count"], sent.json()["rejected_count"]) == (len(SPELLINGS), len(UNREAD))
    shop.seal(dataset_id)
    found = {spelling: consented_at(shop, 1000 + at) for at, spelling in enumerate(SPELLINGS)}
    assert found == SPELLINGS


def test_upload_stated_forms_gives_the_times(registry: Registry) -> None:
    shop = registry.collector()
    dataset_id = collected(shop)
    forms = {
        "month_first": "03/26/2023 02:05:30 PM",
        "epoch_seconds": str(round(datetime(2023, 3, 26, 12, 5, 30, tzinfo=UTC).timestamp())),
        "excel_1900": "45011.586805556",
        "%d/%m/%y %H:%M:%S": "26/03/23 14:05:30",
    }
    for part, (stated, text) in enumerate(forms.items(), start=1):
        assert send(shop, dataset_id, [text], part=part, date_format=stated).json()["accepted_count"] == 1, stated
    shop.seal(dataset_id)
    found = [consented_at(shop, part * 1000) for part in range(1, len(forms) + 1)]
    assert found == [PARIS_TIME, PARIS_TIME, "2023-03-26T12:05:00Z", PARIS_TIME]


def test_upload_two_parts_in_two_orders_at_once_takes_one_of_them(registry: Registry) -> None:
    shop = registry.collector()
    for _ in range(4):
        dataset_id = collected(shop)
        send(shop, dataset_id, ["2022-03-26"])
        with ThreadPoolExecutor(2) as pool:
            with_day = pool.submit(send, shop, dataset_id, ["26/03/2022"], 2)
            with_month = pool.submit(send, shop, dataset_id, ["03/26/2022"], 3, date_format="month_first")
        found = [with_day.result(), with_month.result()]
        assert sorted(answer.status_code for answer in found) == [200, 422]
        assert refusal(next(answer for answer in found if answer.status_code == 422))[1] == "dates_in_other_order"
        assert len(shop.get(f"/v1/datasets/{dataset_id}/parts")) == 2
