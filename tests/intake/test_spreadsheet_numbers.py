"""Numeric cells: their number format decides whether they are dates, and how many digits they have."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, to_excel

from service.intake.xlsx.spreadsheet_numbers import cell_format, number_text

_PHONES_IN_FRENCH_EXCEL = '0#" "##" "##" "##" "##'


@pytest.mark.parametrize(
    ("code", "stored", "text"),
    [
        (None, "33639980001", "33639980001"),
        (None, "3.3639980001E10", "33639980001"),
        (None, "33639980001.0", "33639980001"),
        (None, "3.36E+10", "33600000000"),
        ("General", "639980001", "639980001"),
        ("0", "639980001", "639980001"),
        ("0000000000", "639980001", "0639980001"),
        ("00 00 00 00 00", "639980001", "0639980001"),
        ('00"."00"."00"."00"."00', "639980001", "0639980001"),
        (r"00\ 00\ 00\ 00\ 00", "639980001", "0639980001"),
        (_PHONES_IN_FRENCH_EXCEL, "639980001", "0639980001"),
        ("[$-40C]0000000000;-0", "639980001", "0639980001"),
        ("[>=10000000000]00000000000;0000000000", "639980001", "0639980001"),
        ("[>=10000000000]00000000000;0000000000", "33639980001", "33639980001"),
        ("[<=9999999]###-####;(###) ###-####", "2025550123", "2025550123"),
        ('[<1000000000]"+33 "0;[<=33999999999]"+"0;0', "639980001", "+33 639980001"),
        ('[<1000000000]"+33 "0;[<=33999999999]"+"0;0', "33639980001", "+33639980001"),
        ('[<1000000000]"+33 "0;[<=33999999999]"+"0;0', "41446681800", "41446681800"),
        ('"+33 "0', "639980001", "+33 639980001"),
        (r"\+33 0", "639980001", "+33 639980001"),
        ("+33 0", "639980001", "+33 639980001"),
        ("[$+33-40C] 0", "639980001", "+33 639980001"),
        ('"+33 "General', "639980001", "+33 639980001"),
        ('[Blue]"+33"000000000', "639980001", "+33639980001"),
        ('"+33 "0 00 00 00 00', "639980001", "+33 6 39 98 00 01"),
        ('"+1 "(000) 000-0000', "2025550123", "+1 (202) 555-0123"),
        ('"+33 "##########', "639980001", "+33 639980001"),
        ('"0"0', "612345678", "0612345678"),
        ('0" ext 5"', "639980001", "639980001 ext 5"),
        ('"Tél. "0000000000', "639980001", "0639980001"),
        (';;"+33 "0', "639980001", "639980001"),
        # Beside digits of the format, these show another number than the one that is stored.
        ('"+33 "0%', "639980001", "639980001 (+33 %)"),
        ('"+33 "#,##0', "639980001", "639980001 (+33 %)"),
        ('"+33639980001"', "5", "5 (+33639980001%)"),
        ("#,##0", "639980001", "639980001"),
        ("0.00", "639980001", "639980001"),
        ("@", "639980001", "639980001"),
    ],
)
def test_digits_are_those_that_the_format_shows(code: str | None, stored: str, text: str) -> None:
    assert number_text(0, code, since_1904=False)(stored) == text


def test_read_text_cell_gives_the_digits_that_its_format_shows() -> None:
    cases = [
        ('"+33 "@', "639980001", "+33 639980001"),
        (r"\+33@", "639980001", "+33639980001"),
        ("+33 @", "639980001", "+33 639980001"),
        ("[$+33-40C] @", "639980001", "+33 639980001"),
        ('0;-0;0;"+33 "@', "639980001", "+33 639980001"),
        ('"+33 "0;[Red]"+33 "@', "639980001", "+33 639980001"),
        ('@" ext. 5"', "0639980001", "0639980001 ext. 5"),
        ('"+"@', "33", "+33"),
        (r"\0@", "639980001", "0639980001"),
        # What the text becomes is unclear, and no number.
        ("@@", "639980001", "639980001639980001"),
        ('0;0;0;"+33"', "639980001", "639980001 (+33%)"),
        # The format adds no digits, it is not for text, or the text is no number.
        (None, "0639980001", "0639980001"),
        ("@", "0639980001", "0639980001"),
        ('"Tél. "@', "0639980001", "0639980001"),
        ('_-* #,##0_-;-* #,##0_-;_-* "-"_-;_-@_-', "0639980001", "0639980001"),
        (";;;", "0639980001", "0639980001"),
        ('"+33 "0', "0639980001", "0639980001"),
        ('dd/mm/yyyy" 2023";@', "26/03/2023", "26/03/2023"),
        ('"+33 "@', "Téléphone", "Téléphone"),
        ('"+33 "@', "", ""),
    ]
    wrong = []
    for code, stored, text in cases:
        show = cell_format(0, code, since_1904=False).text
        if (show(stored) if show else stored) != text:
            wrong.append((code, stored, text, show and show(stored)))
    assert wrong == []


@pytest.mark.parametrize("stored", ["639980001.5", "-639980001", "1E15", "1E400", "nan", "twelve", "", "0x1F"])
def test_numbers_that_are_no_digits_stay_as_they_are(stored: str) -> None:
    assert number_text(0, None, since_1904=False)(stored) == stored


@pytest.mark.parametrize("code", ["dd/mm/yyyy", "[$-40C]d mmmm yyyy;@", "yyyy-mm-dd", "m/d/yy", 'dd" "mm" "yyyy'])
@pytest.mark.parametrize("since_1904", [False, True])
@given(at=st.datetimes(datetime(1904, 3, 1), datetime(9999, 12, 30)).map(lambda at: at.replace(microsecond=0)))
def test_dates_are_read_whatever_their_order_on_the_screen(code: str, since_1904: bool, at: datetime) -> None:
    epoch = CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900
    read, day = number_text(164, code, since_1904=since_1904), at.replace(hour=0, minute=0, second=0)
    assert read(repr(to_excel(day, epoch))) == day.date().isoformat()
    assert read(repr(to_excel(at, epoch))) in (at.isoformat(), at.date().isoformat())


@given(at=st.datetimes(datetime(1900, 3, 1), datetime(2199, 12, 31)).map(lambda at: at.replace(microsecond=0)))
def test_times_are_read_to_the_second(at: datetime) -> None:
    for format_id, code in ((22, None), (164, "dd/mm/yyyy hh:mm"), (164, "yyyy-mm-dd h:mm AM/PM")):
        read = number_text(format_id, code, since_1904=False)(repr(to_excel(at)))
        assert abs(datetime.fromisoformat(read) - at) < timedelta(milliseconds=2)
        assert len(read) in (19, 23)


@pytest.mark.parametrize("format_id", [14, 15, 16, 17, 27, 30, 36, 50, 57, 58])
def test_formats_that_have_numbers_alone_are_dates(format_id: int) -> None:
    assert number_text(format_id, None, since_1904=False)("45011") == "2023-03-26"


@pytest.mark.parametrize("code", ["h:mm", "[h]:mm:ss", "mmm yyyy", '"day" 0', r"\d\a\y 0", '0 "y d"', "General"])
def test_formats_without_a_day_are_no_dates(code: str) -> None:
    assert number_text(164, code, since_1904=False)("45011") == "45011"


@pytest.mark.parametrize("stored", ["0", "59", "60", "-1", "2958466", "1e300", "nan", "33639980001"])
def test_serials_that_are_no_day_stay_as_they_are(stored: str) -> None:
    assert number_text(14, None, since_1904=False)(stored) == stored
