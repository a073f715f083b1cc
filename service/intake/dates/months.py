"""Names of months and weekdays, in French and English, without accents and in lower case.

Both languages agree on months: no name or abbreviation is one month in French and another in English.
"""

from typing import Final

_MONTHS: Final = (
    "january jan janvier janv",
    "february feb fevrier fevr fev",
    "march mar mars",
    "april apr avril avr",
    "may mai",
    "june jun juin",
    "july jul juillet juil",
    "august aug aout aou",
    "september sept sep septembre",
    "october oct octobre",
    "november nov novembre",
    "december dec decembre",
)
MONTHS: Final = {name: month for month, names in enumerate(_MONTHS, start=1) for name in names.split()}
"""The number of each month by its name: from 1 for January."""

_WEEKDAYS: Final = (
    "monday mon lundi lun",
    "tuesday tues tue mardi mar",
    "wednesday wed mercredi mer",
    "thursday thurs thu jeudi jeu",
    "friday fri vendredi ven",
    "saturday sat samedi sam",
    "sunday sun dimanche dim",
)
WEEKDAYS: Final = {name: day for day, names in enumerate(_WEEKDAYS, start=1) for name in names.split()}
"""The number of each weekday by its name: from 1 for Monday, as in ISO 8601."""
