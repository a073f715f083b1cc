"""Which line is read: stray delimiters, missing cells, headers of later parts, and first lines that are not headers.

The cases have the numbers of `tests/intake/README.md`.
"""

import pytest

from tests.builders import open_dataset
from tests.callers import Registry
from tests.dataset.files import collected_dataset, put_file, refused, rejects, stored, taken

pytestmark = pytest.mark.one_registry

ZOE, LEO, EVA = "+33639980001", "+33639980002", "+33639980003"


def test_upload_line_with_a_stray_delimiter_is_rejected_and_shown(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    cases = {
        "nom;fixe;mobile\nDurand;0199000001;0639980001\nDupont; Jean;0199000002;0639980002\n": {"column": "mobile"},
        "name,landline,cell\nDurand,0199000001,0639980001\nSmith, Bob,0199000002,0639980002\n": {},
        'nom;fixe;mobile\n"Durand";0199000001;0639980001\n"Dupont";Jean;0199000002;0639980002\n': {},
        'nom;fixe;mobile\nDurand;0199000001;0639980001\n"a\\"; b";0199000002;0639980002;x\n': {},
        "nom;fixe;mobile;;\nDurand;0199000001;0639980001;;\nDupont; Jean;0199000002;0639980002;\n": {},
        "nom;fixe;mobile;note\nDurand;0199000001;0639980001;\nDupont; Jean;0199000002;0639980002;\n": {},
        "Durand;;+33639980001\n" * 1 + "Dupont; Jean;0199000002;0639980002\nDurand;;\n": {"column": "3"},
    }
    wrong = []
    for text, columns in cases.items():
        dataset = open_dataset(broker)
        taken(broker, dataset, text, columns=columns)
        reasons = [reason for _, _, reason in rejects(broker, dataset) if reason != "empty"]
        raw = broker.request("GET", f"/v1/datasets/{dataset['id']}/rejects.csv").text
        if [*stored(dsn, dataset)] != [ZOE] or reasons != ["too_many_fields"] or "0199000002" not in raw:
            wrong.append((text, stored(dsn, dataset), reasons, raw))
    assert wrong == []


def test_upload_line_with_fewer_fields_is_rejected_and_shown(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, "nom;telephone;fixe\nZoé,0639980003\nLéo;0639980002;\n0639980004;0199000001\n")
    assert [*stored(dsn, dataset)] == [LEO]
    assert rejects(broker, dataset) == [(1, 2, "too_few_fields"), (1, 4, "too_few_fields")]
    assert "Zoé,0639980003" in broker.request("GET", f"/v1/datasets/{dataset['id']}/rejects.csv").text


def test_upload_line_with_other_fields_is_rejected_with_their_counts(registry: Registry) -> None:
    broker = registry.broker()
    wrong = []
    for text, counts in (
        (
            "nom;fixe;mobile\nA;;0639980001\nD; J;;0639980002\n",
            "has 4 fields, and the header or the other lines have 3,",
        ),
        ("nom;fixe;mobile\nA;;0639980001\n0639980002\n", "has 1 field, and the header or the other lines have 3,"),
        # Delimiters stand at the end of each line, and one of these fields is filled.
        ("nom;mobile;;\nA;0639980001;;\nD; J;0639980002;\n", "has 3 fields, and the header or the other lines have 2,"),
        (
            'nom;mobile;;\nA;0639980001;;\nD; J;"0639980002";\n"',
            "has 3 fields, and the header or the other lines have 2,",
        ),
    ):
        dataset = open_dataset(broker)
        taken(broker, dataset, text, columns={"column": "mobile"})
        explanation = broker.get(f"/v1/datasets/{dataset['id']}/rejects")["items"][0]["explanation"]
        download = broker.request("GET", f"/v1/datasets/{dataset['id']}/rejects.csv").text
        if counts not in explanation or explanation not in download:
            wrong.append((text, explanation, download))
    assert wrong == []


def test_upload_lines_with_empty_fields_at_their_end_are_read(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for text in (
        "nom;tel\nZoé;0639980001;\nLéo;0639980002;\n",
        "nom;tel;;\nZoé;0639980001;;\nLéo;0639980002;;\n",
        "nom;tel;;\nZoé;0639980001\nLéo;0639980002\n",
        'nom;tel\nZoé;0639980001; ;""\nLéo;0639980002;;\n',
    ):
        dataset = open_dataset(broker)
        assert taken(broker, dataset, text)["rejected_count"] == 0, text
        assert [*sorted(stored(dsn, dataset))] == [ZOE, LEO], text


def test_upload_odd_spaces_in_fields_that_should_be_empty_count_alike_however_they_are_read(registry: Registry) -> None:
    broker = registry.broker()
    wrong = []
    for sign in ("\u2028", "\u0085", "\x0c", "\u00a0"):
        # An unclosed quote sends a part to the reader that goes record by record.
        for last in ("", 'Luc;";\n'):
            dataset = open_dataset(broker)
            taken(broker, dataset, f"nom;tel\nZoé;0639980001;\nLéo;0639980002;{sign}\nEva;0639980003;\n{last}")
            if (1, 3, "too_many_fields") not in rejects(broker, dataset):
                wrong.append((sign, last, rejects(broker, dataset)))
    assert wrong == []


def test_upload_later_part_with_its_columns_in_another_order_is_read_by_name(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = collected_dataset(broker)
    taken(broker, dataset, "telephone;date_consentement;date_modification\n0639980001;26/03/2023;01/01/2024\n")
    second = "telephone;date_modification;date_consentement\n0639980002;02/01/2026;27/03/2023\n"
    taken(broker, dataset, second, part=2)
    found = {number: time and f"{time:%d/%m/%Y %H}" for number, time in stored(dsn, dataset).items()}
    assert found == {ZOE: "25/03/2023 23", LEO: "26/03/2023 22"}
    other = open_dataset(broker)
    by_name, by_place = {"column": "contact"}, {"column": "2"}
    for columns in (by_name, by_place):
        taken(broker, other, "nom;contact;secours\nA;0639980001;0639980003\n", columns=columns)
        taken(broker, other, "nom;secours;contact\nB;0639980004;0639980002\n", columns=columns and by_name, part=2)
        assert sorted(stored(dsn, other)) == [ZOE, LEO]
        assert rejects(broker, other) == []


def test_upload_later_part_in_another_encoding_is_read_by_the_names_of_its_header(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, "prénom;téléphone;réf\nZoé;0639980001;0639980007\n".encode("latin-1"))
    taken(broker, dataset, "prénom;réf;téléphone\nZoé;0639980003;0639980002\n", part=2)
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO]


def test_upload_later_part_without_a_header_may_begin_with_words_if_that_is_stated(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, "nom;contact;secours\nA;0639980001;\n", columns={"column": "contact"})
    cut = "Durand;néant;aucun\nB;0639980002;0639980004\n"
    assert refused(broker, dataset, cut, part=2)[0] == "header_differs"
    taken(broker, dataset, cut, part=2, columns={"header": "false"})
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO]
    assert rejects(broker, dataset) == [(2, 1, "not_a_number")]


def test_upload_first_line_is_a_header_or_not_as_stated(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, "inconnu\n0639980001\n", columns={"header": "false"})
    assert ([*stored(dsn, dataset)], rejects(broker, dataset)) == ([ZOE], [(1, 1, "not_a_number")])
    other = open_dataset(broker)
    assert refused(broker, other, "0639980001;x\n0639980002;y\n", columns={"header": "true"})[0] == "no_header"
    assert taken(broker, other, "a1;b2\nx;0639980001\ny;0639980002\n", columns={"header": "true"})["line_count"] == 2


def test_upload_later_part_of_two_columns_where_the_first_has_one_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker, default_region="DE")
    taken(broker, dataset, "telefon\n0301234567\n", columns={"column": "1"})
    for text in ("0301234567\t7\n0301234568\t8\n", "telefon;ort\n0301234567;Berlin\n", "0301234567,2\n0301234568,3\n"):
        assert refused(broker, dataset, text, part=2)[0] == "columns_differ"
    assert [*stored(dsn, dataset)] == ["+49301234567"]


