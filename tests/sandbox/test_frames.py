"""What a reader process sends is what was packed, and anything else is refused with one exception."""

import struct

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.columns.choice import IgnoredColumn, ReadColumn
from service.intake.dates.order import OrderCounts, Separators
from service.intake.dialect import Dialect
from service.intake.errors import UnreadablePart
from service.intake.media import Format
from service.intake.names.roles import Role, is_name
from service.number.rejection import REASONS
from service.sandbox.batch import Batch, BrokenReader, Refusals, pack_batch, unpack_batch
from service.sandbox.frames import Edges, End, pack_end, pack_refusal, unpack_end, unpack_refusal

NUMBERS = st.integers(1, 10**15 - 1)
RAWS = st.text(st.characters(codec="utf-8"), max_size=20).map(str.encode)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    numbers = draw(st.lists(NUMBERS, max_size=4))
    times = draw(st.none() | st.just([draw(st.integers(0, 2**32 - 1)) for _ in numbers]))
    ids = draw(st.none() | st.just([draw(st.text(st.characters(codec="utf-8"), max_size=9)) for _ in numbers]))
    lines = sorted(draw(st.sets(st.integers(1, 2**40), max_size=3)))
    return Batch(
        lines=len(numbers) + len(lines) + draw(st.integers(0, 5)),
        numbers=np.array(numbers, dtype=np.int64),
        unallocated=draw(st.integers(0, len(numbers))),
        consented_at=None if times is None else np.array(times, dtype=np.uint32),
        record_ids=None if ids is None else np.array(ids, dtype=np.object_),
        refusals=Refusals(
            np.array(lines, dtype=np.int64),
            np.array([draw(st.integers(1, len(REASONS))) for _ in lines], dtype=np.uint8),
            np.array([[draw(st.integers(0, 2**20))] * 2 for _ in lines], dtype=np.uint32).reshape(len(lines), 2),
            [draw(RAWS) for _ in lines],
        ),
    )


def plain(batch: Batch) -> tuple[object, ...]:
    return (
        batch.lines,
        batch.numbers.tolist(),
        batch.unallocated,
        None if batch.consented_at is None else batch.consented_at.tolist(),
        None if batch.record_ids is None else list(batch.record_ids),
        batch.refusals.line.tolist(),
        batch.refusals.reason.tolist(),
        batch.refusals.fields.tolist(),
        list(batch.refusals.raw),
    )


@given(batches())
def test_batch_as_bytes_and_back_is_the_same(batch: Batch) -> None:
    assert plain(unpack_batch(memoryview(pack_batch(batch)))) == plain(batch)


def is_sound(batch: Batch) -> bool:
    """Whether the service can go on with a batch, whatever it says."""
    columns = [column for column in (batch.consented_at, batch.record_ids) if column is not None]
    texts = [] if batch.record_ids is None else list(batch.record_ids)
    return (
        len(batch.numbers) + len(batch.refusals) <= batch.lines <= 1 << 16
        and all(0 < number < 10**15 for number in batch.numbers.tolist())
        and all(len(column) == len(batch.numbers) for column in columns)
        and all(isinstance(text, str) and len(text) <= 200 for text in texts)
        and all(0 < reason <= len(REASONS) for reason in batch.refusals.reason.tolist())
        and batch.refusals.fields.shape == (len(batch.refusals), 2)
        and all(0 <= count < 2**31 for count in batch.refusals.fields.flatten().tolist())
        and all(len(raw.decode()) <= 200 for raw in batch.refusals.raw)
        and batch.refusals.line.tolist() == sorted({line for line in batch.refusals.line.tolist() if line > 0})
    )


@settings(max_examples=150)
@given(batches(), st.data())
def test_batch_of_a_lying_reader_is_sound_or_refused(batch: Batch, data: st.DataObject) -> None:
    packed = bytearray(pack_batch(batch))
    for _ in range(data.draw(st.integers(1, 4))):
        # The counts in the header are what matters most.
        if data.draw(st.booleans()):
            struct.pack_into("<I", packed, 4 * data.draw(st.integers(0, 4)), data.draw(st.integers(0, 2**32 - 1)))
        else:
            packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    packed = packed[: data.draw(st.integers(0, len(packed)))] if data.draw(st.booleans()) else packed
    try:
        read = unpack_batch(memoryview(bytes(packed)))
    except BrokenReader:
        return
    assert is_sound(read)


@given(st.binary(max_size=60))
def test_frames_of_any_bytes_are_refused_with_one_exception(data: bytes) -> None:
    with pytest.raises(BrokenReader):
        unpack_end(memoryview(data), Format.CSV)
    with pytest.raises(BrokenReader):
        unpack_refusal(memoryview(data))
    try:
        unpack_batch(memoryview(data))
    except BrokenReader:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12) | st.just("0639984001"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
DIALECT = Dialect(Format.CSV, {Role.PHONE: 1}, {Role.PHONE: "mobile"}, None, ";", 3, 3, [7, 40_000, 0])
END = End(
    DIALECT,
    [ReadColumn(Role.PHONE, "mobile", 2)],
    [IgnoredColumn("ville", "3")],
    OrderCounts(1, 0, 2),
    Separators("-", "/"),
    Edges(begins_cut=False, ends_cut=True, ends_open=True),
    has_header=True,
    hidden_rows=3,
)


@given(st.data())
def test_end_of_a_lying_reader_stores_nothing_that_may_be_a_number(data: st.DataObject) -> None:
    members = orjson.loads(pack_end(END))
    place = members["dialect"] if data.draw(st.booleans()) else members
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON | st.just([[0, "0639984001"]]))
    try:
        end = unpack_end(memoryview(orjson.dumps(members)), Format.CSV)
    except BrokenReader:
        return
    assert all(is_name(column.shown) and is_name(column.stored) for column in end.ignored_columns)
    assert all(column.name is None or is_name(column.name) for column in end.read_columns)
    assert all(map(is_name, end.dialect.names.values()))
    assert all(type(check) is int and 0 <= check < 1 << 16 for check in end.dialect.header or [])
    assert all(type(at) is int for at in end.dialect.columns.values())
    assert all(type(edge) is bool for edge in end.edges)
    assert all(type(count) is int and count >= 0 for count in end.order_counts)
    assert all(set(signs) <= set("-./") for signs in end.separators)


def test_end_and_refusal_as_bytes_and_back_are_the_same() -> None:
    end = unpack_end(memoryview(pack_end(END)), Format.CSV)
    assert end == END
    refusal = unpack_refusal(memoryview(pack_refusal(UnreadablePart("not_text", "The part is not text."))))
    assert (refusal.slug, refusal.detail) == ("not_text", "The part is not text.")


@pytest.mark.parametrize("detail", ["+33 6 39 98 40 01", "a\nb", "x" * 3000, "06-39-98-40-01 is odd"])
def test_refusal_with_a_number_or_signs_of_control_is_refused(detail: str) -> None:
    with pytest.raises(BrokenReader):
        # As a reader that was taken over sends it: the error itself hides such text.
        unpack_refusal(memoryview(orjson.dumps(["seen", detail])))
