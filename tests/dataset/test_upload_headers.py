"""Which line is a header: titles above it, digits in it, and headers of later parts in other words or places."""

import pytest

from tests.builders import open_dataset
from tests.callers import Registry
from tests.dataset.files import collected_dataset, refused, rejects, stored, taken

pytestmark = pytest.mark.one_registry

ZOE, LEO = "+33639980001", "+33639980002"
FIRST = "nom;telephone;ville\nZ;0639980001;Paris\n"


def test_upload_later_part_with_a_header_in_other_words_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, FIRST)
    question = "Quel est le numéro de la personne à prévenir en cas d'urgence, que nous appelons si vous êtes malade ?"
    headers = (
        "client;numero;telephone",
        "client;mobile;telephone",
        "client;contact_urgence;agence;note",
        "client;contact_urgence",
        "client;urgence;agence 75012 A",
        "client;contact 2023-2024;ville",
        "client;secours (depuis 01/2024);agence",
        f"client;{question};agence",
        "client;;agence",
        "client;;2024-2025",
        "Liste;;",
        "# contacts",
        "Export du 26/03/2023 14:05;;\nnom;ville;telephone",
    )
    wrong = [
        (header, slug)
        for header in headers
        if (slug := refused(broker, dataset, f"{header}\nZ;0639980002;0639980003\n", part=2)[0]) != "header_differs"
    ]
    assert wrong == []
    assert refused(broker, dataset, "Z;0639980002;Lyon\n", part=2, columns={"header": "true"})[0] == "no_header"
    assert "leave it out" not in refused(broker, dataset, "client;x;y\nZ;0639980002;Lyon\n", part=2)[1]
    other = "Z;inconnu;Lyon\nZ;0639980002;Lyon\n"
    for header in ("true", None):
        slug, detail = refused(broker, dataset, other, part=2, columns={} if header is None else {"header": header})
        assert (slug, "header=false" in detail) == ("header_differs", True)
    assert [*stored(dsn, dataset)] == [ZOE]
    taken(broker, dataset, other, part=2, columns={"header": "false"})
    taken(broker, dataset, "client;portable;agence\nZ;0639980003;Lyon\n", part=3)
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO, "+33639980003"]
    assert rejects(broker, dataset) == [(2, 1, "not_a_number")]


def test_upload_later_part_whose_header_has_another_name_for_the_consent_time_is_refused(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    dataset = collected_dataset(broker)
    taken(broker, dataset, "telephone;date_optin;maj\n0639980001;2023-03-26;2023-12-01\n")
    later = "mobile;created_time;date_optin\n0639980002;2023-12-02;2023-03-27\n"
    assert refused(broker, dataset, later, part=2)[0] == "header_differs"
    assert [*stored(dsn, dataset)] == [ZOE]


def test_upload_later_part_that_begins_with_a_time_of_consent_has_no_header(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = collected_dataset(broker)
    taken(broker, dataset, "nom;telephone;date_optin\nA;0639980001;26/03/2023\n")
    for part, cell in enumerate(("", "112", "NULL", "06 39 98 00 02 (perso)"), start=2):
        sent = taken(broker, dataset, f"B;{cell};27/03/2023\nC;063998001{part};27/03/2023\n", part=part)
        assert (sent["has_header"], sent["accepted_count"], sent["rejected_count"]) == (False, 1, 1)
    other = open_dataset(broker)
    taken(broker, other, "A;0639980001\n")
    assert "leave it out" in refused(broker, other, "telephone;nom\n0639980002;A\n", part=2)[1]


def test_upload_header_with_digits_of_its_own_is_asked_about(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for name in ("2023-2024", "26/03/2023", "20230326", "export 202303261405"):
        dataset = collected_dataset(broker)
        text = f"telephone;date_consentement;{name}\n0639980001;26/03/2023;x\n0639980002;27/03/2023;x\n"
        assert refused(broker, dataset, text)[0] == "header_unclear"
        part = taken(broker, dataset, text, columns={"header": "true"})
        assert (part["has_header"], part["consent_count"], len(stored(dsn, dataset))) == (True, 2, 2)
    dataset = open_dataset(broker)
    taken(broker, dataset, "nom;telephone;secours;2024-2025\nA;0639980001;0639980009;1\n", columns={"header": "true"})
    taken(broker, dataset, "nom;secours;telephone;2024-2025\nB;0639980008;0639980002;1\n", part=2)
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO]


def test_upload_later_part_in_utf_8_after_one_in_utf_16_is_read(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, FIRST.encode("utf-16"))
    taken(broker, dataset, "nom;telephone;ville\nÉva;0639980002;Béziers\n", part=2)
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO]


TITLES = [
    *("Export du 26/03/2023 14:05", "Export du 26/03/2023 14:05;;", "26/03/2023;;", "Liste;;", "# contacts"),
    *("Telephone;0199000001;", "0199000001;;", "Contacts;0199000001"),
]


@pytest.mark.parametrize("header", ["nom;telephone;date_consentement", "nom;telephone 1;date_consentement 2023"])
@pytest.mark.parametrize("title", TITLES)
def test_upload_with_a_title_above_the_header_is_refused(registry: Registry, title: str, header: str) -> None:
    broker = registry.broker()
    lines = "".join(f"A;06399800{at:02};26/03/2023\n" for at in range(10))
    text = f"{title}\n{header}\n{lines}"
    assert refused(broker, collected_dataset(broker), text)[0] == "lines_above_header"


def test_upload_part_without_a_header_beside_a_header_with_more_columns_is_refused(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    for name, cell in (("pays", "BE"), ("date_optin", "2023-03-26")):
        dataset = collected_dataset(broker)
        taken(broker, dataset, "telephone;nom;ville\n0639980001;A;Paris\n")
        taken(broker, dataset, f"telephone;nom;{name}\n+32470123455;B;{cell}\n", part=2)
        assert refused(broker, dataset, f"0470123456;Jan;{cell}\n", part=3)[0] == "columns_elsewhere"
        assert sorted(stored(dsn, dataset)) == ["+32470123455", ZOE]