def test_upload_part_without_a_header_that_may_go_on_from_another_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, "nom;telephone;secours\nA;0639980001;0639980011\n")
    elsewhere = "nom;secours;telephone\nB;0639980012;0639980002\n"
    taken(broker, dataset, elsewhere, part=3)
    slug, detail = refused(broker, dataset, "C;0639980013;0639980003\n", part=4)
    assert (slug, "Part 4 has no header" in detail) == ("columns_elsewhere", True)
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO]
    other = open_dataset(broker)
    taken(broker, other, "nom;telephone;secours\nA;0639980001;0639980011\n")
    taken(broker, other, "C;0639980003;0639980013\n", part=2)
    assert refused(broker, other, elsewhere)[0] == "columns_elsewhere"
    assert sorted(stored(dsn, other)) == [ZOE, EVA]


def test_upload_joined_files_are_refused_if_the_second_has_its_columns_elsewhere(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    first = "nom;telephone;secours;date_optin\nA;0639980001;0639980011;\n"
    for header in (
        *("nom;secours;telephone;date_optin", "date_optin;Nom;TELEPHONE;secours", "client;id;gsm;created"),
        *("NOM;;Téléphone;date_optin", "nom;0;telephone;", "nom;2ème contact;telephone;x", "nom;(secours);telephone;x"),
        *(
            "nom;secours 2024/2025;telephone;x",
            "nom;secours 1;n° de tél. (12345);x",
        ),
    ):
        slug, detail = refused(broker, dataset, f"{first}{header}\nB;0639980012;0639980002;\n")
        assert (slug, "Line 3 is a header" in detail) == ("second_header", True)
    assert stored(dsn, dataset) == {}
    words = "B;mobile;;inconnu\nC;inconnu;0639980012;NULL\n"
    taken(broker, dataset, f"{first}{words}nom;telephone;secours;date_optin\nB;0639980002;0639980012;\n")
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO]
    assert [line for _, line, _ in rejects(broker, dataset)] == [3, 4, 5]


