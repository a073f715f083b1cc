"""Which column is read: by its name, by its cells only if they are telephone numbers, and never without a word.

The cases have the numbers of `tests/intake/README.md`.
"""

import io
import json
from datetime import UTC, datetime
from io import BytesIO

import polars as pl
import pytest

from tests.builders import hand_over, open_dataset
from tests.callers import Registry
from tests.dataset.files import (
    CSV,
    NDJSON,
    PARQUET,
    collected_dataset,
    put_file,
    refused,
    rejects,
    stored,
    taken,
    written,
)

pytestmark = pytest.mark.one_registry

ZOE, LEO, EVA = "+33639980001", "+33639980002", "+33639980003"


# A single column, or numbers that are not those of the persons listed.
LISTS_OF_SOMETHING_ELSE = [
    *("siren\n732829320\n552100554\n", "732829320\n552100554\n", "ref client\n100200301\n", "siren\n"),
    *("fax\n0639980001\n", "tel_parent\n0639980001\n", "téléphone du parrain\n0639980001\n"),
    *(
        f"{name}\n0639980001\n"
        for name in (
            *("emergencyContact", "faxNumber", "contactUrgence", "telFax", "numfax", "TelConjoint", "wife phone"),
            *("personneAPrevenir", "Téléphone société", "Company Main Phone", "Tél. école", "Notfallkontakt"),
            *("manager", "opposition", "désinscrits"),
        )
    ),
    *(
        "nom;fax\nZoé;0639980001\n",
        "nom;contact_urgence\nZoé;0639980001\n",
        "nom;Personne à prévenir\nZoé;0639980001\n",
    ),
]


LISTS_OF_OTHER_REGIONS = [
    ("n° entreprise\n0403.101.811\n0403.101.812\n", "BE"),
    ("x\n01 02 1983\n02 02 1983\n", "DE"),
    ("id\n0123456-7\n0123457-5\n", "FI"),
]


def test_upload_without_a_column_of_telephone_numbers_asks_for_it(registry: Registry) -> None:
    broker = registry.broker()
    wrong = []
    for text in (
        "Coordonnées;Siren\n06 39 98 00 01 (bureau);732829320\n06 39 98 00 02 (perso);552100554\n",
        "ref;date;client\n100200301;2023-03-26;Zoé\n100200302;2023-03-27;Léo\n",
        "contact,latitude,longitude\n06 39 98 00 01 perso,48.8566140,2.3522219\nnc,45.7640431,4.8356771\n",
        "nom,ip,ville\nZoé,198.51.100.7,Paris\nLéo,203.0.113.199,Lyon\n",
        "numero;nom;contact\n100200301;Zoé;0639980001\n100200302;Léo;0639980002\n",
        "mobile;nom;contact\noui;Zoé;0639980001\nnon;Léo;0639980002\n",
        "100200301;Zoé;75001\n100200302;Léo;69002\n",
        "nom;contact;secours\nZoé;0639980001;0639980003\nLéo;0639980002;0639980004\n",
        *LISTS_OF_SOMETHING_ELSE,
    ):
        answer = put_file(broker, open_dataset(broker), text)
        if answer.status_code != 422 or "column=" not in answer.text or "phone_column_unclear" not in answer.text:
            wrong.append((text, answer.text))
    assert wrong == []


@pytest.mark.parametrize(("text", "region"), LISTS_OF_OTHER_REGIONS)
def test_upload_of_numbers_of_companies_or_dates_of_another_region_asks_for_a_column(
    registry: Registry, text: str, region: str
) -> None:
    broker = registry.broker()
    slug, detail = refused(broker, open_dataset(broker, default_region=region), text)
    assert (slug, "column=" in detail) == ("phone_column_unclear", True)


PHONE_NAMES = ["phone_e164", "numéro de téléphone portable", "mobile_no", "gsm number", "Cell Phone", "N° de portable"]


