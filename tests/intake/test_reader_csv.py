"""CSV as in real files, and the same lines however the bytes are cut, encoded, quoted and compressed."""

import csv
import gzip
import io
import json
from itertools import product

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.columns.choice import ColumnChoice, IgnoredColumn
from service.intake.decoding import Encoding
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Compression, Format
from service.intake.names.roles import Role, role_of
from tests.examples import examples
from tests.intake.builders import Row, cut, phones, read_part

REAL = (
    "Nom;Téléphone;Date de consentement;id_consentement\n"
    "Dupont;06 39 98 00 00;05/02/2024;a\n"
    "\n"
    '"Du;\npont";0639980001;2024-02-05T12:00:00Z;"b ""c"""\n'
    "court\n"
    "Dupont;0639980002;demain;d;trop;long\n"
    "Dupont;0639980003;demain;d\n"
)
REAL_ROWS = [
    Row(2, "06 39 98 00 00", 1707087600, record_id="a"),
    Row(4, "0639980001", 1707134400, record_id='b "c"'),
    Row(6, "", 0, record_id=""),
    Row(7, "", 0, record_id=""),
    Row(8, "0639980003", 0, unreadable=True, record_id="d"),
]


def test_read_real_file_in_every_encoding_newline_and_delimiter_gives_the_same_rows() -> None:
    wrong = []
    for encoding, newline, delimiter in product(
        ("utf-8", "utf-8-sig", "windows-1252", "utf-16"), ("\n", "\r\n", "\r"), (",", ";", "\t", "|")
    ):
        text = REAL.replace(";", delimiter).replace("\n", newline)
        rows = read_part(text.encode(encoding))[1]
        if rows != REAL_ROWS:
            wrong.append((encoding, newline, delimiter, rows))
    assert wrong == []


PHONE_HEADERS = [
    *("telephone", "Téléphone", "TEL", "mobile", "portable", "numero", "Numéro", "gsm", "phone", "phone_number"),
    *("msisdn", "n° de téléphone", "N° Tél.", "numéro de portable", "Téléphone mobile", "tel1", "E164"),
    *("Mobile Phone", "telephone_portable", "Cell phone number"),
]


def test_read_part_finds_the_phone_column_by_its_name() -> None:
    found = {header: phones(f"ville;{header}\nLyon;0639980000\n".encode()) for header in PHONE_HEADERS}
    assert {header: cells for header, cells in found.items() if cells != ["0639980000"]} == {}


CONSENT_HEADERS = [
    ("consented_at", "consent_record_id"),
    ("consent_date", "id_consentement"),
    ("date_consentement", "consent_record_id"),
    ("Date d'opt-in", "identifiant_consentement"),
    ("date_optin", "consent_id"),
    ("optin_at", "ID preuve"),
]


def test_read_part_finds_the_consent_columns_by_their_names() -> None:
    expected = [Row(2, "0639980000", 1707087600, record_id="x1")]
    found = {
        (consent, record): read_part(f"{record},tel,{consent}\nx1,0639980000,2024-02-05\n".encode())[1]
        for consent, record in CONSENT_HEADERS
    }
    assert {headers: rows for headers, rows in found.items() if rows != expected} == {}


def test_read_part_without_header_reads_the_column_that_looks_like_numbers() -> None:
    part = b"Dupont,75001,2024-01-01,+33 6 39 98 00 00\nMartin,69002,2024-01-02,+33 6 39 98 00 01\n"
    assert phones(part) == ["+33 6 39 98 00 00", "+33 6 39 98 00 01"]


def test_read_part_without_header_prefers_numbers_with_a_prefix() -> None:
    assert phones(b"123456789,0639980000\n987654321,0639980001\n") == ["0639980000", "0639980001"]


def test_read_part_of_numbers_only_keeps_two_numbers_in_a_cell_together() -> None:
    assert phones(b"0639980000\n0639980001, 0639980002\n0639980003\n0639980004") == [
        "0639980000",
        "0639980001, 0639980002",
        "0639980003",
        "0639980004",
    ]


