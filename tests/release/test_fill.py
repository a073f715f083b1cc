"""How full number blocks are, compared with counting them singly."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.release import fill

NUMBERS = st.sets(st.integers(33_600_000_000, 33_600_060_000), max_size=300)
BLOCKS = st.sets(st.integers(3_360_000, 3_360_006), max_size=3)


@given(parts=st.lists(NUMBERS, max_size=4), full=BLOCKS)
def test_histogram_counts_each_block_in_the_class_of_its_fill(parts: list[set[int]], full: set[int]) -> None:
    numbers = set().union(*parts) | {block * fill.BLOCK_SIZE + last for block in full for last in range(10_000)}
    expected = Counter(number // fill.BLOCK_SIZE for number in numbers)
    spans = fill.spans()
    filled, seen = fill.NOTHING, set[int]()
    for part in (*parts, numbers):
        filled = fill.add(filled, fill.fill(np.array(sorted(part - seen), np.int64)))
        seen |= part
    assert fill.histogram(filled) == [
        sum(first <= count <= last for count in expected.values()) for first, last in spans
    ]


def test_spans_name_the_classes_of_the_operators_list() -> None:
    assert fill.spans() == [(1, 1), (2, 9), (10, 99), (100, 999), (1_000, 4_999), (5_000, 9_999), (10_000, 10_000)]