def test_upload_of_an_unclear_column_says_which_columns_there_are(registry: Registry) -> None:
    broker = registry.broker()
    for text, sentence in (
        ("nom1;contact2\nZoé;0639980001\n", "Only some cells of column 2 are telephone numbers"),
        ("nom;contact\nZoé;0639980001\nLéo;x\n", "Only some cells of column contact are telephone numbers"),
        ("Zoé;0639980001;0639980002\n", "Several columns contain telephone numbers: column 2, column 3."),
        ("nom;ville\nZoé;Paris\n", "No column clearly contains telephone numbers"),
        ("x\u00a0y;a\tb;\u200b!\nZoé;Paris;x\n", "Columns seen: x y, a b."),
    ):
        slug, detail = refused(broker, open_dataset(broker), text)
        assert (slug, sentence in detail) == ("phone_column_unclear", True), detail


def test_upload_of_one_column_in_other_formats_asks_for_it_too(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for name, cell in (("siren", "732829320"), ("fax", "0639980001")):
        parquet = BytesIO()
        pl.DataFrame({name: [cell]}).write_parquet(parquet)
        for content, media_type in ((json.dumps({name: cell}), NDJSON), (parquet.getvalue(), PARQUET)):
            dataset = open_dataset(broker)
            assert refused(broker, dataset, content, media_type=media_type)[0] == "phone_column_unclear"
            taken(broker, dataset, content, media_type=media_type, columns={"column": name})
            assert len(stored(dsn, dataset)) == 1


def test_upload_reads_the_only_column_of_telephone_numbers(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    wrong = []
    for text in (
        "nom;contact;siren\nZoé;0639980001;732829320\nLéo;+33 6 39 98 00 02;552100554\n",
        "100200301;0639980001;2023-03-26\n100200302;0033639980002;2023-03-27\n",
        "numero;telephone\n100200301;0639980001\n100200302;0639980002\n",
        "nom;numero\nZoé;639980001\nLéo;639980002\n",
        "sms;nom\n+33639980001;Zoé\n+33639980002;Léo\n",
        "33639980001\n33639980002\n",
        "contacts\n06 39 98 00 01\n0639980002 (perso)\n+33 6 39 98 00 02\n",
        "nom;contact\nZoé;33639980001\nLéo;33639980002\n",
        "Name,Phone 1 - Value\nZoé,0639980001\nLéo,0639980002\n",
        *(f"nom;{name};contact\nZoé;0639980001;0639980003\nLéo;0639980002;0639980004\n" for name in PHONE_NAMES),
    ):
        dataset = open_dataset(broker)
        answer = put_file(broker, dataset, text)
        if answer.status_code != 200 or sorted(stored(dsn, dataset)) != [ZOE, LEO]:
            wrong.append((text, answer.text))
    assert wrong == []


def test_upload_digits_of_a_column_of_international_numbers_have_a_country_code(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    cells = ["33639980001", "0639980002", "+33639980003", "687751234", "376312345", "639980004", "352261234"]
    for name in ("msisdn", "phone_e164", "E164"):
        for media_type in (CSV, NDJSON, PARQUET):
            dataset = open_dataset(broker)
            taken(broker, dataset, written([name], [[cell] for cell in cells], media_type), media_type=media_type)
            assert set(stored(dsn, dataset)) == {"+33639980001", "+33639980002", "+33639980003"}
            assert [reason for _, _, reason in rejects(broker, dataset)] == ["plus_missing"] * 4
    dataset = open_dataset(broker)
    taken(broker, dataset, '{"msisdn": 33639980001}\n{"msisdn": 687751234}\n', media_type=NDJSON)
    assert [*stored(dsn, dataset)] == ["+33639980001"]


def test_upload_ndjson_member_that_appears_late_is_read(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    without = [{"phone": f"+336399{index:05}", "name": "Zoé" * 8} for index in range(80_000, 82_000)]
    timed = [{"phone": f"+336399{index:05}", "consented_at": "2023-03-26T14:05:00Z"} for index in range(82_000, 84_000)]
    for lines in (without + timed, timed + without):
        dataset = collected_dataset(broker)
        text = "\n".join(map(json.dumps, lines))
        assert text.index("name") < 200_000 < len(text)
        taken(broker, dataset, text, media_type=NDJSON)
        found = stored(dsn, dataset)
        assert len(found) == 4000
        assert [found[line["phone"]] is not None for line in without + timed] == [False] * 2000 + [True] * 2000
    parts = collected_dataset(broker)
    for number, line in enumerate((without[0], timed[0], without[1]), start=1):
        taken(broker, parts, json.dumps(line), part=number, media_type=NDJSON)
    assert [time is not None for _, time in sorted(stored(dsn, parts).items())] == [False, False, True]


def test_upload_ndjson_member_that_is_chosen_may_appear_late(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    lines = [{"phone": "0639980001"}, {"phone": "0639980002", "agreed": "2023-03-26T14:05:00Z"}]
    text = "\n".join(map(json.dumps, [lines[0]] * 6000 + [lines[1]]))
    dataset = collected_dataset(broker)
    answer = put_file(broker, dataset, text, media_type=NDJSON, columns={"consented_at_column": "agreed"})
    assert answer.status_code == 200, answer.text
    columns = {"consented_at_column": "never"}
    assert refused(broker, dataset, text, media_type=NDJSON, columns=columns)[0] == "column_not_found"


def test_upload_number_of_a_record_is_no_consent_record(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    text = '"Record ID","First Name","Phone Number","Create Date"\n"90210","Zoé","+33 6 39 98 00 01","2023-03-26"\n'
    for columns, expected in (({}, None), ({"consent_record_id_column": "Record ID"}, "90210")):
        dataset = collected_dataset(collector)
        part = taken(collector, dataset, text, columns=columns)
        assert ("Create Date" in part["ignored_columns"]) is True
        collector.seal(dataset["id"])
        (*_, origin) = collector.lookup(ZOE)["origins"]
        found = [origin["consent_record_id"] for origin in collector.lookup(ZOE)["origins"]]
        assert expected in found if expected else set(found) == {None}, origin


CONSENT_NAMES = [
    *("ADDED_TIME", "created_time", "Horodateur", "Date d'inscription", "Date opt-in SMS", "consent_given_at"),
    *("opt_in_time_utc", "OPTIN_TIME", "CONFIRM_TIME", "consented_at", "Date de consentement", "Opt-in date"),
    *(
        "Date du consentement",
        "Date de l'opt-in",
        "Date de l'inscription",
        "Date et heure du consentement",
        "consent_ts",
    ),
    *("Date/Heure d'inscription", "Date de recueil du consentement", "Consenti le", "Inscrit le", "Date of consent"),
    *("Consent given date", "Phone Opt-in Date", "Opted in at", "consentDate"),
]
NAMES_OF_OTHER_TIMES = [
    *("Date de retrait du consentement", "consent expiry date", "Date de fin du consentement", "consent updated at"),
    "Date RGPD",
]


def test_upload_reads_consent_times_under_the_names_of_real_exports(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    wrong = []
    for name in CONSENT_NAMES:
        dataset = collected_dataset(collector)
        taken(collector, dataset, f"nom;telephone;{name}\nZoé;0639980001;2023-03-26 14:05:00\n")
        if stored(dsn, dataset)[ZOE] is None:
            wrong.append(name)
    assert wrong == []


def test_upload_reads_the_consent_to_be_called_and_not_that_to_mail(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    for mail, telephone in (
        ("email_optin_date", "sms_optin_date"),
        ("Email Marketing Consent Timestamp", "SMS Marketing Consent Timestamp"),
        ("newsletter_optin_at", "consent_at"),
        ("consent_at", "sms_consent_at"),
    ):
        for media_type in (CSV, NDJSON, PARQUET):
            dataset = collected_dataset(collector)
            content = written(["phone", mail, telephone], [["0639980001", "2023-03-27", "2022-01-01"]], media_type)
            part = taken(collector, dataset, content, media_type=media_type)
            assert (stored(dsn, dataset)[ZOE], part["ignored_columns"]) == (
                datetime(2021, 12, 31, 23, tzinfo=UTC),
                # In NDJSON, a line that lacks the time would have it from there.
                [] if (mail, media_type) == ("consent_at", NDJSON) else [mail],
            )


def test_upload_reads_times_with_the_offset_in_the_name_of_their_column(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    for name, hour in (("consentedAtUtc", 14), ("Opt-in date (GMT)", 14), ("Consent date (UTC−03:00)", 17)):
        for media_type in (CSV, NDJSON, PARQUET):
            dataset = collected_dataset(collector)
            content = written(["phone", name], [["0639980001", "2023-03-26 14:05"]], media_type)
            taken(collector, dataset, content, media_type=media_type)
            assert stored(dsn, dataset)[ZOE] == datetime(2023, 3, 26, hour, 5, tzinfo=UTC)
    dataset = collected_dataset(collector)
    text = "phone;Created (GMT+1)\n0639980001;26/03/2023 14:05\n"
    taken(collector, dataset, text, columns={"consented_at_column": "Created (GMT+1)"})
    assert stored(dsn, dataset)[ZOE] == datetime(2023, 3, 26, 13, 5, tzinfo=UTC)


def test_upload_names_columns_about_consent_that_are_not_read(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    for name in NAMES_OF_OTHER_TIMES:
        dataset = collected_dataset(collector)
        # In a form that is not read, so that only the name shows what it is.
        part = taken(collector, dataset, f"nom;telephone;{name}\nZoé;0639980001;le 26 03 2023\n")
        assert (stored(dsn, dataset)[ZOE], part["ignored_columns"]) == (None, [name])


def test_upload_of_several_consent_columns_reads_the_filled_one_and_names_the_others(
    registry: Registry, dsn: str
) -> None:
    collector = registry.collector()
    moment = "2023-03-26 14:05:00"
    for header, cells, ignored in (
        ("OPTIN_TIME;CONFIRM_TIME", f";{moment}", ["OPTIN_TIME"]),
        ("CONFIRM_TIME;OPTIN_TIME", f"{moment};", ["OPTIN_TIME"]),
        ("heure_consentement;date_consentement", f"14:05;{moment}", ["heure_consentement"]),
        ("created_time;consented_at", f"2020-01-05;{moment}", ["created_time"]),
        ("consent_date;optin_date", f"{moment};2020-01-05", ["optin_date"]),
        ("signup;consent_date;dernier achat", f"x;{moment};2020-01-05", ["dernier achat"]),
    ):
        dataset = collected_dataset(collector)
        part = taken(collector, dataset, f"telephone;{header}\n0639980001;{cells}\n")
        assert part["ignored_columns"] == ignored, header
        time = stored(dsn, dataset)[ZOE]
        assert time is not None, header
        assert f"{time:%Y-%m-%d %H:%M}" == "2023-03-26 12:05", header


def test_upload_parquet_of_several_consent_columns_reads_the_filled_one(registry: Registry, dsn: str) -> None:
    collector = registry.collector()
    moment = datetime(2023, 3, 26, 14, 5, tzinfo=UTC)
    for filled, empty in (("OPTIN_TIME", "CONFIRM_TIME"), ("CONFIRM_TIME", "OPTIN_TIME")):
        file = io.BytesIO()
        columns = {"telephone": ["0639980001", "0639980002"], filled: [None, moment], empty: [None, None]}
        pl.DataFrame(columns, schema_overrides={empty: pl.Datetime}).select(sorted(columns)).write_parquet(file)
        dataset = collected_dataset(collector)
        part = taken(collector, dataset, file.getvalue(), media_type=PARQUET)
        assert (part["ignored_columns"], stored(dsn, dataset)) == ([empty], {ZOE: None, LEO: moment})


READ_TIMES = [
    *((cell, None) for cell in ("26-MAR-2023", "26 mars 2023", "20230326", "2023-085", "2023-W12-7")),
    *(
        ("03/26/2023", "month_first"),
        ("26/03/23", "%d/%m/%y"),
        ("45011", "excel_1900"),
        ("1679785200", "epoch_seconds"),
    ),
]
UNREAD_TIMES = ["26/03/23", "45011", "1679785200", "03/26/2023"]


def test_upload_of_several_consent_columns_knows_times_in_every_form(registry: Registry, dsn: str) -> None:
    """Whatever its form, the time under the certain name is read, or its line is not: the other is never taken."""
    collector = registry.collector()
    wrong = []
    for cell, stated in [*READ_TIMES, *((cell, None) for cell in UNREAD_TIMES)]:
        for header, cells in (
            ("date_optin;created_time", f"{cell};2022-12-02"),
            ("created_time;date_optin", f"2022-12-02;{cell}"),
        ):
            dataset = collected_dataset(collector)
            text = f"telephone;{header}\n0639980001;{cells}\n"
            put_file(collector, dataset, text, columns={"date_format": stated} if stated else {})
            expected = {ZOE: datetime(2023, 3, 25, 23, tzinfo=UTC)} if (cell, stated) in READ_TIMES else {}
            if (found := stored(dsn, dataset)) != expected:
                wrong.append((cell, stated, header, found))
    assert wrong == []


def test_answers_name_the_columns_that_were_read_and_count_consent_times(registry: Registry) -> None:
    collector = registry.collector()
    dataset = collected_dataset(collector)
    header = "nom;telephone;date_consentement;Create Date;contact 2\n"
    moment = "2023-03-26 14:05"
    lines = f"Zoé;0639980001;{moment};2020-01-01;0639980003\nLéo;0639980002;;2020-01-02;0639980004\nEva;x;;;\n"
    part = taken(collector, dataset, header + lines)
    read = [
        {"role": "phone", "name": "telephone", "position": 2},
        {"role": "consented_at", "name": "date_consentement", "position": 3},
    ]
    assert (part["read_columns"], part["accepted_count"], part["consent_count"]) == (read, 2, 1)
    assert part["ignored_columns"] == ["Create Date", "contact 2"]
    # Names that are not known may be cells of a data row, and are not stored.
    (listed,) = collector.get(f"/v1/datasets/{dataset['id']}/parts")
    assert (listed["read_columns"], listed["ignored_columns"]) == (read, ["4", "5"])
    later = f"telephone;nom;date_consentement;Create Date;contact 2\n0639980005;Ida;{moment};2020-01-01;\n"
    assert taken(collector, dataset, later, part=2)["read_columns"][0]["position"] == 1
    collector.seal(dataset["id"])
    found = collector.get(f"/v1/datasets/{dataset['id']}")
    assert (found["accepted_count"], found["consent_count"]) == (3, 2)
    assert {(column["name"], column["position"]) for column in found["read_columns"]} == {
        *(("telephone", 1), ("telephone", 2), ("date_consentement", 3)),
    }
    assert found["ignored_columns"] == ["4", "5"]


def test_answers_about_the_columns_of_a_dataset_are_for_its_holder(registry: Registry) -> None:
    broker, party = registry.broker(), registry.party()
    dataset = open_dataset(broker)
    taken(broker, dataset, "Zoé;0639980001\n")
    broker.seal(dataset["id"])
    hand_over(broker, dataset, party)
    names = ("accepted_count", "consent_count", "read_columns", "ignored_columns")
    phone = [{"role": "phone", "name": None, "position": 2}]
    assert [broker.get(f"/v1/datasets/{dataset['id']}")[name] for name in names] == [1, 0, phone, []]
    assert [party.get(f"/v1/datasets/{dataset['id']}")[name] for name in names] == [None] * 4
