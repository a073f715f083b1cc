"""Numbers as people write them, in files, lookups, verifications, objections and the recipient's own file alike.

Overseas France has no range for fiction, so the examples of the library stand for its numbers.
"""

from typing import Any

import polars as pl
import pytest
from phonenumbers import PhoneNumberType

from tests.builders import collected, filled, hand_over, number, open_dataset
from tests.callers import Caller, Registry
from tests.inspection import refusal, until
from tests.objection.builders import create_objection
from tests.persons import ask_code, outbox, prove
from tests.verification.builders import example

pytestmark = pytest.mark.one_registry

OVERSEAS = ["RE", "YT", "GP", "MQ", "GF"]


def national(e164: str) -> str:
    """As it is dialled anywhere in France."""
    return f"0{e164[4:7]} {e164[7:9]} {e164[9:11]} {e164[11:]}"


def mobile(region: str) -> str:
    return example(region, PhoneNumberType.MOBILE)


def sealed(caller: Caller, lines: list[str], **more: Any) -> Any:
    """A sealed dataset of these lines, and none of them is rejected."""
    dataset = open_dataset(caller, **more)
    part = caller.put_part(dataset["id"], lines)
    assert part["rejected_count"] == 0, caller.get(f"/v1/datasets/{dataset['id']}/rejects")
    return caller.seal(dataset["id"])


def test_upload_overseas_numbers_written_nationally_are_those_written_internationally(registry: Registry) -> None:
    broker = registry.broker()
    numbers = [mobile(region) for region in OVERSEAS]
    dataset = sealed(broker, ["telephone", *map(national, numbers), *numbers, "06 39 98 00 01", number(1)])
    assert (dataset["number_count"], dataset["duplicate_count"]) == (6, 6)
    assert dataset["unallocated_count"] == 0
    unheld = [it for it in (*numbers, *map(national, numbers), number(1)) if not broker.lookup(it)["held"]]
    assert unheld == []
    orphans = broker.get(f"/v1/datasets/{dataset['id']}/orphans")["numbers"]
    assert sorted(orphans) == sorted([*numbers, number(1)])


@pytest.mark.parametrize("region", ["RE", "GP", "MQ", "GF", "YT", "PM"])
def test_upload_in_an_overseas_region_reads_mainland_and_overseas_numbers(registry: Registry, region: str) -> None:
    broker = registry.broker()
    other = mobile("GP" if region != "GP" else "RE")
    lines = ["telephone", "06 39 98 00 01", "01 99 00 00 01", national(other)]
    sealed(broker, lines, default_region=region)
    unheld = [it for it in (number(1), "+33199000001", other) if not broker.lookup(it)["held"]]
    assert unheld == []
    assert broker.lookup(national(other), region=region)["held"]


def test_verify_an_overseas_number_written_nationally_sends_the_code_to_it(registry: Registry, dsn: str) -> None:
    for region in OVERSEAS:
        begun = ask_code(registry.client, national(mobile(region)))
        assert begun.status_code == 201, begun.text
        newest = outbox(dsn)[0]
        assert f"+{newest.number}" == mobile(region)


@pytest.mark.own_registry
def test_verify_an_overseas_number_with_the_mainland_code_is_refused(registry: Registry, dsn: str) -> None:
    answer = ask_code(registry.client, f"+33{mobile('RE')[4:]}")
    assert refusal(answer) == (422, "number_not_served")
    assert outbox(dsn) == []


@pytest.mark.own_registry
def test_objection_to_an_overseas_number_reaches_the_holder_of_its_national_spelling(
    registry: Registry, dsn: str
) -> None:
    collector, written = registry.collector(), mobile("RE")
    origin = collected(collector, [1])
    before = sealed(collector, ["telephone", national(written)], collection_id=origin["collection_id"])
    person = prove(registry.client, dsn, written)
    objection = create_objection(person)
    assert [relay["holder"]["id"] for relay in objection["relays"]] == [str(collector.id)]
    assert objection["closed_at"] is None
    after = sealed(collector, ["telephone", national(written)], collection_id=origin["collection_id"])
    assert before["number_count"] == after["number_count"] == 1
    flags = until(lambda: collector.get("/v1/objections/flags")["items"])
    assert [(flag["id"], flag["number_count"]) for flag in flags] == [(after["id"], 1)]


