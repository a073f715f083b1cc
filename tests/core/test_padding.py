"""Padding: sizes that say nothing, and files that still say the same."""

import json
import zlib
from io import BytesIO

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from service.core.padding import LEAST_BYTES, LEAST_PDF_BYTES, pad_html, pad_json, pad_pdf, padded_size

SIZES = st.integers(1, 4 * LEAST_BYTES)


def is_least_power(size: int, unpadded: int, least: int = LEAST_BYTES) -> bool:
    """Whether `size` is a power of two from `least`, and no larger than what is padded and its frame need."""
    return size & (size - 1) == 0 and (size == least or size < 2 * (unpadded + 16))


@given(size=SIZES)
@example(LEAST_BYTES)
@example(LEAST_BYTES + 1)
def test_padded_size_is_the_next_power_of_two(size: int) -> None:
    assert padded_size(size) >= size
    assert is_least_power(padded_size(size), size)


@given(size=SIZES)
@example(LEAST_BYTES - len("<!--  -->"))
@example(LEAST_BYTES - len("<!--  -->") + 1)
@example(LEAST_BYTES)
def test_pad_html_ends_the_document_with_one_comment(size: int) -> None:
    document = b"<" * size
    padded = pad_html(document)
    assert is_least_power(len(padded), size)
    comment = padded.removeprefix(document)
    assert (comment[:5], comment[-4:]) == (b"<!-- ", b" -->")
    assert comment.count(b"--") == 2


@given(text=st.text(), count=st.integers(0, 4_000))
def test_pad_json_keeps_the_value(text: str, count: int) -> None:
    document = json.dumps([text] * count).encode()
    padded = pad_json(document)
    assert is_least_power(len(padded), len(document))
    assert json.loads(padded) == [text] * count


@settings(max_examples=25)
@given(pages=st.integers(1, 3), bulk=st.integers(0, 2 * LEAST_PDF_BYTES))
@example(pages=1, bulk=0)
def test_pad_pdf_keeps_pages_and_offsets(pages: int, bulk: int) -> None:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    writer.add_attachment("bulk.bin", b"x" * bulk)
    written = BytesIO()
    writer.write(written)
    document = written.getvalue()
    padded = pad_pdf(document)
    assert is_least_power(len(padded), len(document), LEAST_PDF_BYTES)
    read = PdfReader(BytesIO(padded), strict=True)
    assert len(read.pages) == pages
    assert read.attachments["bulk.bin"] == [b"x" * bulk]
    # Readers look for the end of a file in its last kilobyte.
    assert padded[-1024:].rstrip().endswith(b"%%EOF")
    assert b"startxref" in padded[-1024:]


def test_padding_does_not_vanish_by_compression() -> None:
    padded = pad_html(b"<p>")
    assert len(zlib.compress(padded, 9)) > LEAST_BYTES * 0.74
