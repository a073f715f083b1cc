"""The format (Content-Type) and the compression (Content-Encoding) that a client declares for a part."""

from enum import StrEnum

from service.intake.errors import UnreadablePart


class Format(StrEnum):
    """How the lines of a part are laid out."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    XLSX = "xlsx"

    @property
    def has_positions(self) -> bool:
        """Whether its columns are found by their positions; otherwise by their names."""
        return self in (Format.CSV, Format.XLSX)


class Compression(StrEnum):
    """How the bytes of a part are compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


MEDIA_TYPES: dict[str, Format] = {
    "text/csv": Format.CSV,
    "application/csv": Format.CSV,
    "text/plain": Format.CSV,
    "text/tab-separated-values": Format.CSV,
    "application/x-ndjson": Format.NDJSON,
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/vnd.apache.parquet": Format.PARQUET,
    "application/x-parquet": Format.PARQUET,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Format.XLSX,
}
"""Accepted values of Content-Type, without parameters."""

CONTENT_ENCODINGS: dict[str, Compression] = {
    "identity": Compression.NONE,
    "gzip": Compression.GZIP,
    "x-gzip": Compression.GZIP,
    "zstd": Compression.ZSTD,
}
"""Accepted values of Content-Encoding."""


def format_of_content_type(content_type: str | None) -> Format:
    """The format declared by a Content-Type. Raises UnreadablePart for a missing or unsupported one."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type in MEDIA_TYPES:
        return MEDIA_TYPES[media_type]
    raise UnreadablePart(
        "unsupported_media_type",
        f"The format of the part is unknown. Set Content-Type to one of {', '.join(MEDIA_TYPES)}.",
    )


def compression_of_content_encoding(content_encoding: str | None) -> Compression:
    """The compression declared by a Content-Encoding; none without it. Raises UnreadablePart for an unsupported one."""
    encoding = (content_encoding or "identity").strip().lower()
    if encoding in CONTENT_ENCODINGS:
        return CONTENT_ENCODINGS[encoding]
    raise UnreadablePart(
        "unsupported_content_encoding",
        f"This Content-Encoding is not supported. Use one of {', '.join(CONTENT_ENCODINGS)}.",
    )
