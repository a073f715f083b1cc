"""Plain signs and letters of whole columns: the same as of each cell."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.intake.cells import Cells
from service.intake.dates.plain_cells import not_ascii, plain_cells, plain_letters

TEXTS = st.text(max_size=12) | st.text(" \n\t0٠-\u2011é\u200b€😀", max_size=12)


@given(st.lists(TEXTS, max_size=12))
def test_plain_cells_are_the_plain_texts_of_the_cells(texts: list[str]) -> None:
    cells = Cells.of(texts)
    assert plain_cells(cells).texts() == [plain_letters(text.replace("\n", " ")) for text in texts]
    assert not_ascii(cells).tolist() == [not text.isascii() for text in texts]


@given(st.lists(TEXTS, min_size=2, max_size=12))
def test_plain_cells_of_some_rows_are_those_rows(texts: list[str]) -> None:
    rows = np.arange(0, len(texts), 2)
    assert plain_cells(Cells.of(texts)[rows]).texts() == [plain_letters(text.replace("\n", " ")) for text in texts[::2]]


def test_plain_letters_have_no_accents_however_these_are_written() -> None:
    assert plain_letters("Février\u00a0à\u2009août\u2011e\u0301") == "Fevrier a aout-e"
    assert plain_letters("€\u200b") == "€"
