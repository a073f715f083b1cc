"""What a part is read with: the declared form, and what its dataset says of numbers and times."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, Self

import orjson

from service.intake.columns.choice import ColumnChoice
from service.intake.dialect import Dialect
from service.intake.media import Compression, Format


class ConsentPeriod(NamedTuple):
    """When a consent can have been given: during its collection, before its dataset was made, and before now."""

    began_at: datetime
    ended_at: datetime | None
    dataset_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class PartForm:
    """What a part is read with.

    Numbers without a country code are numbers of `region` (ISO 3166-1), and times without an offset are in `time_zone`
    (IANA; None where no consent is read), in the `date_format` that is stated, if any. `has_header` is whether text
    begins with a header, if that is stated. Consent columns are read if there is a `consent_period`. The text of at
    most `rejects_kept` rejected lines is kept. Of a workbook the `sheet` is read that is chosen by name or position, if
    any. Reading ends after `most_lines`, if that is set. Parquet and workbooks are spooled to `folder`.
    """

    format: Format
    compression: Compression
    columns: ColumnChoice
    dialect: Dialect | None
    region: str
    time_zone: str | None
    date_format: str | None
    has_header: bool | None
    sheet: str | None
    most_lines: int | None
    consent_period: ConsentPeriod | None
    rejects_kept: int
    folder: str

    def to_json(self) -> bytes:
        """The form as a JSON object. `from_json` is the inverse."""
        members = {field.name: getattr(self, field.name) for field in fields(self)}
        members["consent_period"] = self.consent_period and [*self.consent_period]
        members["columns"] = asdict(self.columns)
        members["dialect"] = self.dialect and self.dialect.to_json()
        return orjson.dumps(members, option=orjson.OPT_NON_STR_KEYS)

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """The form of a JSON object made by `to_json`."""
        members: dict[str, Any] = orjson.loads(text)
        moments = members.pop("consent_period")
        return cls(
            format=Format(members.pop("format")),
            compression=Compression(members.pop("compression")),
            columns=ColumnChoice(**members.pop("columns")),
            dialect=Dialect.from_json(stored) if (stored := members.pop("dialect")) else None,
            consent_period=ConsentPeriod(*(at and datetime.fromisoformat(at) for at in moments)) if moments else None,
            **members,
        )
