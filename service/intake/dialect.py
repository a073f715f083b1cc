"""The dialect: how the lines of a dataset are laid out, settled by its first part and stored with the dataset.

A dialect never contains anything from a data row. Of the header it keeps only names that are known here or chosen by
the caller. Otherwise a row mistaken for a header would be stored in clear.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from service.intake.decoding import Encoding
from service.intake.errors import UnreadablePart
from service.intake.media import Format


class Role(StrEnum):
    """What a column contains."""

    PHONE = "phone"
    CONSENTED_AT = "consented_at"
    CONSENT_RECORD_ID = "consent_record_id"


_MOBILE_WORDS = ("telephone", "tel", "mobile", "portable", "gsm")
_NAMES: dict[Role, frozenset[str]] = {
    Role.PHONE: frozenset(
        [
            *_MOBILE_WORDS,
            *(
                f"{number}{of}{word}"
                for number in ("numero", "num", "n", "no")
                for of in ("", "de")
                for word in _MOBILE_WORDS
            ),
            *(f"{line}{word}" for line in ("telephone", "tel") for word in ("mobile", "portable", "gsm")),
            *(f"{kind}{what}" for kind in ("", "mobile", "cell", "tele") for what in ("phone", "phonenumber")),
            *("numero", "num", "mobilenumber", "telephonenumber", "cell", "msisdn", "numerosms", "sms", "e164"),
        ]
    ),
    Role.CONSENTED_AT: frozenset(
        f"{before}{word}{after}"
        for word in ("consent", "consented", "consentement", "optin")
        for before, after in (
            *(("date", ""), ("datede", ""), ("dated", ""), ("horodatage", ""), ("heure", "")),
            *(("", "at"), ("", "on"), ("", "date"), ("", "time"), ("", "timestamp"), ("", "datetime")),
        )
    ),
    Role.CONSENT_RECORD_ID: frozenset(
        [
            *(f"id{word}" for word in ("consent", "consentement", "optin", "preuve", "preuveconsentement")),
            *(f"{word}id" for word in ("consent", "consentement", "optin", "preuve", "record", "consentrecord")),
            *("identifiantconsentement", "consentproofid", "consentreceiptid", "idrecord", "refconsentement"),
        ]
    ),
}
# A name with more digits may be a telephone number instead of a name.
_MOST_DIGITS_OF_A_NAME = 4
_LONGEST_NAME = 100
MOST_COLUMNS = 1000
"""A line with more columns is not read."""


def plain_name(name: str) -> str:
    """A column name without case, accents, spaces, signs and trailing digits: `N° de téléphone 1` is `ndetelephone`."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    kept = "".join(sign for sign in letters if sign.isascii() and sign.isalnum())
    return kept if kept in _NAMES[Role.PHONE] else kept.rstrip("0123456789")


def role_of(name: str) -> Role | None:
    """The role of a column with this name."""
    return next((role for role, names in _NAMES.items() if plain_name(name) in names), None)


def is_name(text: str) -> bool:
    """Whether a text may be shown and stored as a column name, because it cannot be a telephone number."""
    return 0 < len(text) <= _LONGEST_NAME and sum(map(str.isdigit, text)) <= _MOST_DIGITS_OF_A_NAME


@dataclass(frozen=True)
class ColumnChoice:
    """The columns chosen by the caller: for each role a header name or a 1-based position, or None.

    Raises UnreadablePart for a name that might be a telephone number.
    """

    phone: str | None = None
    consented_at: str | None = None
    consent_record_id: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            choice = getattr(self, field.name)
            if choice is not None and not is_name(choice):
                raise UnreadablePart(
                    "invalid_column_name", "A chosen column is not a name. State its header name or 1-based position."
                )

    def of(self, role: Role) -> str | None:
        """The choice for a role."""
        choice: str | None = getattr(self, role.value)
        return choice

    def position(self, role: Role) -> int | None:
        """The choice for a role as a position from 0, if it is a position."""
        choice = self.of(role)
        if choice is None or not re.fullmatch(r"[0-9]+", choice):
            return None
        if int(choice) == 0:
            raise UnreadablePart("column_not_found", "There is no column 0. Give a position from 1, or a header name.")
        return int(choice) - 1