def test_read_part_with_a_chosen_column_reads_that_column() -> None:
    for column in ("2", "Contact", "contact"):
        reader, rows = read_part(b"tel;Contact\n0639980000;0639980001\n", columns=ColumnChoice(phone=column))
        assert [row.phone for row in rows] == ["0639980001"], column
        assert reader.ignored_columns == [IgnoredColumn("tel", "tel")], column


UNREADABLE: list[tuple[bytes, dict[str, str], str, str]] = [
    (b"", {}, "empty_part", "no lines"),
    (b"\n\n", {}, "empty_part", "no lines"),
    (b"nom;ville\nDupont;Lyon\n", {}, "phone_column_unclear", "nom, ville"),
    (b"tel;mobile\n0639980000;0639980001\n", {}, "phone_column_unclear", "tel, mobile"),
    (b"0639980000;0639980001\n", {}, "phone_column_unclear", "column="),
    (b"a;tel\nb;0639980000\n", {"phone": "3"}, "column_not_found", "only 2 columns"),
    (b"a;tel\nb;0639980000\n", {"phone": "0"}, "column_not_found", "from 1"),
    (b"a;tel\nb;0639980000\n", {"phone": "fax"}, "column_not_found", "a, tel"),
    (b"tel\n06\0\n", {}, "not_text", "not text"),
    (b"PK\x03\x04", {}, "wrong_format", "Excel"),
    (b"tel\n" + b"x" * (2 << 20), {}, "line_too_long", "1 MiB"),
    (b"tel\n" + b"x" * (2 << 20) + b"\n06\n", {}, "line_too_long", "1 MiB"),
]


def test_read_header_with_a_name_less_than_fields_above_counted_lines_asks_for_the_name() -> None:
    """So R writes it. With a delimiter at the end of each line, the first field has a name, or does not count."""
    wrong = []
    for header, lines, is_refused in (
        ("fixe;mobile;note", "1;0199000001;0639980001;\n2;0199000001;0639980001;\n", True),
        ('"fixe";"mobile";"note"', '"1";0199000001;0639980001;"x"\n"2";0199000001;0639980001;"x"\n', True),
        ("mobile;date_optin;date_export", "0;0639980001;2023-03-26;\n1;0639980001;2023-03-26;\n", True),
        (";fixe;mobile;note", "1;0199000001;0639980001;\n2;0199000001;0639980001;\n", False),
        ("fixe;mobile;note;", "1;0639980001;;\n2;0639980001;;\n", False),
        ("id;mobile;note", "1;0639980001;x;\n2;0639980001;x;\n", False),
        ("cp;mobile;note", "3;0639980001;x;\n7;0639980001;x;\n", False),
        ("cp;mobile", "1;0639980001;\n1;0639980001;\n", False),
    ):
        try:
            read_part(f"{header}\n{lines}".encode(), columns=ColumnChoice(phone="mobile"))
            found = False
        except UnreadablePart as problem:
            found = problem.slug == "header_too_short"
        if found != is_refused:
            wrong.append((header, lines, found))
    assert wrong == []


def test_read_unreadable_part_says_what_to_do_and_shows_no_number() -> None:
    wrong = []
    for part, columns, slug, text in UNREADABLE:
        with pytest.raises(UnreadablePart) as problem:
            read_part(part, columns=ColumnChoice(**columns))
        detail = problem.value.detail
        if problem.value.slug != slug or text not in detail or "0639" in detail:
            wrong.append((part[:40], columns, problem.value.slug, detail))
    assert wrong == []


def test_read_quote_after_other_delimiters_uses_the_right_delimiter() -> None:
    part = b'nom;telephone;consent_record_id\n;;"\n,"\nZo;0639980000;x\n'
    _, rows = read_part(part)
    assert [(row.line, row.phone) for row in rows] == [(2, ""), (4, "0639980000")]


def test_choose_column_by_a_number_is_refused_without_repeating_it() -> None:
    with pytest.raises(UnreadablePart) as problem:
        ColumnChoice(phone="0639980000")
    assert "0639980000" not in problem.value.detail