def test_upload_joined_files_are_refused_if_the_second_has_another_consent_time(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    dataset = collected_dataset(broker)
    first = "nom;telephone;date_optin;maj\nA;0639980001;26/03/2023;1\n"
    for header in (
        "nom;telephone;2e relance;date_optin",
        "nom;telephone;(1) maj;date_optin",
        "client;mobile;cree;optin",
    ):
        text = f"{first}{header}\nB;0639980002;27/03/2023;26/04/2023\n"
        assert refused(broker, dataset, text)[0] == "second_header"
    assert stored(dsn, dataset) == {}


def test_upload_joined_files_are_refused_if_the_second_has_a_country_or_consent_more(
    registry: Registry, dsn: str
) -> None:
    broker = registry.broker()
    for name, cell in (("pays", "BE"), ("date_optin", "26/03/2023")):
        dataset = collected_dataset(broker)
        text = f"nom;telephone;x;y\nA;0639980001;{cell};1\nnom;telephone;{name};y\nB;0470123456;{cell};1\n"
        assert refused(broker, dataset, text)[0] == "second_header"
    # A name of a column that is not read is no other role: the first header has it too.
    dataset = collected_dataset(broker)
    first = "nom;telephone;date_optin;created_at\nA;0639980001;26/03/2023;\n"
    taken(broker, dataset, f"{first}nom;telephone;date_optin;created_at\nB;0639980002;27/03/2023;\n")
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO]


@pytest.mark.parametrize(
    "text",
    [
        "nom;telephone;contact_prefere\nA;0639980001;mobile\nB;inconnu;mobile\nC;;telephone\nD;0639980002;telephone\n",
        "nom;type;telephone\nA;Mobile;0639980001\nDupont;Portable;inconnu\nB;Fixe;0639980002\n",
        "type;telephone\nMobile;0639980001\nMobile;NC\nMobile;0639980002\n",
        "Type;Numéro;Nom\nMobile;0639980001;A\nMobile;Privé;B\nFixe;0639980002;C\n",
        "telephone;type\n0639980001;mobile\n0639980002;fixe\ninconnu;mobile\n",
    ],
)
def test_upload_words_in_place_of_a_number_are_no_second_header(registry: Registry, dsn: str, text: str) -> None:
    broker = registry.broker()
    dataset = open_dataset(broker)
    taken(broker, dataset, text)
    assert sorted(stored(dsn, dataset)) == [ZOE, LEO]


def test_upload_answers_whether_the_first_line_was_a_header(registry: Registry) -> None:
    broker = registry.broker()
    for text, has_header in (("Zoé;;Paris\nLéo;0639980001;Lyon\n", True), ("Zoé;0639980001\n", False)):
        dataset = open_dataset(broker)
        assert taken(broker, dataset, text)["has_header"] is has_header
        assert broker.get(f"/v1/datasets/{dataset['id']}/parts")[0]["has_header"] is has_header