def test_recipients_file_in_the_other_spelling_confirms_the_transfer(registry: Registry) -> None:
    seller, buyer = registry.broker(), registry.party()
    numbers = [mobile("MQ"), mobile("RE"), number(1)]
    held = sealed(seller, ["telephone", *map(national, numbers[:2]), "06 39 98 00 01"])
    transfer = hand_over(seller, held, buyer)
    buyer.post(f"/v1/transfers/{transfer['id']}/reconciliation")
    buyer.put_part(transfer["received_dataset_id"], ["telephone", *numbers])
    job = buyer.finish(buyer.post(f"/v1/transfers/{transfer['id']}/reconciliation/compare?confirm=true"))
    assert job["state"] == "succeeded", job["problem"]
    assert buyer.get(f"/v1/transfers/{transfer['id']}")["status"] == "confirmed"


def test_upload_numbers_that_no_plan_uses_are_taken_and_counted(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    # The mainland code before a range of La Réunion, and a range that machines have.
    unused = [f"+33{mobile('RE')[4:]}", "07 00 00 00 01", "0700000001"]
    part = broker.put_part(dataset["id"], ["telephone", *unused, number(1), "bonjour"])
    assert (part["accepted_count"], part["unallocated_count"], part["rejected_count"]) == (4, 3, 1)
    broker.put_part(dataset["id"], ["telephone", unused[0], number(2)], 2)
    assert broker.seal(dataset["id"])["unallocated_count"] == 4


REFUSED = [
    ("06 39 98 00 0", "too_short"),
    ("+33 (0)6 39 98 00 0", "too_short"),
    ("0000000000", "only_zeros"),
    ("32470123456", "plus_missing"),
    ("262692123456", "plus_missing"),
    ("++33639980001", "not_a_number"),
    ('"06 39 98 00 01,12"', "extension"),
    ("0639980001 0639980002", "several_numbers"),
    ("639980001.0", "spreadsheet_decimal"),
]


def test_upload_numbers_that_cannot_be_read_gives_each_its_reason(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    broker.put_part(dataset["id"], ["telephone", *(line for line, _ in REFUSED)])
    rejects = broker.get(f"/v1/datasets/{dataset['id']}/rejects")["items"]
    assert [reject["reason"] for reject in rejects] == [reason for _, reason in REFUSED]
    explanation = next(reject["explanation"] for reject in rejects if reject["reason"] == "plus_missing")
    assert "Write it with + and its country code" in explanation
    answer = broker.request("POST", "/v1/lookups", json={"number": "262692123456"})
    assert refusal(answer) == (422, "number_rejected")
    assert answer.json()["reason"] == "plus_missing"


SECOND_ENDINGS = ["030 1234567/68", "06151 1234 / 1235", "0171 1234567 (2)", '"0171 1234567\n8"', "+49 30 1234567/68"]


def test_upload_second_endings_are_refused_and_area_codes_are_not(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker, default_region="DE")
    area_codes = ["0171/1234567", "(0171) 1234567", "+49 (0) 171/1234567"]
    broker.put_part(dataset["id"], ["name;telephone", *(f"Zoe;{cell}" for cell in (*SECOND_ENDINGS, *area_codes))])
    rejects = broker.get(f"/v1/datasets/{dataset['id']}/rejects")["items"]
    assert [reject["reason"] for reject in rejects] == ["several_numbers"] * len(SECOND_ENDINGS)
    sealed_dataset = broker.seal(dataset["id"])
    assert (sealed_dataset["number_count"], sealed_dataset["duplicate_count"]) == (1, len(area_codes) - 1)
    answer = broker.request("POST", "/v1/lookups", json={"number": SECOND_ENDINGS[0], "region": "DE"})
    assert (refusal(answer), answer.json()["reason"]) == ((422, "number_rejected"), "several_numbers")


def test_upload_local_numbers_are_refused_and_those_that_lost_their_zero_are_not(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker, default_region="DE")
    local = ["030;1234567", "030;5123456", "0171;1234567"]
    broker.put_part(dataset["id"], ["vorwahl;telephone", *local, ";1711234567", ";305123456"])
    rejects = broker.get(f"/v1/datasets/{dataset['id']}/rejects")["items"]
    assert [reject["reason"] for reject in rejects] == ["too_short"] * len(local)
    assert "zero" in rejects[0]["explanation"]
    assert broker.seal(dataset["id"])["number_count"] == 2
    answer = broker.request("POST", "/v1/lookups", json={"number": "5123456", "region": "DE"})
    assert (refusal(answer), answer.json()["reason"]) == ((422, "number_rejected"), "too_short")


def test_upload_country_codes_without_plus_are_read_or_refused(registry: Registry) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker, default_region="DE")
    same = ["491711234567", "(49) 171 1234567", "49 (0)171 1234567", "0049171/1234567", "0049 (0)171/1234567"]
    lines = [*(f"{cell};DE" for cell in same), "0049 171 1234567;BR", "0055 11 96123-4567;BR", "+5511961234567;BR"]
    refused = ["49 221 1234567;DE", "49171123456;DE", "0016583234567;TH"]
    broker.put_part(dataset["id"], ["telephone;pays", *lines, *refused])
    rejects = broker.get(f"/v1/datasets/{dataset['id']}/rejects")["items"]
    assert [reject["reason"] for reject in rejects] == ["plus_missing"] * len(refused)
    sealed_dataset = broker.seal(dataset["id"])
    assert (sealed_dataset["number_count"], sealed_dataset["duplicate_count"]) == (2, len(lines) - 2)
    answer = broker.request("POST", "/v1/lookups", json={"number": "49171123456", "region": "DE"})
    assert (refusal(answer), answer.json()["reason"]) == ((422, "number_rejected"), "plus_missing")


WRAPPED = [
    *("p:+33639980001", "tel:+33639980001", "whatsapp:+33639980001", '="0639980001"', "'0639980001", "33639980001.0"),
    *(
        "06\u2009 39\u2009 98 00 01",
        "06\u200739\u200798\u200700\u200701",
        "06\t39\t98\t00\t01",
        "\u200c0639980001\u200d",
    ),
    *("\u061c06 39 98 00 01", "06\u201939\u201998\u201900\u201901", "06\u00b739\u00b798\u00b700\u00b701"),
    *("\u202a+33639980001\u202c", "\u200c0639980001\u200d", "06\u201139\u201198\u201100\u201101"),
    "\uff10\uff16\uff13\uff19\uff19\uff18\uff10\uff10\uff10\uff11",
]


def test_upload_wrapped_numbers_and_signs_that_nobody_sees_are_read(registry: Registry) -> None:
    broker = registry.broker()
    dataset = sealed(broker, ["nom;telephone", *(f"Zoé;{line}" for line in WRAPPED)])
    assert (dataset["number_count"], dataset["duplicate_count"]) == (1, len(WRAPPED) - 1)
    assert broker.lookup(number(1))["held"]


def test_upload_parquet_of_floats_reads_numbers_with_their_country_code(registry: Registry, tmp_path: Any) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    file = tmp_path / "base.parquet"
    pl.DataFrame({"telephone": [33639980001.0, 639980002.0]}).write_parquet(file)
    answer = broker.request(
        "PUT",
        f"/v1/datasets/{dataset['id']}/parts/1",
        content=file.read_bytes(),
        headers={"Content-Type": "application/vnd.apache.parquet"},
    )
    assert (answer.json()["accepted_count"], answer.json()["rejected_count"]) == (1, 1)
    broker.seal(dataset["id"])
    assert broker.lookup(number(1))["held"]


def test_lookup_of_another_countrys_national_number_is_read_in_its_region(registry: Registry) -> None:
    broker = registry.broker()
    filled(broker, [1])
    belgian = example("BE", PhoneNumberType.MOBILE)
    sealed(broker, ["telephone", f"0{belgian[3:]}"], default_region="BE")
    assert broker.lookup(belgian)["held"]
    assert refusal(broker.request("POST", "/v1/lookups", json={"number": belgian[1:]})) == (422, "number_rejected")