def test_read_later_part_with_or_without_header_uses_the_dialect_of_the_first() -> None:
    first, _ = read_part("Nom;Téléphone;consented_at\nDupont;0639980000;2024-02-05\n".encode("windows-1252"))
    assert first.dialect is not None
    stored = Dialect.from_json(first.dialect.to_json())
    assert stored == first.dialect
    assert stored.encoding is Encoding.WINDOWS_1252
    for repeated in ("", "Nom;Téléphone;consented_at\n"):
        part = (repeated + "Hélène;0639980001;2024-02-05\n").encode("windows-1252")
        _, rows = read_part(part, dialect=stored)
        assert rows == [Row(1 + bool(repeated), "0639980001", 1707087600)]


def test_read_later_part_recognises_the_header_of_the_first() -> None:
    cases: list[tuple[str, dict[str, str]]] = [
        ("nom;contact", {}),
        ("tel;contact", {"phone": "2"}),
        ("tel;contact", {"phone": "contact"}),
        ("tel;gsm", {"phone": "gsm"}),
    ]
    for header, columns in cases:
        data = f"{header}\nx;0639980000\n".encode()
        reader, rows = read_part(data, columns=ColumnChoice(**columns))
        assert rows == [Row(2, "0639980000")], header
        assert read_part(data, dialect=reader.dialect)[1] == rows, header
        assert read_part(b"y;0639980001\n", dialect=reader.dialect)[1] == [Row(1, "0639980001")], header


def test_read_records_wider_than_their_header_reads_all() -> None:
    reader, rows = read_part(b"nom;tel\nx;0639980000;\ny;0639980001;\n")
    assert [row.phone for row in rows] == ["0639980000", "0639980001"]
    assert read_part(b"z;0639980002;\n", dialect=reader.dialect)[1] == [Row(1, "0639980002")]


def test_read_later_part_in_another_layout_is_refused() -> None:
    dialect = read_part(b"nom;tel\nDupont;0639980000\n")[0].dialect
    with pytest.raises(UnreadablePart) as columns:
        read_part(b"nom,tel\nDupont,0639980001\n", dialect=dialect)
    assert columns.value.slug == "columns_differ"
    with pytest.raises(UnreadablePart) as header:
        read_part(b"mobile;nom\n0639980001;Dupont\n", dialect=dialect)
    assert header.value.slug == "header_differs"


def test_dialect_contains_no_cell_of_a_data_row() -> None:
    parts = [b"Dupont;0639980000\nMartin;0639980001\n", b"sans;valeur\nMartin;0639980001\n", b"tel\n0639980000\n"]
    kept = [str(read_part(part)[0].dialect) for part in parts]
    assert not any(word in text for text in kept for word in ("Dupont", "0639980000", "sans", "valeur"))


def test_read_part_without_consent_reports_the_ignored_columns() -> None:
    reader, rows = read_part(b"tel;date_optin;prenom\n0639980000;2024-02-05;Anne\n", reads_consent=False)
    assert rows == [Row(2, "0639980000")]
    assert reader.ignored_columns == [IgnoredColumn("date_optin", "date_optin")]


BROKEN_QUOTES = [
    (['x;"0639980001', 'y;"0639980002"'], ['"0639980001', "0639980002"]),
    (['"x;0639980001', "y;0639980002"], ["0639980001", "0639980002"]),
    (['"x"y;0639980001', '"z";0639980002'], ["0639980001", "0639980002"]),
    (['5" pipe;0639980001', '6";0639980002'], ["0639980001", "0639980002"]),
    (['x";"0639980001"', '"y;z";"0639980002"'], ["0639980001", "0639980002"]),
    (['"";0639980001', '"""";0639980002'], ["0639980001", "0639980002"]),
]


