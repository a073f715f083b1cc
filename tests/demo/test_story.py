"""The story is that of the scenario, and its files contain exactly its numbers in any spelling."""

import zlib
from datetime import UTC, datetime
from itertools import chain

import numpy as np
from stdnum.fr import siren

from service.demo import story
from service.demo.files import LAYOUTS, File, lines_of, screenshot
from service.demo.story_types import FIRST_NUMBER, Campaign, Dataset, Organisation, Reconciliation, Transfer
from service.intake.columns.choice import ColumnChoice, ColumnRules
from service.intake.dates.reading import TimeReader
from service.intake.evidence import check_evidence
from service.intake.media import compression_of_content_encoding, format_of_content_type
from service.intake.reader import PartReader
from service.number.looks import CountryTest, telephone_test
from service.number.normalisation import normalise_column
from service.wording.language import PARIS

DATASETS = {step.code: step for step in story.STORY if isinstance(step, Dataset)}
RECONCILIATIONS = {step.transfer: step for step in story.STORY if isinstance(step, Reconciliation)}


def _read(file: File) -> dict[int, int]:
    """Numbers of a file by their last four digits, with the earliest consent of each in Unix seconds."""
    reader = PartReader(
        format=format_of_content_type(file.headers["Content-Type"]),
        compression=compression_of_content_encoding(file.headers.get("Content-Encoding")),
        dialect=None,
        rules=ColumnRules(ColumnChoice(), telephone_test("FR"), CountryTest("FR"), reads_consent=True),
        times=TimeReader("Europe/Paris"),
    )
    found: dict[int, int] = {}
    for lines in chain(reader.feed(file.content), reader.finish()):
        numbers = normalise_column(lines.phone, "FR").numbers
        times = np.zeros(len(numbers), np.uint32) if lines.consented_at is None else lines.consented_at
        for number, moment in zip(numbers.tolist(), times.tolist(), strict=True):
            if number:
                found[number - FIRST_NUMBER] = min(moment, found.get(number - FIRST_NUMBER, moment))
    return found


def test_files_of_datasets_contain_their_numbers_and_consents() -> None:
    wrong = []
    for code, step in DATASETS.items():
        if step.numbers:
            found = _read(LAYOUTS[step.layout](lines_of(step.numbers, step.consented_on)))
            if set(found) != set(chain.from_iterable(step.numbers)) or not _has_consents(step, found):
                wrong.append(code)
    assert wrong == []


def _has_consents(step: Dataset, found: dict[int, int]) -> bool:
    """Whether each consent was given at noon of its day; true without consents."""
    if step.consented_on is None:
        return True
    moments = {n: datetime.fromtimestamp(seconds, UTC).astimezone(PARIS) for n, seconds in found.items()}
    return {n: (moment.date(), moment.hour, moment.minute) for n, moment in moments.items()} == {
        n: (step.consented_on(n), 12, 0) for n in found
    }


def test_files_of_recipients_contain_what_they_received() -> None:
    wrong = [
        transfer
        for transfer, step in RECONCILIATIONS.items()
        if set(_read(LAYOUTS[step.layout](lines_of(step.numbers, None)))) != set(chain.from_iterable(step.numbers))
    ]
    assert wrong == []


def test_datasets_have_the_numbers_of_the_scenario() -> None:
    content = {
        "D1": (0, 2999), "D2": (2000, 4999), "D3": (5000, 6499), "D4": (4000, 8499),
        "X6": (4500, 7999), "X7": (5000, 8499), "X8": (0, 3999), "X9": (1000, 1999),
    }  # fmt: skip
    assert {
        code: (step.numbers[0].start, step.numbers[-1].stop - 1) for code, step in DATASETS.items() if step.numbers
    } == content
    assert list(chain.from_iterable(RECONCILIATIONS["T6"].numbers))[3500:] == [9000, 9001, 9002, 9003]


def test_transfers_and_campaigns_have_the_times_of_the_scenario() -> None:
    moments = {step.code: f"{step.occurred_at:%Y-%m-%d}" for step in story.STORY if isinstance(step, Transfer)}
    assert moments == {
        "T1": "2021-07-01", "T2": "2023-04-01", "T3": "2024-04-10", "T4": "2024-01-15",
        "T5": "2024-05-28", "T6": "2024-05-29", "T7": "2024-04-02", "T8": "2024-05-30",
    }  # fmt: skip
    began = {step.code: f"{step.began_at:%Y-%m-%d %H:%M}" for step in story.STORY if isinstance(step, Campaign)}
    assert began == {"C1": "2024-06-06 10:00", "C2": "2024-06-06 18:00", "C3": "2024-06-08 09:00"}


def test_organisations_have_valid_siren_that_belong_to_nobody() -> None:
    organisations = {step for step in (story.OPERATOR, *story.ADMITTED, *story.STORY) if isinstance(step, Organisation)}
    assert len({organisation.siren for organisation in organisations}) == len(organisations) == 10
    assert all(
        siren.is_valid(organisation.siren) and organisation.siren.startswith("000") for organisation in organisations
    )


def test_screenshot_is_a_valid_png() -> None:
    content = screenshot()
    check_evidence(content, "image/png")
    begin = content.index(b"IDAT") + 4
    size = int.from_bytes(content[begin - 8 : begin - 4])
    assert len(zlib.decompress(content[begin : begin + size])) == 32 * (96 + 1)
