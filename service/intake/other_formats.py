"""Recognises files that are often sent instead of a list, by their beginning, and says what they are."""

import codecs
import re
from typing import BinaryIO

from service.intake.errors import UnreadablePart
from service.intake.media import Format

_EXPORT = "Export the list as CSV"
_BY_FIRST_BYTES = {
    b"PK\x03\x04": "a ZIP archive, such as an Excel workbook. Send a workbook with Content-Type "
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook, or one with a password. Save it as .xlsx without a password",
    b"%PDF": f"a PDF. {_EXPORT}",
    b"BZh": "bzip2. Compress it with gzip or zstd",
    b"\xfd7zXZ": "xz. Compress it with gzip or zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive. Compress it with gzip or zstd",
    b"Rar!": "a RAR archive. Compress it with gzip or zstd",
    b"PAR1": "Parquet. Send it with Content-Type application/vnd.apache.parquet",
    b"ARROW1": "an Arrow file. Write it as Parquet or CSV",
    b"ORC": "ORC. Write it as Parquet or CSV",
    b"Obj\x01": "Avro. Write it as Parquet or CSV",
    b"SQLite format 3": f"an SQLite database. {_EXPORT}",
    b"{\\rtf": f"an RTF document. {_EXPORT}",
}
# The formats that are not text begin so.
_OWN_FIRST_BYTES = {Format.XLSX: b"PK\x03\x04", Format.PARQUET: b"PAR1"}
_HEAD_BYTES = 4096
# The first file of such an archive, which is not compressed (OpenDocument 1.3, part 2, 3.3).
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"
_UTF_32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_32_WITHOUT_MARK = re.compile(rb"(?:[^\0]\0\0\0){4}|(?:\0\0\0[^\0]){4}")
_XML = re.compile(rb"<\?xml|<!--|<workbook", re.IGNORECASE)
_HTML = re.compile(rb"<!doctype html|<html|<head|<meta|<body|<table|<style|<div", re.IGNORECASE)
# What dumps of MySQL, PostgreSQL, SQLite and SQL Server begin with, or have on a line soon after that.
_SQL = re.compile(
    rb"\A-- (?:MySQL|MariaDB|PostgreSQL|phpMyAdmin)\b|\APRAGMA foreign_keys|"
    rb"^[ \t]*(?:INSERT[ \t]+(?:IGNORE[ \t]+)?INTO[ \t]+\S|INSERT[ \t]+\[|REPLACE[ \t]+INTO[ \t]+\S|"
    rb"CREATE[ \t]+TABLE[ \t]+\S|COPY[ \t]+\S+[ \t]*(?:\([^)\n]*\)[ \t]*)?FROM[ \t]+stdin)",
    re.IGNORECASE | re.MULTILINE,
)
_SPREADSHEET = b"schemas-microsoft-com:office:spreadsheet"
_JSON_ARRAY = re.compile(rb"\[\s*(?:\{|\[\s*[\"\[{]|\]\s*$)")
_JSON_OBJECT = re.compile(rb"\{\s*\"")


def head_of(file: BinaryIO) -> bytes:
    """The bytes with which a file begins, by which `refuse_other_format` knows what it is."""
    file.seek(0)
    return file.read(_HEAD_BYTES)


def refuse_other_format(head: bytes, declared: Format) -> None:
    """Raise UnreadablePart if a part that begins with `head` is a file of a format that is not read as declared."""
    if head.startswith(b"PK\x03\x04") and _OPEN_DOCUMENT in head[:_HEAD_BYTES]:
        raise UnreadablePart(
            "wrong_format",
            f"The part is sent as {declared} but is an OpenDocument file (.ods). Save it as .xlsx, or as CSV.",
        )
    own = _OWN_FIRST_BYTES.get(declared)
    if own is not None and head.startswith(own):
        return
    found = next((what for magic, what in _BY_FIRST_BYTES.items() if head.startswith(magic)), None) or _of_text(head)
    if found:
        raise UnreadablePart("wrong_format", f"The part is sent as {declared} but is {found}.")
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if _JSON_ARRAY.match(text):
        raise UnreadablePart(
            "not_ndjson",
            "The part is a JSON array. Send its objects without the brackets and commas around them, one on each line "
            "(jq -c '.[]' writes them so), with Content-Type application/x-ndjson.",
        )
    if declared is Format.CSV and _JSON_OBJECT.match(text):
        raise UnreadablePart(
            "wrong_format",
            "The part is sent as csv but is JSON. Send an object on each line, with Content-Type application/x-ndjson.",
        )
    if own is not None and head and b"\0" not in head:
        raise UnreadablePart(
            "wrong_format",
            f"The part is sent as {declared} but is text. Send a list as CSV with Content-Type text/csv, and JSON "
            "with Content-Type application/x-ndjson.",
        )
    if declared is Format.NDJSON and re.match(rb"\{\s*\n", text):
        raise UnreadablePart(
            "not_ndjson",
            "The part is JSON written over several lines. Write each object on a line of its own (jq -c writes them "
            "so).",
        )


def _of_text(head: bytes) -> str | None:
    if head.startswith(_UTF_32_MARKS) or _UTF_32_WITHOUT_MARK.match(head):
        return "UTF-32. Write it in UTF-8"
    # Read without the zeros, the signs of UTF-16 are those of ASCII.
    text = re.sub(rb"^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)", b"", head[:4096]).replace(b"\0", b"").lstrip()
    if text[:11].upper() == b"BEGIN:VCARD":
        return f"a vCard file. {_EXPORT}"
    if _SPREADSHEET in text.lower() and text.startswith((b"<?", b"<!", b"<W", b"<w")):
        return "an XML spreadsheet of Excel 2003. Open it and save the sheet as CSV"
    if _HTML.match(text) or (_XML.match(text) and b"<html" in text.lower()):
        return "an HTML page, as some programs save under the name .xls. Open it and save the sheet as CSV"
    if _SQL.search(text):
        return (
            f"an SQL dump. {_EXPORT}: by the export of phpMyAdmin, by mysql --batch -e 'SELECT …' > list.tsv, or by "
            "\\copy … TO 'list.csv' CSV HEADER in psql"
        )
    return f"XML. {_EXPORT}" if _XML.match(text) else None
