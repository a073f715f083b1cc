"""Why a line of an upload is rejected: a closed list, and what each reason says to its reader."""

from enum import StrEnum
from typing import Final, NamedTuple


class RejectReason(StrEnum):
    """Why a line was rejected. The values are stable, because they are stored and appear in responses and downloads."""

    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    QUOTED_LINES = "quoted_lines"
    NOT_AN_OBJECT = "not_an_object"
    REPEATED_MEMBER = "repeated_member"
    COUNTRY_UNKNOWN = "country_unknown"
    EMPTY = "empty"
    SCIENTIFIC_NOTATION = "scientific_notation"
    SPREADSHEET_DECIMAL = "spreadsheet_decimal"
    SEVERAL_NUMBERS = "several_numbers"
    EXTENSION = "extension"
    NOT_A_NUMBER = "not_a_number"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    PLUS_MISSING = "plus_missing"
    ONLY_ZEROS = "only_zeros"
    UNKNOWN_COUNTRY_CODE = "unknown_country_code"
    NOT_POSSIBLE = "not_possible"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_UNCLEAR = "consent_unclear"
    CONSENT_UNREADABLE = "consent_unreadable"
    CONSENT_IN_FUTURE = "consent_in_future"
    CONSENT_AFTER_DATASET = "consent_after_dataset"
    CONSENT_OUTSIDE_COLLECTION = "consent_outside_collection"
    CONSENT_RECORD_ID_TOO_LONG = "consent_record_id_too_long"