def test_read_broken_quotes_affects_one_line_only() -> None:
    rest = [f"nom;06399801{at:02}" for at in range(100)]
    wrong = []
    for lines, expected in BROKEN_QUOTES:
        text = "\n".join(["nom;tel", *rest[:50], *lines, *rest[50:]])
        _, rows = read_part(cut(text.encode(), 17), chunk_bytes=64)
        phones_read = [row.phone for row in rows]
        numbers = [line[4:] for line in rest]
        if phones_read != [*numbers[:50], *expected, *numbers[50:]]:
            wrong.append((lines, phones_read[50:-50]))
        assert [row.line for row in rows] == list(range(2, len(rows) + 2)), lines
    assert wrong == []


def test_read_unclosed_quote_does_not_swallow_the_file() -> None:
    numbers = [f"06{at:08}" for at in range(5000)]
    text = "\n".join(
        ["nom;tel", *(f"x;{number}" for number in numbers[:10]), '"x;0639980000', *map("x;{}".format, numbers)]
    )
    _, rows = read_part(text.encode())
    assert [row.phone for row in rows] == [*numbers[:10], "0639980000", *numbers]


def test_read_late_accent_in_a_file_taken_for_utf8_is_decoded() -> None:
    text = "nom;tel\n" + "Dupont;0639980000\n" * 100 + "Hélène;06\u00a039\u00a098\u00a000\u00a001\n"
    assert phones(text.encode("windows-1252"))[-1] == "06\u00a039\u00a098\u00a000\u00a001"


HEADER = ["prénom", "telephone", "consent_record_id"]
# A cell that is the name of a column makes a line a second header.
CELLS = st.text(st.characters(codec="windows-1252", exclude_characters="\r\0\x1a"), max_size=12).filter(
    lambda cell: role_of(cell) is None and cell.strip().casefold() not in HEADER
)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS, st.integers(0, 2)), max_size=30)


def written(
    table: list[tuple[str, str, str, int]], delimiter: str, newline: str, *, quotes_all: bool
) -> tuple[str, list[Row]]:
    """A file, and the rows that it must give, found by counting newlines as they are written."""
    file = io.StringIO(newline="")
    writer = csv.writer(
        file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL
    )
    writer.writerow(HEADER)
    rows = []
    for name, phone, record, blank_lines in table:
        file.write("\n" * blank_lines)
        rows.append(Row(file.getvalue().count("\n") + 1, phone, record_id=record))
        writer.writerow([name, phone, record])
    return file.getvalue().replace("\n", newline), rows


@settings(max_examples=examples(100, 300))
@given(
    table=TABLES,
    delimiter=st.sampled_from(";,\t|"),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    quotes_all=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "windows-1252", "utf-16"]),
    compression=st.sampled_from(list(Compression)),
    is_declared=st.booleans(),
    feed=st.integers(1, 200),
    chunk_bytes=st.integers(1, 400),
)
def test_read_written_table_gives_its_cells_and_line_numbers(
    table: list[tuple[str, str, str, int]],
    delimiter: str,
    newline: str,
    quotes_all: bool,
    encoding: str,
    compression: Compression,
    is_declared: bool,
    feed: int,
    chunk_bytes: int,
) -> None:
    text, expected = written(table, delimiter, newline, quotes_all=quotes_all)
    data = text.encode(encoding)
    if compression is Compression.GZIP:
        data = gzip.compress(data[:50]) + gzip.compress(data[50:])
    elif compression is Compression.ZSTD:
        data = zstandard.compress(data[:50]) + zstandard.compress(data[50:])
    _, rows = read_part(
        cut(data, feed), compression=compression if is_declared else Compression.NONE, chunk_bytes=chunk_bytes
    )
    assert [(row.line, row.phone, row.record_id) for row in rows] == [
        (row.line, row.phone, row.record_id) for row in expected
    ]


JUNK = st.lists(st.sampled_from(['"', '""', ";", "\n", "\r", "é", "x", "06 39 98 00 00", " ", "\n\n"]), max_size=60)


