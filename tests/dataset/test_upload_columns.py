"""Which column is read: by its name, by its cells only if they are telephone numbers, and never without a word.

The cases have the numbers of `tests/intake/README.md`.
"""

import io
import json
from datetime import UTC, datetime
from io import BytesIO

import polars as pl

from tests.builders import hand_over, open_dataset
from tests.callers import Registry
from tests.dataset.files import CSV, NDJSON, PARQUET, collected_dataset, put_file, refused, rejects, stored, taken

ZOE, LEO, EVA = "+33639980001", "+33639980002", "+33639980003"


# A single column, or numbers that are not those of the persons listed.
LISTS_OF_SOMETHING_ELSE = [
    *("siren\n732829320\n552100554\n", "732829320\n552100554\n", "ref client\n100200301\n", "siren\n"),
    *("fax\n0639980001\n", "tel_parent\n0639980001\n", "téléphone du parrain\n0639980001\n"),
    *(
        "nom;fax\nZoé;0639980001\n",
        "nom;contact_urgence\nZoé;0639980001\n",
        "nom;Personne à prévenir\nZoé;0639980001\n",
    ),
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


COUNTRIES = [
    ("nom;indicatif;telephone\nZoé;33;639980001\nJan;32;470123456\n", ["+32470123456", "+33639980001"]),
    ("nom;indicatif;telephone\nZoé;+33;0639980001\nJan;0032;0470 12 34 56\n", ["+32470123456", "+33639980001"]),
    (
        "nom;pays;telephone\nZoé;FR;0639980001\nJan;BE;0470 12 34 56\nEva;CH;079 123 45 67\nIle;RE;0692 12 34 56\n",
        ["+262692123456", "+32470123456", "+33639980001", "+41791234567"],
    ),
    (
        "Phone,Country\n0639980001,France\n0470 12 34 56,Belgique\n+41 79 123 45 67,Belgium\n0639980002,\n",
        ["+32470123456", "+33639980001", "+33639980002", "+41791234567"],
    ),
    (
        "phone,country,calling code\n0470123456,FR,32\n0639980001,BE,France (+33)\n",
        ["+32470123456", "+33639980001"],
    ),
    ("tel;code pays\n0470123456;BEL\n0639980001;fra\n", ["+32470123456", "+33639980001"]),
    ("nom;pays;telephone\nZoé;Bretagne;+33639980001\nLéo;Pays basque;+33639980002\n", [ZOE, LEO]),
]


def test_upload_reads_each_number_as_one_of_its_country(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    wrong = []
    for text, numbers in COUNTRIES:
        dataset = open_dataset(broker)
        answer = put_file(broker, dataset, text)
        if answer.status_code != 200 or sorted(stored(dsn, dataset)) != numbers:
            wrong.append((text, answer.text, sorted(stored(dsn, dataset))))
    assert wrong == []
    dataset = open_dataset(broker)
    part = taken(broker, dataset, "pays;telephone\nBE;0470123456\n", media_type=CSV)
    assert part["read_columns"][1] == {"role": "country", "name": "pays", "position": 1}
    ndjson = '{"phone": "0470123456", "country": "BE"}\n{"phone": "0639980001"}\n'
    other = open_dataset(broker)
    taken(broker, other, ndjson, media_type=NDJSON)
    assert sorted(stored(dsn, other)) == ["+32470123456", "+33639980001"]


TWO_COUNTRIES: list[tuple[str, list[str]]] = [
    # Where the first column is empty, the second counts.
    ("Indicatif;Pays;tel\n;BE;0470123456\n33;BE;0639980001\n;;0639980002\n", ["+32470123456", ZOE, LEO]),
    ("Pays;Indicatif;tel\nBE;;0470123456\n;33;0639980001\n", ["+32470123456", ZOE]),
    # Two that contradict each other reject the line, unless the first is about the number and not about the person.
    ("Code pays;Pays;tel\n33;Belgique;0470123456\n33;France;0639980001\n", [ZOE]),
    ("Billing Country;Shipping Country;tel\nFR;BE;0639980001\nFR;FR;0639980002\n", [LEO]),
    ("Phone Country;Country;tel\nFR;BE;0639980001\n", [ZOE]),
    ("Pays;Code pays;tel\nFR;FRA;0639980001\nFR;xx;0639980002\n", [ZOE, LEO]),
]


def test_upload_of_two_columns_of_countries_reads_both(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for text, numbers in TWO_COUNTRIES:
        header, *lines = text.splitlines()
        shuffled = [";".join(line.split(";")[::-1]) for line in (header, *lines)]
        datasets = [open_dataset(broker) for _ in range(3)]
        taken(broker, datasets[0], text)
        taken(broker, datasets[1], f"{header}\n;;{EVA}\n")
        taken(broker, datasets[1], "\n".join(shuffled), part=2)
        taken(broker, datasets[2], f"{header}\n;;{EVA}\n")
        taken(broker, datasets[2], "\n".join(lines), part=2)
        found = [set(stored(dsn, dataset)) - {EVA} for dataset in datasets]
        assert found == [set(numbers)] * 3, text
    dataset = open_dataset(broker)
    part = taken(broker, dataset, TWO_COUNTRIES[0][0])
    assert [column["role"] for column in part["read_columns"]] == ["phone", "country", "country"]
    parquet = BytesIO()
    pl.DataFrame({"pays": ["BE", ""], "indicatif": ["", "33"], "tel": ["0470123456", "0639980001"]}).write_parquet(
        parquet
    )
    dataset = open_dataset(broker)
    taken(broker, dataset, parquet.getvalue(), media_type=PARQUET)
    assert set(stored(dsn, dataset)) == {"+32470123456", ZOE}


COUNTRY_NAMES = [
    *("préfixe international", "ind. tel", "isd code", "tel_country_code", "Mobile Phone Country", "billing country"),
    *("shipping_country_code", "phone prefix", "pays de livraison"),
]


def test_upload_reads_countries_under_the_names_of_real_exports(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for name in COUNTRY_NAMES:
        dataset = open_dataset(broker)
        taken(broker, dataset, f"{name};phone\nBE;0470123456\n+33;0639980001\n")
        assert set(stored(dsn, dataset)) == {"+32470123456", ZOE}, name


def test_upload_beside_countries_under_other_names_is_refused_or_names_them(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for text in (
        "code;phone\n+32;470123456\n",
        "prefixe;phone\n32;470123456\n",
        "x;0032;0470123456\ny;+33;0639980001\n",
    ):
        slug, detail = refused(broker, open_dataset(broker), text)
        assert (slug, "country_column=" in detail) == ("country_column_unclear", True), text
    dataset = open_dataset(broker)
    taken(broker, dataset, "code;phone\n+32;470123456\n", columns={"country_column": "code"})
    assert [*stored(dsn, dataset)] == ["+32470123456"]
    for text, ignored in (
        ("region;phone\nBE;0639980001\n", ["region"]),
        ("nationalité;phone\nBelgique;0639980001\nFrance;0639980002\n", ["nationalité"]),
        ("region;phone\nFR;0639980001\n", []),
        ("Prefix;phone;opt-in\nMr;0639980001;No\n", []),
        ("age;phone\n33;0639980001\n32;0639980002\n", []),
        ("code;phone\n+32;+33639980001\n", []),
    ):
        part = taken(broker, open_dataset(broker), text)
        assert (part["ignored_columns"], len(part["read_columns"])) == (ignored, 1), text


def test_upload_reads_no_country_in_digits_of_two_meanings_or_in_what_stands_for_a_missing_one(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    french = "".join(f"FR;063998001{at}\n" for at in range(8))
    for cells in ("250", "380", "N/A", "NA", "S/O", "I/T"):
        dataset = open_dataset(broker)
        taken(broker, dataset, f"country code;phone\n{french}{cells};0639980001\n{cells};+33639980002\n")
        assert rejects(broker, dataset) == [(1, 10, "country_unknown")], cells
        assert len(stored(dsn, dataset)) == 9, cells
    for text in ("pays;telephone\n250;0639980001\n", "country;phone\n380;0612345678\n56;0470123456\n"):
        slug, detail = refused(broker, open_dataset(broker), text)
        assert (slug, "calling codes with +" in detail) == ("country_unreadable", True), text
    for text, number in (
        ("indicatif;telephone\n262;0692123456\n", "+262692123456"),
        ("country code;phone\n32;0470123456\n", "+32470123456"),
        ("pays;telephone\n+250;0781234567\n", "+250781234567"),
        ("code pays;telephone\nNULL;0639980001\n", ZOE),
    ):
        dataset = open_dataset(broker)
        taken(broker, dataset, text)
        assert [*stored(dsn, dataset)] == [number], text
    # The name of a column holds for a part without a header too.
    parts = open_dataset(broker)
    taken(broker, parts, "indicatif;telephone\n33;0639980001\n")
    taken(broker, parts, "262;0692123456\n", part=2)
    assert sorted(stored(dsn, parts)) == ["+262692123456", ZOE]


def test_upload_with_countries_that_cannot_be_read_is_refused_or_rejects_the_line(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    slug, detail = refused(broker, dataset, "nom;pays;telephone\nZoé;Bretagne;0639980001\nLéo;Corse;0639980002\n")
    assert (slug, "Column pays" in detail) == ("country_unreadable", True)
    lines = ["pays;telephone", *(f"FR;06399800{index:02}" for index in range(10, 20)), "?;0639980001", "?;+33639980002"]
    taken(broker, dataset, "\n".join(lines))
    assert len(stored(dsn, dataset)) == 11
    assert LEO in stored(dsn, dataset)
    assert rejects(broker, dataset) == [(1, 12, "country_unknown")]
    assert "0639980001; ?" in broker.request("GET", f"/v1/datasets/{dataset['id']}/rejects.csv").text
    chosen = open_dataset(broker)
    text = "domicile;telephone\nBE;0470123456\n"
    taken(broker, chosen, text, columns={"country_column": "domicile"})
    assert [*stored(dsn, chosen)] == ["+32470123456"]
