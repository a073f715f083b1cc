"""Parts that are made to do harm: bombs that expand, and files whose bytes were changed. Each by its seed, and soon."""

import gzip
import io
import json
import random
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import polars as pl
import zstandard

from tests.builders import number
from tests.sandbox.parquet_bombs import dictionary_bomb, incremental_bomb


class Part(NamedTuple):
    """A part: what it is, its media type and its bytes."""

    kind: str
    media_type: str
    content: bytes


_CSV, _NDJSON, _PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"


def _compressed(chosen: random.Random, data: bytes, level: int = 3) -> bytes:
    return gzip.compress(data, level) if chosen.random() < 0.5 else zstandard.compress(data, level)


def hostile_part(seed: int) -> Part:
    """The part of a seed. Every hundred seeds have every kind."""
    chosen = random.Random(seed)
    media_type, kind = _KINDS[seed % len(_KINDS)]
    content = kind(chosen)
    name = kind.__name__
    if media_type != _PARQUET and chosen.random() < 0.3:
        content, name = _compressed(chosen, content), f"{name}, compressed"
        if chosen.random() < 0.3:
            content, name = _damage(chosen, content), f"{name} and damaged"
    return Part(name, media_type, content)


@cache
def _good_csv() -> bytes:
    lines = [f"0{number(at)[3:]};2024-01-{at % 28 + 1:02};{'é' * (at % 5)}" for at in range(200)]
    return "\n".join(["mobile;date_consentement;nom", *lines]).encode()


@cache
def _good_ndjson() -> bytes:
    return "\n".join(json.dumps({"phone": number(at), "name": "Zoé"}) for at in range(200)).encode()


@cache
def _good_parquet(compression: str) -> bytes:
    buffer = io.BytesIO()
    numbers = [number(at % 50) for at in range(500)]
    frame = pl.DataFrame({"phone": numbers, "age": range(500), "name": [None, "Zoé"] * 250})
    frame.write_parquet(buffer, compression=compression, row_group_size=200)  # type: ignore[arg-type]
    return buffer.getvalue()


def _damage(chosen: random.Random, data: bytes) -> bytes:
    """Some bytes changed, taken away, repeated or moved."""
    damaged = bytearray(data)
    for _ in range(chosen.randint(1, 6)):
        at = chosen.randrange(len(damaged) + 1)
        length = chosen.choice([1, 1, 2, 8, 64])
        piece = bytes(damaged[at : at + length])
        replacements = (
            chosen.randbytes(length),
            b"",
            piece * chosen.randint(2, 40),
            bytes(length),
            b"\xff" * length,
            chosen.choice([b'"', b"\n", b"\r\n", b"\0", b";", b"{", b"["]) * length,
        )
        damaged[at : at + length] = chosen.choice(replacements)
    return bytes(damaged[: chosen.randrange(len(damaged) + 1)] if chosen.random() < 0.2 else damaged)


def damaged_csv(chosen: random.Random) -> bytes:
    """A CSV with some bytes changed."""
    return _damage(chosen, _good_csv())


def damaged_ndjson(chosen: random.Random) -> bytes:
    """NDJSON with some bytes changed."""
    return _damage(chosen, _good_ndjson())


def damaged_parquet(chosen: random.Random) -> bytes:
    """A Parquet file with some bytes changed, most often in its description at the end."""
    data = _good_parquet(chosen.choice(["zstd", "snappy", "gzip", "lz4", "uncompressed"]))
    begin = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    if chosen.random() < 0.3:
        return _damage(chosen, data)
    footer = _damage(chosen, data[begin:-8])
    return data[:begin] + footer + len(footer).to_bytes(4, "little") + data[-4:]


