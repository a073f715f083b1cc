"""The dialect: how the lines of a dataset are laid out, settled by its first part and stored with the dataset.

A dialect never contains anything from a data row. Of the header it keeps only names that are known here or chosen by
the caller, and of the others a check of 16 bits. Otherwise a row mistaken for a header would be stored in clear.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from service.intake.decoding import Encoding
from service.intake.media import Format
from service.intake.names.meaning import NameMeaning, meaning_of
from service.intake.names.roles import Role

Column = int | str
"""A column of the part: its position from 0 in CSV and XLSX, its name in NDJSON and Parquet."""


@dataclass(frozen=True)
class Dialect:
    """The settled layout, by which later parts are read.

    In CSV, `names` are those of columns that are read, as far as they may be stored. `width` is the number of fields of
    a line, of which those from `filled` on are empty. `header` is a check of each header name
    (`names.roles.name_check`), and None without a header. `meaning` is what the names of the columns that are read
    say, also those that are not stored.
    """

    format: Format
    columns: dict[Role, Column]
    names: dict[Role, str] = field(default_factory=dict)
    encoding: Encoding | None = None
    delimiter: str | None = None
    width: int | None = None
    filled: int | None = None
    header: list[int] | None = None
    meaning: NameMeaning = field(default_factory=NameMeaning)

    def to_json(self) -> dict[str, Any]:
        """The dialect as a JSON object. `from_json` is the inverse."""
        return asdict(self) | {"meaning": self.meaning.to_json()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The dialect of a JSON object made by `to_json`."""
        names = {Role(role): name for role, name in stored["names"].items()}
        # Dialects that were stored before have no meaning, but what the stored names say.
        meaning = NameMeaning.from_json(stored["meaning"]) if "meaning" in stored else meaning_of(names)
        return cls(
            format=Format(stored["format"]),
            columns={Role(role): column for role, column in stored["columns"].items()},
            names=names,
            encoding=Encoding(stored["encoding"]) if stored["encoding"] else None,
            delimiter=stored["delimiter"],
            width=stored["width"],
            filled=stored["filled"],
            header=stored["header"],
            meaning=meaning,
        )
