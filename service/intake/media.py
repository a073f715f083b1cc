"""What a client declares about a part: its format (media type) and its compression (Content-Encoding)."""

from enum import StrEnum

from service.intake.errors import UnreadablePart


class Format(StrEnum):
    """How the lines of a part are laid out."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


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
    """The format that a Content-Type names. Raises UnreadablePart for none, and for one that says nothing."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type in MEDIA_TYPES:
        return MEDIA_TYPES[media_type]
    raise UnreadablePart(
        "unsupported_media_type", f"Send the part with a Content-Type that says what it is: {', '.join(MEDIA_TYPES)}."
    )


def compression_of_content_encoding(content_encoding: str | None) -> Compression:
    """The compression that a Content-Encoding names; none without the header. Raises UnreadablePart for others."""
    encoding = (content_encoding or "identity").strip().lower()
    if encoding in CONTENT_ENCODINGS:
        return CONTENT_ENCODINGS[encoding]
    raise UnreadablePart(
        "unsupported_content_encoding", f"Use one of these as Content-Encoding: {', '.join(CONTENT_ENCODINGS)}."
    )