def random_bytes(chosen: random.Random) -> bytes:
    """Bytes without any order, or with the first bytes of something else."""
    begin = chosen.choice([b"", b"PAR1", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\xfe\xff", b"[", b"{"])
    return begin + chosen.randbytes(chosen.randint(1, 3000))


def wide_line(chosen: random.Random) -> bytes:
    """A line of very many columns, or of a single very long one."""
    cell = chosen.choice([b"a;", b";", b"1,", b"\t", b'"",', b"6"])
    return cell * chosen.randint(900, 400_000) + chosen.choice([b"", b"\n0639984001\n"])


def odd_quotes(chosen: random.Random) -> bytes:
    """Quotes that are never closed, or are on each line."""
    line = chosen.choice([b'"\n', b'""\n', b'"a""\n', b'a"b;"\n', b'"' + b"a\n" * 99, b'";"\n'])
    return line * chosen.randint(1, 150_000 // len(line))


def short_lines(chosen: random.Random) -> bytes:
    """Lines with nothing, or nearly nothing, in them."""
    return chosen.choice([b"\n", b"\r", b";\n", b" \n", b"0\n", b"\r\n"]) * chosen.randint(1, 100_000)


def expanding_text(chosen: random.Random) -> bytes:
    """Some hundred bytes that are 17 to 40 MiB of text."""
    line = chosen.choice([b"0639984001\n", b"a;", b"\n", b"0", b'"\n', b'{"phone":"0639984001"}\n', bytes(64)])
    text = line * (chosen.randint(17, 40) * (1 << 20) // len(line))
    return _compressed(chosen, text, 1)


def compressed_twice(chosen: random.Random) -> bytes:
    """A stream in a stream: the inner one is no text."""
    return _compressed(chosen, gzip.compress(bytes(chosen.randint(1, 1 << 20))))


def many_frames(chosen: random.Random) -> bytes:
    """Frames without content, or with hardly any."""
    frame = chosen.choice(
        [gzip.compress(b""), zstandard.compress(b""), b"\x50\x2a\x4d\x18\0\0\0\0", gzip.compress(b"0"), b"\x1f\x8b"]
    )
    return zstandard.compress(b"0639984001\n") * chosen.randint(0, 1) + frame * chosen.randint(900, 6000)


def deep_json(chosen: random.Random) -> bytes:
    """JSON that is nested very deeply, or has very many members."""
    depth = chosen.randint(100, 200_000)
    return chosen.choice(
        [
            b'{"phone":' * (depth // 9) + b"1",
            b"[" * depth,
            b'{"phone":' + b"[" * depth + b"]" * depth + b"}",
            b"{" + b",".join(b'"%d":1' % at for at in range(depth // 9)) + b"}",
            b'{"phone":"' + b"\\u0000" * (depth // 9) + b'"}',
            b'{"phone":1e' + b"9" * depth + b"}",
            b'{"phone":' + b"9" * depth + b"}",
        ]
    )


def dictionary_of_one(chosen: random.Random) -> bytes:
    """A value that very many rows share."""
    cell = b"6" * chosen.choice([0, 9, 300, 8000, 1_000_000, 30_000_000])
    return dictionary_bomb(cell, chosen.choice([1, 1000, 250_000, 2_000_000, 2**30]), row_groups=chosen.choice([1, 50]))


def incremental_values(chosen: random.Random) -> bytes:
    """Values that each begin with the whole of the one before."""
    return incremental_bomb(b"6" * chosen.choice([10, 8000, 1_000_000]), chosen.choice([2, 500, 20_000]))


# What costs most has the fewest seeds.
_KINDS: list[tuple[str, Callable[[random.Random], bytes]]] = [
    *[(_PARQUET, damaged_parquet)] * 22,
    *[(_CSV, damaged_csv)] * 16,
    *[(_NDJSON, damaged_ndjson)] * 14,
    *[(_CSV, random_bytes)] * 4,
    *[(_NDJSON, random_bytes)] * 2,
    *[(_PARQUET, random_bytes)] * 2,
    *[(_PARQUET, dictionary_of_one)] * 12,
    *[(_PARQUET, incremental_values)] * 4,
    *[(_CSV, many_frames)] * 4,
    *[(_CSV, compressed_twice)] * 2,
    *[(_NDJSON, deep_json)] * 6,
    *[(_CSV, wide_line)] * 4,
    *[(_CSV, odd_quotes)] * 3,
    *[(_CSV, short_lines)] * 2,
    *[(_CSV, expanding_text)] * 2,
    (_NDJSON, expanding_text),
]
