"""Compression and encodings of bytes cut anywhere, and the memory that a hostile stream may take."""

import gzip
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from service.intake.decoding import Decompressor, Encoding, TextDecoder, guess_encoding, valid_utf8
from service.intake.errors import UnreadablePart
from service.intake.media import Compression
from tests.intake.builders import cut

COMPRESS = {
    Compression.NONE: lambda data: data,
    Compression.GZIP: gzip.compress,
    Compression.ZSTD: zstandard.compress,
}


def decompress(feeds: list[bytes], compression: Compression) -> bytes:
    decompressor = Decompressor(compression)
    pieces = [piece for data in feeds for piece in decompressor.feed(data)]
    return b"".join([*pieces, *decompressor.finish()])


@given(
    st.lists(st.binary(max_size=50), min_size=1, max_size=4),
    st.sampled_from(list(Compression)),
    st.booleans(),
    st.integers(1, 50),
)
def test_decompress_several_members_cut_anywhere_joins_them(
    members: list[bytes], compression: Compression, is_declared: bool, feed: int
) -> None:
    # Uncompressed bytes could begin with magic bytes by chance. A letter in front prevents that.
    members = [b"a" + members[0], *members[1:]]
    data = b"".join(map(COMPRESS[compression], members))
    declared = compression if is_declared else Compression.NONE
    assert decompress(cut(data, feed), declared) == b"".join(members)


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
@pytest.mark.parametrize("is_declared", [True, False])
def test_decompress_truncated_stream_is_refused(compression: Compression, is_declared: bool) -> None:
    data = COMPRESS[compression](b"0639980000\n" * 100)
    for length in range(4, len(data)):
        with pytest.raises(UnreadablePart) as problem:
            decompress([data[:length]], compression if is_declared else Compression.NONE)
        assert problem.value.slug == "truncated"


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_decompress_corrupt_stream_is_refused(compression: Compression) -> None:
    data = COMPRESS[compression](b"0639980000\n")
    for corrupt in (b"telephone\n0639980000\n", data + b"rubbish", data[:6] + b"\xff" * 20 + data[6:]):
        with pytest.raises(UnreadablePart) as problem:
            decompress([corrupt], compression)
        assert problem.value.slug == "corrupt_compression"


def test_decompress_gzip_with_zeros_at_the_end_ignores_them() -> None:
    assert decompress([gzip.compress(b"06") + b"\0" * 5, b"\0" * 10], Compression.GZIP) == b"06"


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_decompress_bomb_is_refused_and_fits_in_memory(compression: Compression) -> None:
    bomb = COMPRESS[compression](b"0" * (64 << 20))
    decompressor = Decompressor(compression)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadablePart) as refusal:
            sum(map(len, decompressor.feed(bomb)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refusal.value.slug == "expands_too_much"
    assert peak < 20 << 20


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_decompress_thousands_of_frames_without_content_is_refused(compression: Compression) -> None:
    empty = COMPRESS[compression](b"")
    ten = [COMPRESS[compression](b"06"), *[empty] * 10]
    assert decompress([b"".join(ten)], compression) == b"06"
    with pytest.raises(UnreadablePart) as refusal:
        decompress([b"".join(ten), empty * 2000], compression)
    assert refusal.value.slug == "empty_frames"


def test_decompress_skippable_frames_before_each_full_one_gives_the_content() -> None:
    skippable = b"\x50\x2a\x4d\x18\x02\0\0\0ab"
    frame = zstandard.compress(b"0639980000\n")
    assert decompress([(skippable + frame) * 2000], Compression.ZSTD) == b"0639980000\n" * 2000
    with pytest.raises(UnreadablePart, match="without content"):
        decompress([skippable * 2000 + frame], Compression.ZSTD)


def test_decompress_zstd_with_a_large_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(UnreadablePart, match="--long"):
        decompress([compressor.compress(b"0639980000\n") + compressor.flush()], Compression.ZSTD)


TEXT = st.text(st.characters(codec="windows-1252"), max_size=40)


@given(TEXT, st.sampled_from(["utf-8", "utf-8-sig", "windows-1252", "utf-16"]), st.integers(1, 7))
def test_decode_text_cut_anywhere_gives_single_newlines(text: str, codec: str, feed: int) -> None:
    data = text.encode(codec)
    encoding = Encoding.WINDOWS_1252 if codec == "windows-1252" else guess_encoding(data)
    decoder = TextDecoder(encoding)
    decoded = b"".join([*map(decoder.feed, cut(data, feed)), decoder.feed(b"", final=True)])
    assert decoded.decode() == text.replace("\r\n", "\n").replace("\r", "\n")


def test_guess_encoding_by_the_first_bytes_finds_it() -> None:
    encodings = [
        (b"telephone", Encoding.UTF_8),
        ("téléphone".encode(), Encoding.UTF_8),
        ("téléphone".encode()[:2], Encoding.UTF_8),
        ("téléphone".encode("windows-1252"), Encoding.WINDOWS_1252),
        ("téléphone".encode("utf-16"), Encoding.UTF_16_LE),
        (b"\xfe\xff" + "téléphone".encode("utf-16-be"), Encoding.UTF_16_BE),
    ]
    assert [guess_encoding(head) for head, _ in encodings] == [encoding for _, encoding in encodings]


def test_valid_utf8_with_a_bad_byte_keeps_the_accents_around_it() -> None:
    assert valid_utf8("é".encode() + b"\xe9\x81" + "é".encode()).decode() == "éé\ufffdé"
