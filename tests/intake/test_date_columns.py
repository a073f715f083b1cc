"""Columns of dates: they come back as the instants that they were made of, or are refused. Never another instant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from service.intake.cells import Cells
from service.intake.dates.order import OrderCounts
from service.intake.dates.reading import TimeReader
from service.intake.errors import UnreadablePart
from tests.intake.date_writers import (
    CLOCKS,
    DATES,
    DAY_FIRST,
    MONTH_FIRST,
    OFFSETS,
    STATED,
    STATED_INSTANTS,
    StatedForm,
)

ZONES = st.sampled_from(["Europe/Paris", "UTC", "Indian/Reunion", "America/New_York", "Australia/Lord_Howe"])
MOMENTS = st.lists(
    st.datetimes(datetime(1971, 1, 1), datetime(2105, 12, 31)).map(lambda moment: moment.replace(microsecond=0)),  # noqa: DTZ001
    min_size=1,
    max_size=12,
)
# How programs and keyboards write the same signs.
SPACES, DASHES = " \u00a0\u2009\u202f\u2007\t\u3000", "-\u2010\u2011\u2012\u2013\u2212\uff0d"
SCRIPTS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19"]
MARKS = "\u200b\u200e\u202a\u202c\u2066\u061c\ufeff\u00ad"


def read(cells: list[str], zone: str, stated: str | None = None) -> tuple[list[int | None], OrderCounts]:
    """The seconds of each cell, None where it cannot be read. Raises UnreadablePart."""
    reader = TimeReader(zone, stated)
    times, unreadable = reader.read(Cells.of(cells))
    reader.finish()
    seconds = [None if wrong else time for time, wrong in zip(times.tolist(), unreadable.tolist(), strict=True)]
    return seconds, reader.order_counts


def local(moment: datetime, zone: str) -> int:
    # The text does not tell which of two equal hours it means.
    return round(moment.replace(tzinfo=ZoneInfo(zone), fold=0).timestamp())


@st.composite
def decorated(draw: st.DrawFn, text: str) -> str:
    """A text in other characters that mean the same."""
    digits = str.maketrans(SCRIPTS[0], draw(st.sampled_from(SCRIPTS)))
    signs = str.maketrans({" ": draw(st.sampled_from(SPACES)), "-": draw(st.sampled_from(DASHES))})
    written = text.translate(digits).translate(signs)
    at = draw(st.integers(0, len(written)))
    return draw(st.sampled_from(["", " ", '"', "\u00a0"])) + written[:at] + draw(st.sampled_from(MARKS)) + written[at:]


@given(MOMENTS, ZONES, st.sampled_from(sorted(DATES)), st.sampled_from(sorted(CLOCKS)))
def test_read_column_of_an_unambiguous_form_gives_the_instants(
    moments: list[datetime], zone: str, date: str, clock: str
) -> None:
    cells = [DATES[date](moment) + CLOCKS[clock].write(moment) for moment in moments]
    expected = [local(CLOCKS[clock].keep(moment), zone) for moment in moments]
    assert read(cells, zone) == (expected, OrderCounts())


@given(
    MOMENTS, st.sampled_from(sorted(DATES | DAY_FIRST)), st.sampled_from(sorted(CLOCKS)), st.sampled_from([*OFFSETS])
)
def test_read_column_with_offsets_ignores_the_zone(moments: list[datetime], date: str, clock: str, offset: str) -> None:
    # A date without a time of day has no offset.
    clock = clock or "T14:05:30"
    write, keep = (DATES | DAY_FIRST)[date], CLOCKS[clock].keep
    written = [(moment, *OFFSETS[offset](keep(moment))) for moment in moments]
    cells = [write(moment) + CLOCKS[clock].write(moment) + text for moment, text, _ in written]
    assert read(cells, "Europe/Paris")[0] == [round(aware.timestamp()) for _, _, aware in written]


@given(MOMENTS, ZONES, st.sampled_from(sorted(DAY_FIRST)), st.sampled_from(sorted(CLOCKS)))
def test_read_column_with_the_day_first_gives_the_instants(
    moments: list[datetime], zone: str, date: str, clock: str
) -> None:
    cells = [DAY_FIRST[date](moment) + CLOCKS[clock].write(moment) for moment in moments]
    seconds, counts = read(cells, zone)
    assert seconds == [local(CLOCKS[clock].keep(moment), zone) for moment in moments]
    assert counts.day_first == sum(moment.day > 12 for moment in moments)
    assert counts.either == sum(moment.day <= 12 and moment.day != moment.month for moment in moments)


@given(MOMENTS, ZONES, st.sampled_from(sorted(MONTH_FIRST)), st.sampled_from(sorted(CLOCKS)))
@example([datetime(2000, 1, 1)] * 2 + [datetime(2000, 1, 13)], "UTC", "03/26/2023", "")  # noqa: DTZ001
def test_read_column_with_the_month_first_is_refused_or_leaves_the_order_open(
    moments: list[datetime], zone: str, date: str, clock: str
) -> None:
    """Beside dates that are the same day in either order, one with the month first is an error and read as none."""
    cells = [MONTH_FIRST[date](moment) + CLOCKS[clock].write(moment) for moment in moments]
    try:
        seconds, counts = read(cells, zone)
    except UnreadablePart as refusal:
        refused = refusal.slug
    else:
        is_open = counts.either > 0 and counts.day_first == counts.month_first == 0
        expected = [None if moment.day > 12 else local(CLOCKS[clock].keep(moment), zone) for moment in moments]
        assert is_open or (seconds == expected and counts.month_first <= 1)
        return
    assert (refused, any(moment.day > 12 for moment in moments)) == ("dates_month_first", True)


@given(MOMENTS, ZONES, st.sampled_from(STATED))
def test_read_column_of_a_stated_form_gives_the_instants(moments: list[datetime], zone: str, form: StatedForm) -> None:
    # Two digits of a year stand for 1969 to 2068.
    moments = [moment for moment in moments if "%y" not in form.stated or moment.year < 2069]
    cells = [form.write(moment) for moment in moments]
    assert read(cells, zone, form.stated)[0] == [local(form.keep(moment), zone) for moment in moments]


@given(MOMENTS, ZONES, st.sampled_from(STATED_INSTANTS), st.integers(-23 * 60, 23 * 60))
def test_read_column_of_stated_instants_ignores_the_zone(
    moments: list[datetime], zone: str, form: StatedForm, minutes: int
) -> None:
    aware = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo("Asia/Kolkata")) for moment in moments]
    cells = [form.write(moment + timedelta(minutes=minutes)) for moment in aware]
    expected = [round((moment + timedelta(minutes=minutes)).timestamp()) for moment in aware]
    assert read(cells, zone, form.stated)[0] == expected


@given(st.data(), MOMENTS, ZONES, st.sampled_from(sorted(DATES | DAY_FIRST)), st.sampled_from(sorted(CLOCKS)))
def test_read_column_in_other_characters_gives_the_same_instants(
    data: st.DataObject, moments: list[datetime], zone: str, date: str, clock: str
) -> None:
    cells = [(DATES | DAY_FIRST)[date](moment) + CLOCKS[clock].write(moment) for moment in moments]
    others = [data.draw(decorated(cell)) for cell in cells]
    assert read(others, zone) == read(cells, zone)


@given(st.lists(st.text(max_size=40) | st.text("0123456789-/:TZW+. hà", max_size=25), max_size=20), st.booleans())
def test_read_column_of_any_text_in_chunks_gives_the_same(cells: list[str], month_first: bool) -> None:
    stated = "month_first" if month_first else "day_first"
    whole, chunked = TimeReader("Europe/Paris", stated), TimeReader("Europe/Paris", stated)
    times, unreadable = whole.read(Cells.of(cells))
    parts = [chunked.read(Cells.of([cell])) for cell in cells]
    assert [int(time[0]) for time, _ in parts] == times.tolist()
    assert [bool(wrong[0]) for _, wrong in parts] == unreadable.tolist()
    assert chunked.order_counts == whole.order_counts


def test_read_column_with_forms_that_few_cells_have_reads_and_counts_each_once() -> None:
    reader = TimeReader("UTC")
    common = [f"{day:02}/03/2023" for day in range(13, 29)] * 3
    rare = ["26 août 2023", "26.3.2023", "2023-W12-7", "nc", "x" * 90, "", "mercredi 29 mars 2023 14h05"]
    times, unreadable = reader.read(Cells.of([*common, *rare, *common]))
    assert [bool(flag) for flag in unreadable[len(common) : len(common) + len(rare)]] == [0, 0, 0, 1, 1, 0, 0]
    moments = times[len(common) : len(common) + len(rare)].tolist()
    assert moments == [1693008000, 1679788800, 1679788800, 0, 0, 0, 1680098700]
    # Cells beyond ASCII are read apart from the others, which count no second time for that.
    assert reader.order_counts.day_first == 2 * len(common) + 1
