"""How a caller declares a part: what the request says of its bytes."""

from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Query, Request

from service.core.errors import Unprocessable, UnsupportedMedia
from service.core.text import Line
from service.dataset.schemas import DATE_FORMAT_DESCRIPTION, DateFormat
from service.intake.columns.choice import ColumnChoice
from service.intake.errors import UnreadablePart
from service.intake.media import (
    CONTENT_ENCODINGS,
    MEDIA_TYPES,
    Compression,
    Format,
    compression_of_content_encoding,
    format_of_content_type,
)


class Declared(NamedTuple):
    """The form of a part, its columns and header, the format of its consent times, and the sheet of a workbook."""

    format: Format
    compression: Compression
    columns: ColumnChoice
    date_format: str | None
    sheet: str | None
    has_header: bool | None


Column = Annotated[Line | None, Query(description="Name of a column in the header, or its position from 1.")]
StateColumn = Annotated[
    Line | None,
    Query(
        description="Name or position of the column that says whether the person agreed or refused. Without it, all "
        "columns with such a name count, and lines that say no are rejected. `none` reads no such column.",
        examples=["optin_sms"],
    ),
]
StatedFormat = Annotated[
    DateFormat | None,
    Query(
        description=f"{DATE_FORMAT_DESCRIPTION} It counts before the format of the dataset.", examples=["month_first"]
    ),
]
SheetName = Annotated[
    Line | None,
    Query(
        description="Which sheet of a workbook to read: its name, or its position from 1. Without it, there must be "
        "only one visible sheet with content.",
        examples=["Contacts"],
    ),
]
StatedHeader = Annotated[
    bool | None,
    Query(
        description="Whether CSV or the sheet of a workbook begins with a header. Without it, that is found by what "
        "its first line contains.",
        examples=[False],
    ),
]


def _declared(  # noqa: PLR0913  (each is a query parameter)
    request: Request,
    column: Column = None,
    consented_at_column: Column = None,
    consent_record_id_column: Column = None,
    country_column: Column = None,
    consent_state_column: StateColumn = None,
    date_format: StatedFormat = None,
    sheet: SheetName = None,
    header: StatedHeader = None,
) -> Declared:
    try:
        form = (
            format_of_content_type(request.headers.get("content-type")),
            compression_of_content_encoding(request.headers.get("content-encoding")),
        )
    except UnreadablePart as refusal:
        raise UnsupportedMedia(refusal.slug, refusal.detail) from refusal
    try:
        columns = ColumnChoice(
            column, consented_at_column, consent_record_id_column, country_column, consent_state_column
        )
        return Declared(*form, columns, date_format, sheet, header)
    except UnreadablePart as refusal:
        raise Unprocessable(refusal.slug, refusal.detail) from refusal


DeclaredPart = Annotated[Declared, Depends(_declared)]

_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_CSV_EXAMPLE = "telephone;date_consentement\n06 39 98 40 01;26/10/2023 12:00\n0639984002;03/11/2023 12:00\n"
_NDJSON_EXAMPLE = '{"phone": "+33639984001"}\n{"phone": "+33639984002"}\n'
_EXAMPLES = {Format.CSV: {"example": _CSV_EXAMPLE}, Format.NDJSON: {"example": _NDJSON_EXAMPLE}}
PART_IN_OPENAPI: dict[str, Any] = {
    "parameters": [
        {
            "name": "Content-Encoding",
            "in": "header",
            "description": f"How the body is compressed: {', '.join(CONTENT_ENCODINGS)}.",
            "schema": {"type": "string", "examples": ["gzip"]},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {name: _FILE | _EXAMPLES.get(form, {}) for name, form in MEDIA_TYPES.items()},
    },
}
"""What the description of a route must add whose body is a part."""
