"""What names of columns say about their cells, however they are spelled, chosen and stored."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake.columns.choice import ColumnChoice
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.names.roles import Role, is_certain, role_of
from service.intake.names.words import ColumnName
from tests.intake.builders import phones, read_part

MOMENTS = [
    *("consented at", "opt in date", "sms consent timestamp", "date consentement", "subscribed at", "created time"),
    *("sign up time", "consent given at", "confirm time", "horodateur", "date inscription"),
]
STYLES = [
    "_".join,
    lambda words: "_".join(words).upper(),
    "-".join,
    lambda words: " ".join(words).title(),
    lambda words: words[0] + "".join(word.title() for word in words[1:]),
    lambda words: "".join(word.title() for word in words),
    lambda words: "".join(word.title() for word in words[:-1]) + words[-1].upper(),
    lambda words: " ".join(words[:-1]) + f" ({words[-1].upper()})",
    lambda words: " ".join(words[:-1]) + f" ({'.'.join(words[-1])}.)",
    "".join,
]
READ = datetime(2023, 7, 26, 14, 5, tzinfo=UTC)
LOCAL = int((READ - timedelta(hours=2)).timestamp())


def test_every_name_of_a_consent_time_with_utc_states_the_offset() -> None:
    for moment, style, zone in product(MOMENTS, STYLES, ("utc", "gmt")):
        name = style([*moment.split(), zone])
        assert (role_of(name), ColumnName(name).offset) == (Role.CONSENTED_AT, (True, 0)), name
        assert ColumnName(moment.replace(" ", "_")).offset == (False, None)


def spellings(minutes: int) -> list[str]:
    """Ways to write an offset, without spaces and brackets, in small letters."""
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    signs = [sign] if minutes else ["+", "-", "±"]
    numbers = [f"{hours}:{rest:02}", f"{hours:02}:{rest:02}", f"{hours:02}{rest:02}", f"{hours}{rest:02}"]
    numbers += [f"{hours}h{rest:02}", f"{hours:02}h{rest:02}"]
    numbers += [f"{hours}", f"{hours:02}", f"{hours}h", f"{hours:02}h"] if not rest else []
    numbers += [f"{hours}{point}{rest / 60:g}".replace(f"{point}0.", point) for point in ".," if rest]
    more = {0: ("0", "00"), 30: ("50",)}.get(rest, ())
    numbers += [f"{hours}{point}{part}" for point in ".," for part in more]
    zones = ["utc", "gmt", "utc/gmt", "gmt/utc"]
    found = [f"{zone}{of}{number}" for zone in zones for of in signs for number in numbers]
    return found + zones if not minutes else found


OFFSETS = {spelling: minutes * 60 for minutes in range(-14 * 60, 14 * 60 + 1, 15) for spelling in spellings(minutes)}


def test_each_spelling_of_an_offset_is_read() -> None:
    for spelling, seconds in OFFSETS.items():
        for dash in "-−–‑－":
            for name in (f"Consent date ({spelling.upper()})", f"created {spelling}", f"consentedAt_{spelling}"):
                written = name.replace("-", dash)
                assert ColumnName(written).offset == (True, seconds), written
        spaced = spelling.replace("+", ") +").replace("-", ") -") if "/" not in spelling else spelling
        assert ColumnName(f"Date ({spaced}").offset == (True, seconds), spaced


PIECES = [*"+-−/:.,0123456789 ±", "2h", "5h30", "utc", "gmt", "00", "30", ":30", "14"]


@given(st.sampled_from(["utc", "gmt"]), st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
def test_no_other_text_behind_utc_is_read_as_an_offset(zone: str, behind: str) -> None:
    name = f"consent time {zone}{behind}"
    offset = ColumnName(name).offset
    assert offset.is_stated or "h" in behind
    if offset.seconds:
        assert OFFSETS.get((zone + behind).replace(" ", "").replace("−", "-").strip("./:,")) == offset.seconds, name
    elif offset.seconds == 0:
        assert sum(int(digit) for digit in behind if digit.isdecimal()) == 0, name


UNCLEAR = [
    *("Consent time (UTC+25)", "consent time UTC+1/+2", "Consent time (UTC+1 / UTC+2)", "consent_at_utc2"),
    *("opt_in_at_gmt1", "consent-date-utc-3", "Consent time (CET)", "consent time_EDT", "consent_at_utc.1"),
    *("Date d'opt-in (Europe/Berlin)", "Consent time (EST)", "consent UTC±1 date", "consent date utc+5.30"),
]

WITHOUT_ZONE = [
    *(
        "Date (et heure) du consentement",
        "date du consentement à cet envoi",
        "Consenti par SMS/appel le",
        "opt-in date 2",
    ),
    *("Date d'opt-in (v1)", "consent_date-3", "Date opt-in (+33)", "Accord n° 12:30 le", "consent est donné le"),
]


def test_a_name_without_a_zone_states_no_offset() -> None:
    assert [name for name in WITHOUT_ZONE if ColumnName(name).offset.is_stated] == []


@pytest.mark.parametrize("name", UNCLEAR)
def test_times_under_a_zone_that_is_not_clear_are_read_only_with_their_own_offset(name: str) -> None:
    assert not is_certain(name)
    for choice in (ColumnChoice(consented_at=name), ColumnChoice(consented_at="2")):
        with pytest.raises(UnreadablePart) as refused:
            read_part(f"phone;{name}\n0639980001;2023-07-26 14:05\n".encode(), columns=choice)
        assert refused.value.slug == "offset_unclear"
        text = f"phone;{name}\n0639980001;2023-07-26 14:05+00:00\n0639980002;\n".encode()
        assert [row.consented_at for row in read_part(text, columns=choice)[1]] == [int(READ.timestamp()), 0]


@pytest.mark.parametrize("name", ["Created (UTC)", "createdAtUtc", "Last change GMT+00:00", "Agreed on, UTC"])
@pytest.mark.parametrize("chosen", ["2", None])
def test_the_offset_in_a_name_counts_also_if_its_column_is_chosen_by_position(name: str, chosen: str | None) -> None:
    columns = ColumnChoice(phone="1", consented_at=chosen or name)
    line = b"0639980001;2023-07-26 14:05\n"
    reader, rows = read_part(f"a;{name}\n".encode() + line, columns=columns)
    assert rows[0].consented_at == int(READ.timestamp())
    assert reader.dialect is not None
    assert chosen is None or reader.dialect.names == {}
    # A part without a header goes on in the columns of the first.
    stored = Dialect.from_json(json.loads(json.dumps(reader.dialect.to_json())))
    assert stored == reader.dialect
    assert read_part(line, dialect=stored)[1][0].consented_at == int(READ.timestamp())


def ndjson(*lines: dict[str, str]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@pytest.mark.parametrize("names", [("consented_at", "consent_at_utc"), ("consentedAtUtc", "consentedAt")])
def test_ndjson_members_with_other_offsets_never_give_another_time(names: tuple[str, str]) -> None:
    right = {name: int(READ.timestamp()) if "utc" in name.casefold() else LOCAL for name in names}
    for first, second in (names, names[::-1]):
        # In the first lines, or far behind them.
        for filling in (0, 3000):
            lines = [{"phone": "0639980003", first: "2023-07-26T14:05:00"}] * (filling + 1)
            more = {"phone": "0639980002", second: "2023-07-26T14:05:00"}, {"phone": "0639980001", second: f"{READ}"}
            reader, rows = read_part(ndjson(*lines, *more), part_format=Format.NDJSON, chunk_bytes=1000)
            settled = next(
                name for name in (first, second) if reader.dialect and name in reader.dialect.columns.values()
            )
            for row, name in zip(rows[-3:], [first, second, second], strict=True):
                if row.phone[-1] == "1":
                    assert row.consented_at == int(READ.timestamp())
                elif name == settled:
                    assert row.consented_at == right[name]
                else:
                    assert (row.consented_at, row.unreadable) == (0, True)
            rows = read_part(ndjson(*more), part_format=Format.NDJSON, dialect=reader.dialect)[1]
            times = [0 if second != settled else right[second], int(READ.timestamp())]
            assert [row.consented_at for row in rows] == times


INTERNATIONAL = [
    *("e164", "E.164", "msisdn", "phone_number_e164", "mobile e164", "contact_e164", "whatsapp_E164", "telE164"),
]


@given(st.sampled_from(INTERNATIONAL), st.sampled_from(["", "2", "_1", " 3"]), st.sampled_from(["name", "position"]))
def test_digits_under_any_name_of_e164_have_a_country_code(name: str, number: str, chosen: str) -> None:
    header = f"nom;{name}{number}\n".encode()
    choice = ColumnChoice(phone=f"{name}{number}" if chosen == "name" else "2")
    batches = read_part(header + b"a;298212345\n", columns=choice)[0]
    assert role_of(f"{name}{number}") is Role.PHONE
    assert batches.dialect is not None
    assert batches.dialect.meaning.is_international
    assert not any(ColumnName(f"{other} {at}").is_international for other in ("phone", "colonne") for at in (1, 164))


NUMBERS = st.integers(1, 99)


@given(st.sampled_from(["tel", "Date d'opt-in", "contact", "N°", "téléphone", "телефон"]), NUMBERS, NUMBERS)
def test_a_column_chosen_by_name_has_its_number(name: str, first: int, second: int) -> None:
    """What is stated must be there. Other spellings of the same name are."""
    text = f"x;{name}{first}\n0639980001;0639980002\n".encode()
    for wanted in (f"{name}{second}", f"{name.upper()} {second}", f"{name}_{second}"):
        if first == second:
            assert phones(text, columns=ColumnChoice(phone=wanted)) == ["0639980002"]
        else:
            with pytest.raises(UnreadablePart, match="No column has the chosen name"):
                read_part(text, columns=ColumnChoice(phone=wanted))
    both = f"{name}{first};{name}{first + 1}\n0639980001;0639980002\n".encode()
    assert phones(both, columns=ColumnChoice(phone=f"{name.title()} {first + 1}")) == ["0639980002"]
