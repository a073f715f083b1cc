"""The countries of numbers: columns of countries and calling codes beside them.

The cases have the numbers of `tests/intake/README.md`.
"""

from io import BytesIO

import polars as pl
import pytest

from tests.builders import open_dataset
from tests.callers import Registry
from tests.dataset.files import (
    CSV,
    NDJSON,
    PARQUET,
    put_file,
    refused,
    rejects,
    stored,
    taken,
    written,
)

pytestmark = pytest.mark.one_registry

ZOE, LEO, EVA = "+33639980001", "+33639980002", "+33639980003"


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
    *(
        "shipping_country_code",
        "phone prefix",
        "pays de livraison",
        "country_id",
        "country_id/name",
        "Address 1 - Country",
    ),
    *(
        "Pays_id",
        "code_du_pays",
        "pays_code",
        "Indicatif du pays",
        "Code international",
        "Pays payeur",
        "Pays du client",
    ),
    *("Country Code (Phone)", "Primary Address Country", "billing_address.country", "Person - Country", "Land"),
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
        "phone;code\n470123456;32\n",
        "phone;pays;prefixe\n470123456;;+32\n470123457;;+32\n",
        "phone;indicatif;code\n0470123456;;32\n",
        "phone;pays;code\n0470123456;FR;32\n",
        "phone;pays;country;indicatif\n0470123456;;BE;\n0639980002;FR;;33\n",
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
        ("Prefix;phone;opt-in\nMr;0639980001;No\n", ["opt-in"]),
        ("age;phone\n33;0639980001\n32;0639980002\n", []),
    ):
        part = taken(broker, open_dataset(broker), text)
        assert (part["ignored_columns"], len(part["read_columns"])) == (ignored, 1), text


def test_upload_reads_the_country_of_later_lines_where_the_first_numbers_state_their_own(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    abroad = [[f"+33639980{at:03}", "Europe"] for at in range(300)]
    lines = [*abroad, ["0470123456", "BE"], ["0639980350", "Europe"]]
    for media_type in (CSV, PARQUET):
        dataset = open_dataset(broker)
        taken(broker, dataset, written(["phone", "pays"], lines, media_type), media_type=media_type)
        assert "+32470123456" in stored(dsn, dataset)
        assert [reason for _, _, reason in rejects(broker, dataset)] == ["country_unknown"]
    # Of NDJSON more is seen before the first line is read.
    content = written(["phone", "pays"], lines, NDJSON)
    assert refused(broker, open_dataset(broker), content, media_type=NDJSON)[0] == "country_unreadable"


def test_upload_reads_calling_codes_of_later_lines_under_a_name_that_does_not_say_so(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    for name, early, late in (("code", "33", "32"), ("prefixe", "", "+32"), ("code", "+33", "+32")):
        lines = [[f"+33639980{at:03}", early] for at in range(300)]
        for media_type in (CSV, NDJSON, PARQUET):
            # Of NDJSON more is seen before the first line is read.
            wide = [[*line, "x" * 300] for line in [*lines, ["470123456", late]]]
            dataset = open_dataset(broker)
            taken(broker, dataset, written(["phone", name, "note"], wide, media_type), media_type=media_type)
            assert "+33470123456" not in stored(dsn, dataset), (name, media_type)
            assert "+32470123456" in stored(dsn, dataset) or rejects(broker, dataset) == [(1, 302, "country_unknown")]


def test_upload_parquet_with_countries_inside_of_a_column_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for number, refuses in (("0470123456", True), ("+32470123456", False)):
        file = BytesIO()
        address = [{"city": "Bruges", "country": "BE"}]
        # The names of a struct and of what is in it say together what that is.
        inner = {
            "consent": [{"date": "2023-03-26", "ip": "x"}],
            "optin": [{"at": "2023-03-26"}],
            "note": [{"at": "x"}],
        }
        pl.DataFrame({"phone": [number], "address": address, "id": [1], **inner}).write_parquet(file)
        dataset = open_dataset(broker)
        if refuses:
            slug, detail = refused(broker, dataset, file.getvalue(), media_type=PARQUET)
            assert (slug, "address.country" in detail) == ("country_column_unclear", True)
        else:
            part = taken(broker, dataset, file.getvalue(), media_type=PARQUET)
            assert part["ignored_columns"] == ["address.country", "consent.date", "optin.at"]
            assert [*stored(dsn, dataset)] == ["+32470123456"]


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
        ("Indicatif du pays;telephone\n32;0470123456\n", "+32470123456"),
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