Column = int | str
"""A column of the part: its position from 0 in CSV, its name in NDJSON and Parquet."""


@dataclass(frozen=True)
class Dialect:
    """The settled layout. `header` maps positions to plain names, so that a repeated header is recognised.

    `header` is None without a header, and empty if the header has no name that may be stored.
    """

    format: Format
    columns: dict[Role, Column]
    encoding: Encoding | None = None
    delimiter: str | None = None
    width: int | None = None
    header: dict[int, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """The dialect as a JSON object. `from_json` is the inverse."""
        header = None if self.header is None else [[at, name] for at, name in self.header.items()]
        return asdict(self) | {"header": header}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The dialect of a JSON object made by `to_json`."""
        return cls(
            format=Format(stored["format"]),
            columns={Role(role): column for role, column in stored["columns"].items()},
            encoding=Encoding(stored["encoding"]) if stored["encoding"] else None,
            delimiter=stored["delimiter"],
            width=stored["width"],
            header=None if stored["header"] is None else dict(map(tuple, stored["header"])),
        )


def choose_columns(names: Sequence[str], choice: ColumnChoice) -> dict[Role, int]:
    """The positions of the roles among named columns, as chosen by the caller or given by their names.

    Raises UnreadablePart if a chosen column does not exist, or if several columns may be the phone column.
    """
    found: dict[Role, int] = {}
    for role in Role:
        chosen = choice.position(role)
        if chosen is None:
            chosen = _find_by_name(names, role, choice.of(role))
        if chosen is not None:
            if chosen >= len(names):
                raise UnreadablePart("column_not_found", f"There are only {len(names)} columns.{columns_seen(names)}")
            found[role] = chosen
    return found


def _find_by_name(names: Sequence[str], role: Role, chosen: str | None) -> int | None:
    if chosen is not None:
        exact = [at for at, name in enumerate(names) if name.strip() == chosen]
        plain = plain_name(chosen)
        matches = exact or [at for at, name in enumerate(names) if plain and plain_name(name) == plain]
        if len(matches) != 1:
            columns = "Several columns have" if matches else "No column has"
            raise UnreadablePart("column_not_found", f"{columns} the chosen name.{columns_seen(names)}")
        return matches[0]
    matches = [at for at, name in enumerate(names) if role_of(name) is role]
    if len(matches) > 1 and role is Role.PHONE:
        raise phone_column_unclear(f"Several columns may contain the phone number.{columns_seen(names)}")
    return matches[0] if matches else None


def require_names(columns: Mapping[Role, str]) -> dict[Role, Column]:
    """The columns, whose names are stored. Raises UnreadablePart for a name that might be a telephone number."""
    if not all(map(is_name, columns.values())):
        raise UnreadablePart(
            "invalid_column_name", "The name of a column is very long, or might be a number. Give it a name of words."
        )
    return {**columns}


def phone_column_unclear(problem: str) -> UnreadablePart:
    """The error if it is unclear which column contains the phone number."""
    return UnreadablePart("phone_column_unclear", f"{problem} Set column= to a header name or a 1-based position.")


def too_many_columns() -> UnreadablePart:
    """The error for a part that is wider than any list of numbers."""
    return UnreadablePart(
        "too_many_columns",
        f"A line has more than {MOST_COLUMNS:,} columns. Check the delimiter, or export the columns that are needed.",
    )


def columns_seen(names: Sequence[str]) -> str:
    """A sentence with the column names that may be shown."""
    shown = [name.strip() for name in names if is_name(name.strip())]
    return f" Columns seen: {', '.join(shown)}." if shown else ""
