"""Identifiers: UUID version 7 that carry a millisecond and nothing else."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.core.ids import uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 10**16).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))
FIXED_BITS = {*range(48, 52), 64, 65}


@given(moment=MOMENTS)
def test_id_is_a_version_7_uuid_with_the_millisecond_of_its_moment(moment: datetime) -> None:
    made = uuid7(moment)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert EPOCH + timedelta(milliseconds=made.int >> 80) <= moment
    assert moment < EPOCH + timedelta(milliseconds=(made.int >> 80) + 1)


@given(moment=MOMENTS, wait=st.integers(1, 10**10))
def test_ids_of_later_milliseconds_are_greater(moment: datetime, wait: int) -> None:
    assert uuid7(moment) < uuid7(moment + timedelta(milliseconds=wait))


def test_ids_of_one_millisecond_have_no_counter() -> None:
    # By chance alone, this fails less than once in ten billion runs.
    made = [uuid7(datetime(2026, 11, 28, tzinfo=UTC)).int for _ in range(1_000)]
    ones = [sum(number >> (127 - bit) & 1 for number in made) for bit in range(48, 128)]
    constant = {bit for bit, count in enumerate(ones, start=48) if count in (0, len(made))}
    assert constant == FIXED_BITS
    assert made != sorted(made)
    # Where an id counts up, the high bits of neighbours are the same.
    assert all(first >> 20 != second >> 20 for first, second in zip(sorted(made), sorted(made)[1:], strict=False))