_SHIFT: Final = ", so its cells may be in the wrong columns. "
_ADVICE: Final = {
    RejectReason.TOO_FEW_FIELDS: (
        "Add the missing delimiters, also those of empty cells at its end, which some spreadsheets leave out."
    ),
    RejectReason.TOO_MANY_FIELDS: (
        "Put cells that contain the delimiter between double quotes. In a workbook, empty the last cell, or name its "
        "column."
    ),
}
REJECT_EXPLANATIONS: dict[RejectReason, str] = {
    reason: f"The line has {compared} fields than the header or the other lines{_SHIFT}{_ADVICE[reason]}"
    for reason, compared in ((RejectReason.TOO_FEW_FIELDS, "fewer"), (RejectReason.TOO_MANY_FIELDS, "more"))
} | {
    RejectReason.QUOTED_LINES: (
        "A cell that begins with a double quote runs over the next lines, which look like lines of the list, so the "
        "number of one and the time of another may be mixed up. None of these lines was read. Write each double quote "
        "that is text twice within a quoted cell, or delete it, as where it stands for the cell above."
    ),
    RejectReason.NOT_AN_OBJECT: (
        "The line is not a JSON object. Write one object on each line, and nothing before, between or after them."
    ),
    RejectReason.REPEATED_MEMBER: (
        "The object has a member twice, so which value counts is not known. Write each member once."
    ),
    RejectReason.COUNTRY_UNKNOWN: (
        "The country of the line cannot be read for certain, and its number has no country code of its own. Write its "
        "name in English or French, or its calling code with + (250 could also be the ISO 3166-1 code of France, "
        "and NA may mean that it is missing). Or write the number with + and its country code."
    ),
    RejectReason.EMPTY: "The line has no number. Delete it, or check that the right column was read (column=).",
    RejectReason.SCIENTIFIC_NOTATION: (
        "The number was written in scientific notation or single precision, which lost its last digits. Format the "
        "column as text in the source file and export it again."
    ),
    RejectReason.SPREADSHEET_DECIMAL: (
        "A spreadsheet or data tool wrote the number as a decimal. Format the column as text in the source "
        "file and export it again."
    ),
    RejectReason.SEVERAL_NUMBERS: "The cell contains several numbers. Put each number on its own line.",
    RejectReason.EXTENSION: (
        "The number has an extension, so it belongs to a switchboard and not to a person. Remove the extension if the "
        "number is meant without it."
    ),
    RejectReason.NOT_A_NUMBER: (
        "The cell contains letters or signs that a telephone number cannot have, or is grouped like a date, an address "
        "of a machine, an amount or another figure. Correct it, or check that the right column was read (column=). "
        "Write a telephone number with +, its country code, and nothing before that."
    ),
    RejectReason.TOO_SHORT: (
        "The number has too few digits for its country, or lost a zero at its beginning. Write it with its area code "
        "and the zero before that, if there is one, or with its country code."
    ),
    RejectReason.TOO_LONG: (
        "The number has too many digits for its country. Correct it, or put each number on its own line."
    ),
    RejectReason.PLUS_MISSING: (
        "The number has too many digits for its region, stands in a column of international numbers (E.164) without "
        "its country code, or can be read both with a country code and as a number of its region. Write it with + and "
        "its country code."
    ),
    RejectReason.ONLY_ZEROS: (
        "The number consists of zeros, which stand for a number that is missing. Write the number, or delete the line."
    ),
    RejectReason.UNKNOWN_COUNTRY_CODE: (
        "The number begins with a calling code that no country has. Correct the digits after the plus sign or 00."
    ),
    RejectReason.NOT_POSSIBLE: (
        "The numbers of its country do not have this many digits. Correct it, or state the right default region."
    ),
    RejectReason.CONSENT_REFUSED: (
        "A column beside the number says that the person refused, unsubscribed or must not be called, so its consent "
        "time is not that of a consent. Leave the line out, or correct it. If the column says something else, set "
        "consent_state_column= to the one that counts, or to none."
    ),
    RejectReason.CONSENT_UNCLEAR: (
        "A column that says whether the person agreed has neither a yes nor a no in this line. Write yes or no, leave "
        "it empty if it is unknown, or set consent_state_column= to the column that counts, or to none."
    ),
    RejectReason.CONSENT_UNREADABLE: (
        "The consent time is in none of the forms that are read, or is not between 1970 and 2106. The forms are ISO "
        "8601 (yyyy-mm-dd, yyyymmdd, yyyy-ddd, yyyy-Www-d), dd/mm/yyyy with slashes, full stops or hyphens, and a day "
        "with its month named in French or English (26 mars 2023), each with or without a time. Correct it, leave it "
        "empty if it is unknown, or state another form by date_format=."
    ),
    RejectReason.CONSENT_IN_FUTURE: (
        "The consent time is in the future. Check the day, the month and the stated time zone."
    ),
    RejectReason.CONSENT_AFTER_DATASET: (
        "The consent was given after the dataset was made. Check both dates. "
        "If only the day of the dataset was stated, it was made when that day began: state the time of its export."
    ),
    RejectReason.CONSENT_OUTSIDE_COLLECTION: (
        "The consent was given outside the period of the collection. Check the date, or register the numbers under the "
        "collection that they come from."
    ),
    RejectReason.CONSENT_RECORD_ID_TOO_LONG: (
        "The consent record id is longer than 200 characters. Send the id alone."
    ),
}


class FieldCounts(NamedTuple):
    """How many fields a rejected line has, and how many its header or the other lines have."""

    fields: int
    usual: int


def explain_reject(reason: RejectReason, counts: FieldCounts | None = None) -> str:
    """Why a line was rejected, and what to do. With `counts`, these fields are the reason."""
    if counts is None:
        return REJECT_EXPLANATIONS[reason]
    fields = f"{counts.fields:,} field{'' if counts.fields == 1 else 's'}"
    return f"The line has {fields}, and the header or the other lines have {counts.usual:,}{_SHIFT}{_ADVICE[reason]}"


REASONS: tuple[RejectReason, ...] = tuple(RejectReason)
"""A reason's code is its position in this tuple, plus one; 0 stands for none."""
CODES: dict[RejectReason, int] = {reason: code for code, reason in enumerate(REASONS, start=1)}


class NumberRejected(ValueError):
    """A text is not a telephone number. The message explains the reason and never contains the text."""

    def __init__(self, reason: RejectReason) -> None:
        super().__init__(REJECT_EXPLANATIONS[reason])
        self.reason = reason
