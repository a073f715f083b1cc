"""Chooses the columns of the countries of numbers, and refuses files whose countries would not be read."""

from collections.abc import Mapping, Sequence
from functools import partial

from service.intake.columns.choice import (
    ColumnRules,
    SampleColumn,
    best_by_name,
    column_at,
    columns_seen,
    has_foreign_codes,
    shown_column,
)
from service.intake.columns.looks import (
    MOST_CELLS,
    has_form_of_code,
    has_form_of_code_with_plus,
    share,
    states_its_country,
)
from service.intake.errors import UnreadablePart
from service.intake.names.countries import suggests_calling_code
from service.intake.names.roles import Role, may_say_calling_code, role_of, says_calling_code, shown_name
from service.intake.names.words import ColumnName


def with_other_country(
    columns: Sequence[SampleColumn], found: Mapping[Role, int], rules: ColumnRules
) -> dict[Role, int]:
    """The columns, with a second column of countries if there is one, and none was chosen by the caller.

    Where the cell of the first is empty, the second says whose national spelling a number has.
    """
    if Role.COUNTRY not in found or Role.OTHER_COUNTRY in found or rules.choice.country is not None:
        return {**found}
    other = best_by_name(columns, Role.COUNTRY, rules, except_at=found[Role.COUNTRY])
    return {**found} if other is None else {**found, Role.OTHER_COUNTRY: other}


def check_country(columns: Sequence[SampleColumn], found: Mapping[Role, int], rules: ColumnRules) -> dict[Role, int]:
    """The columns, with one of calling codes under another name if no number so far is read by it.

    Raises UnreadablePart if the column of the country cannot be read, if there are more than two, or if another column
    contains calling codes of numbers without a country code of their own.
    """
    numbers = column_at(columns, found[Role.PHONE]).cells
    states_all = bool(numbers) and all(map(states_its_country, numbers)) and rules.choice.country is None
    likely = None if states_all else _likely_codes(columns, found, rules)
    if likely is not None and rules.choice.country is None:
        raise _calling_codes_unclear(columns, likely)
    if Role.COUNTRY not in found:
        codes = _calling_codes(columns, found, rules)
        if codes is None:
            return {**found}
        if columns[codes].cells and numbers and not states_all:
            raise _calling_codes_unclear(columns, codes)
        return {**found, Role.COUNTRY: codes}
    if states_all:
        # No number of the sample is read by its country. If later ones are, those without one that is certain are
        # rejected.
        return {**found}
    if Role.OTHER_COUNTRY in found:
        _refuse_third_country(columns, found)
    codes = _calling_codes(columns, found, rules) if rules.choice.country is None else None
    if codes is not None and any(map(partial(_is_foreign_code, rules), columns[codes].cells)):
        raise _calling_codes_unclear(columns, codes)
    countries = column_at(columns, found[Role.COUNTRY])
    is_country = partial(
        rules.countries.is_country, calling_codes=holds_calling_codes(countries.name, countries.cells, rules)
    )
    if not countries.cells or share(countries.cells, is_country) >= MOST_CELLS:
        return {**found}
    name = shown_name(countries.name) or found[Role.COUNTRY] + 1
    raise UnreadablePart(
        "country_unreadable",
        f"Column {name} should contain the country of each number, but many of its cells are not certain to be one. "
        "Write ISO 3166-1 codes of letters, names in English or French, or calling codes with +, leave it out, or set "
        "country_column= to another.",
    )


def _refuse_third_country(columns: Sequence[SampleColumn], found: Mapping[Role, int]) -> None:
    """Refuse a third column of countries, because only two are read."""
    third = [at for at, column in enumerate(columns) if role_of(column.name) is Role.COUNTRY and column.cells]
    if not set(third) <= set(found.values()):
        raise UnreadablePart(
            "country_column_unclear",
            "More than two columns contain countries. Set country_column= to that of the numbers."
            f"{columns_seen([columns[at] for at in third])}",
        )


def _calling_codes(columns: Sequence[SampleColumn], found: Mapping[Role, int], rules: ColumnRules) -> int | None:
    """A column of calling codes whose name does not say so for certain, or one of such a name that is still empty."""
    is_country = partial(rules.countries.is_country, calling_codes=True)
    for at, column in enumerate(columns):
        may_say = may_say_calling_code(column.name)
        has_form = has_form_of_code if may_say else has_form_of_code_with_plus
        codes = [cell for cell in column.cells if has_form(cell) and is_country(cell)]
        if at not in found.values() and (
            (codes and len(codes) >= MOST_CELLS * len(column.cells)) or (may_say and not column.cells)
        ):
            return at
    return None


def _likely_codes(columns: Sequence[SampleColumn], found: Mapping[Role, int], rules: ColumnRules) -> int | None:
    """A column of calling codes without a plus, under a name that has a word of codes or telephones."""
    for at, column in enumerate(columns):
        is_read = at in found.values() or role_of(column.name) is not None
        if not is_read and suggests_calling_code(ColumnName(column.name)) and has_foreign_codes(column.cells, rules):
            return at
    return None


def _is_foreign_code(rules: ColumnRules, cell: str) -> bool:
    """Whether a cell has the calling code of another country than the default region, with a plus or without."""
    return rules.countries.is_foreign(f"+{cell.strip().lstrip('+0')}")


def _calling_codes_unclear(columns: Sequence[SampleColumn], at: int) -> UnreadablePart:
    return UnreadablePart(
        "country_column_unclear",
        f"The cells of {shown_column(columns, at)} look like calling codes, and the numbers have none. Set "
        "country_column= to it, or leave it out.",
    )


def holds_calling_codes(name: str | None, cells: Sequence[str], rules: ColumnRules) -> bool:
    """Whether the digits in a country column are calling codes, as its name says or its cells show."""
    return says_calling_code(name or "") or rules.countries.are_calling_codes(cells)


def countries_inside(name: str) -> UnreadablePart:
    """The error for countries inside of another column or member: `address.country`."""
    return UnreadablePart(
        "country_column_unclear",
        f"The countries in {shown_name(name) or 'an inner column'} are inside of another column, which is not read. "
        "Write them beside the number, as a column of their own, or leave them out.",
    )