@settings(max_examples=examples(150, 500))
@given(junk=JUNK.map("".join), first=st.integers(1, 90), second=st.integers(1, 90), chunk_bytes=st.integers(1, 300))
def test_read_part_cut_anywhere_gives_the_same_lines(junk: str, first: int, second: int, chunk_bytes: int) -> None:
    data = ("nom;telephone\nDupont;0639980000\n" + junk + "\nMartin;0639980001\n").encode()
    whole = read_part(data)[1]
    assert read_part(cut(data, first), chunk_bytes=chunk_bytes)[1] == whole
    assert read_part(cut(data, second))[1] == whole
    assert [row.line for row in whole] == sorted({row.line for row in whole})


def test_read_blank_lines_anywhere_only_counts_them() -> None:
    for blank in (1, 299, 300, 301, 5000):
        text = "\n" * blank + "nom;tel\n" + "\n" * blank + "x;0639980000\n" + "\n" * blank
        for feed in (7, len(text)):
            rows = read_part(cut(text.encode(), feed), chunk_bytes=50)[1]
            assert rows == [Row(2 * blank + 2, "0639980000")], (blank, feed)


def test_read_short_lines_at_the_edge_of_a_chunk_gives_empty_cells() -> None:
    lines = ["nom;tel;ville", *(["x"] * 20 + ["x;0639980000;Lyon"]) * 50]
    _, rows = read_part("\n".join(lines).encode(), chunk_bytes=40)
    assert [row.phone for row in rows] == (["" for _ in range(20)] + ["0639980000"]) * 50


def test_read_first_part_with_two_named_columns_settles_both() -> None:
    dialect = read_part(b"tel;consented_at\n0639980000;2024-02-05\n")[0].dialect
    assert dialect is not None
    assert dialect.columns == {Role.PHONE: 0, Role.CONSENTED_AT: 1}


OF_OTHERS = (
    *("fax", "fax 2", "FAX n°1", "Telefax", "emergency contact", "employer phone", "Tel. Arbeit", "Notfallkontakt"),
    *("contact urgence", "téléphone conjoint", "Firma", "domicile", "ref", "nom", "liste rouge", "2ème parent"),
    *("Ne pas appeler", "Liste noire", "Non consentants", "décédés", "numéros invalides", "Телефон"),
    # A word that is not known, beside those that are.
    *(
        f"{neutral} {word}"
        for neutral in ("numero", "contact", "liste", "joignable")
        for word in ("agent", "ancien", "xyz")
    ),
)
OF_PERSONS = ("contacts", "liste 1", "2nd contact", "numéros", "Joignable (tél)", "Handy", "Primary Phone", "_c0")


@pytest.mark.parametrize("part_format", [Format.CSV, Format.NDJSON])
def test_read_one_column_under_the_name_of_something_else_asks_for_it(part_format: Format) -> None:
    numbers = [f"06 39 98 00 {at:02}" for at in range(20)]
    of_numbers = {
        name: "\n".join(
            [name, *numbers] if part_format is Format.CSV else [json.dumps({name: n}) for n in numbers]
        ).encode()
        for name in (*OF_OTHERS, *OF_PERSONS)
    }
    for name in OF_OTHERS:
        with pytest.raises(UnreadablePart) as refused:
            read_part(of_numbers[name], part_format=part_format)
        assert refused.value.slug == "phone_column_unclear"
        assert "column=" in refused.value.detail
    for name in OF_PERSONS:
        rows = read_part(of_numbers[name], part_format=part_format)[1]
        assert [row.phone for row in rows] == numbers
    for name in (name for name in (*OF_OTHERS, *OF_PERSONS) if not any(map(str.isdigit, name))):
        members = {"ville": "Lyon", name: "0639980001"}
        text = f"ville;{name}\nLyon;0639980001\n" if part_format is Format.CSV else json.dumps(members)
        try:
            assert (name, len(read_part(text.encode(), part_format=part_format)[1])) == (name, 1)
            assert name in OF_PERSONS
        except UnreadablePart:
            assert name in OF_OTHERS
    chosen = read_part(of_numbers["fax"], part_format=part_format, columns=ColumnChoice(phone="fax"))[1]
    assert [row.phone for row in chosen] == numbers