def test_upload_later_part_from_another_column_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    first = "nom;contact;secours\nA;0639980001;0639980003\n"
    dataset = open_dataset(broker)
    taken(broker, dataset, first, columns={"column": "contact"})
    wrong = []
    for text, columns, slug in (
        ("nom;contact;secours\nB;0639980002;0639980004\n", {"column": "secours"}, "column_differs"),
        ("nom;contact;secours\nB;0639980002;0639980004\n", {"column": "3"}, "column_differs"),
        ("B;0639980002;0639980004\n", {"column": "3"}, "column_differs"),
        ("B;0639980002;0639980004\n", {"column": "secours"}, "column_not_found"),
        ("nom;secours;contact\nB;0639980004;0639980002\n", {"column": "2"}, "column_differs"),
        ("nom;secours;mail\nB;0639980004;x\n", {}, "header_differs"),
        ("nom;secours;téléphone\nB;0639980004;0639980002\n", {}, "header_differs"),
        ("client;contact urgence;agence\nB;0639980004;Lyon\n", {}, "header_differs"),
        ("client;secours 1;contact 2\nB;0639980004;0639980002\n", {}, "header_differs"),
        ("0639980002\n0639980003\n", {}, "columns_differ"),
    ):
        found = refused(broker, dataset, text, columns=columns, part=2)[0]
        if found != slug:
            wrong.append((text, columns, found))
    assert wrong == []
    assert [*stored(dsn, dataset)] == [ZOE]
    for columns in ({"column": "contact"}, {"column": "2"}, {}):
        taken(broker, dataset, "B;0639980002;0639980004\n", columns=columns, part=2)
        assert sorted(stored(dsn, dataset)) == [ZOE, LEO]


def test_upload_header_with_the_digits_of_a_number_is_asked_about(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    for header in (
        "telephone;date_consentement (du 01/01/2023 au 31/12/2023)",
        "telephone;date_consentement;export 202303261200",
        "horodateur;téléphone (ex : 06 12 34 56 78)",
    ):
        cells = ["2023-03-26"] * header.count(";")
        line = ";".join(["0639980001", *cells] if header.startswith("tel") else [*cells, "0639980001"])
        dataset = open_dataset(broker)
        slug, detail = refused(broker, dataset, f"{header}\n{line}\n")
        assert (slug, "header=true" in detail) == ("header_unclear", True)
        part = taken(broker, dataset, f"{header}\n{line}\n", columns={"header": "true"})
        assert ([*stored(dsn, dataset)], part["line_count"], part["has_header"]) == ([ZOE], 1, True)


def test_upload_first_line_with_a_number_is_not_taken_for_a_header(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    wrong = []
    for text, columns in (
        ("0639980001;mobile\n0639980002;mobile\n0639980003;fixe\n", {"column": "1"}),
        ("0639980001;mobile\n0639980002;mobile\n0639980003;fixe\n", {}),
        ("sms;+33639980001;2023-03-26\nsms;+33639980002;2023-03-26\nsms;+33639980003;2023-03-26\n", {"column": "2"}),
        ("Durand;0639980001;portable\nPetit;0639980002;\nRoy;0639980003;portable\n", {}),
        ("Cell;0639980001\nPetit;0639980002\nRoy;0639980003\n", {}),
        ("Durand;06 39 98 00 01 ;portable\nPetit;;portable\nRoy;0639980003;\nRoy;0639980002;\n", {}),
    ):
        dataset = open_dataset(broker)
        part = put_file(broker, dataset, text, columns=columns)
        if part.status_code != 200 or sorted(stored(dsn, dataset)) != [ZOE, LEO, EVA]:
            wrong.append((text, columns, part.text))
        elif part.json()["line_count"] != text.count("\n"):
            wrong.append((text, columns, part.json()))
    assert wrong == []


def test_seal_dataset_of_a_file_that_was_cut_in_a_line_is_refused(registry: Registry, dsn: str) -> None:
    broker = registry.broker()
    text = "nom;telephone;note\nZoé;0639980001;x\nLéo;+49 30 2312500000;y\nEva;0639980003;z\n"
    for cut in (text.index("231250"), text.index("Léo") + 2, text.index("y\n") + 1):
        dataset = open_dataset(broker)
        taken(broker, dataset, text[:cut])
        taken(broker, dataset, text[cut:], part=2)
        answer = broker.request("POST", f"/v1/datasets/{dataset['id']}/seal")
        if text[cut] == "\n":
            assert answer.status_code == 202
            continue
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:filiation:problem:part_cut")
        assert "Part 1 ends in the middle of a line" in answer.json()["detail"]
        end = text.index("Eva")
        taken(broker, dataset, text[:end])
        taken(broker, dataset, text[end:], part=2)
        assert broker.seal(dataset["id"])["number_count"] == 3
