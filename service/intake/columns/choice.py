"""Chooses the columns of a part: as the caller says, else by their names. `phones` goes by the cells.

A column is chosen by its cells only if they are plausibly telephone numbers and those of no other column are. Any other
choice would be a guess, and a customer number that is read as a telephone number is somebody else's.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial

from service.intake.columns.looks import (
    FEW_CELLS,
    MOST_CELLS,
    CountryTest,
    IsTelephone,
    has_digits_of_a_number,
    has_form_of_country,
    is_bare_code,
    may_be_a_time,
    share,
    states_its_country,
)
from service.intake.columns.states import State, says_who_agreed, state_of
from service.intake.dates.reading import share_of_times
from service.intake.errors import UnreadablePart
from service.intake.names.consents import is_about_consent, is_about_telephone
from service.intake.names.countries import counts_something
from service.intake.names.phones import is_phone
from service.intake.names.roles import (
    STATE_ROLES,
    Role,
    is_certain,
    is_name,
    role_of,
    shown_name,
)
from service.intake.names.states import is_objection
from service.intake.names.words import ColumnName

NO_COLUMN = "none"
"""Chosen in place of a column of states, it says that none is to be read."""
MOST_COLUMNS = 1000
"""A line with more columns is not read."""
_ROLES_OF_ONE = [role for role in Role if role not in STATE_ROLES]
"""Those of which there is one column at most."""


@dataclass(frozen=True)
class ColumnChoice:
    """The columns chosen by the caller: for each role a header name or a 1-based position, or None.

    Raises UnreadablePart for a name that might be a telephone number.
    """

    phone: str | None = None
    consented_at: str | None = None
    consent_record_id: str | None = None
    country: str | None = None
    consent_state: str | None = None

    def __post_init__(self) -> None:
        for of in fields(self):
            choice = getattr(self, of.name)
            if choice is not None and not is_name(choice):
                raise UnreadablePart(
                    "invalid_column_name", "A chosen column is not a name. State its header name or 1-based position."
                )

    def of(self, role: Role) -> str | None:
        """The choice for a role."""
        choice: str | None = getattr(self, role.value, None)
        return None if role is Role.CONSENT_STATE and self.ignores_states else choice

    @property
    def ignores_states(self) -> bool:
        """Whether no column of states is to be read."""
        return self.consent_state is not None and self.consent_state.casefold() == NO_COLUMN

    def position(self, role: Role) -> int | None:
        """The choice for a role as a position from 0, if it is a position."""
        choice = self.of(role)
        if choice is None or not re.fullmatch(r"[0-9]+", choice):
            return None
        if int(choice) == 0:
            raise UnreadablePart("column_not_found", "There is no column 0. Give a position from 1, or a header name.")
        return int(choice) - 1

    def names(self) -> set[str]:
        """All columns chosen by name, each by the letters and digits of its name (`ColumnName.whole`)."""
        names = [ColumnName(self.of(role) or "").whole for role in Role if self.position(role) is None]
        return {name for name in names if name}


@dataclass(frozen=True)
class ColumnRules:
    """How the columns of a part are chosen, and which are read.

    `is_telephone` judges cells where no name says which column contains the numbers, and `countries` those of a column
    that has the name of one. `date_format` is the stated format of consent times, by which their column is known.
    `has_header` is whether delimited text begins with a header, if that is stated. Times without an offset are in
    `time_zone`, as far as is known.
    """

    choice: ColumnChoice
    is_telephone: Callable[[str], bool]
    countries: CountryTest
    reads_consent: bool
    date_format: str | None = None
    has_header: bool | None = None
    time_zone: str | None = None

    @property
    def roles(self) -> frozenset[Role]:
        """The roles whose columns are read."""
        if self.reads_consent:
            return frozenset(Role)
        return frozenset([Role.PHONE, Role.COUNTRY, Role.OTHER_COUNTRY])


@dataclass(frozen=True)
class SampleColumn:
    """A column as the beginning of a part shows it: its name, if it has one, and its cells that are not empty."""

    name: str = ""
    cells: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True)
class ReadColumn:
    """A column that is read: its role, its name if that may be stored, and its position from 1 in delimited text."""

    role: Role
    name: str | None
    position: int | None


@dataclass(frozen=True)
class IgnoredColumn:
    """A column that looks relevant and is not read: what is shown of it, and what may be stored.

    Both are its name, or its position from 1 where the name may be no name at all, but a cell of a data row.
    """

    shown: str
    stored: str


def choose_columns(columns: Sequence[SampleColumn], rules: ColumnRules) -> dict[Role, int]:
    """The positions of the roles among these columns, as chosen by the caller or given by their names.

    Raises UnreadablePart if a chosen column does not exist, or if it is unclear which one contains the phone number.
    """
    found: dict[Role, int] = {}
    for role in _ROLES_OF_ONE:
        chosen = find_chosen(columns, role, rules.choice)
        if chosen is None:
            chosen = (
                _phone_by_name(columns, rules.is_telephone)
                if role is Role.PHONE
                else best_by_name(columns, role, rules)
            )
        if chosen is not None:
            found[role] = chosen
    return found | _states(columns, found, rules)


def _states(columns: Sequence[SampleColumn], found: Mapping[Role, int], rules: ColumnRules) -> dict[Role, int]:
    """The columns that say whether the person agreed: all of them, unless the caller chose one, or none."""
    settled = [found[role] for role in STATE_ROLES if role in found]
    chosen = find_chosen(columns, Role.CONSENT_STATE, rules.choice)
    if chosen is not None or rules.choice.ignores_states:
        return {} if chosen is None else {Role.CONSENT_STATE: chosen}
    others = [at for at, column in enumerate(columns) if at not in found.values() and says_state(column)]
    if len(settled + others) > len(STATE_ROLES) and rules.reads_consent:
        raise too_many_states([columns[at].name for at in settled + others])
    return dict(zip(STATE_ROLES, settled + others, strict=False))


def says_state(column: SampleColumn) -> bool:
    """Whether a column has a name, and no cells but those, that say whether the person agreed."""
    if role_of(column.name) is not Role.CONSENT_STATE or not is_name(column.name):
        return False
    return says_who_agreed(column.cells, is_objection=is_objection(column.name))


def too_many_states(names: Sequence[str]) -> UnreadablePart:
    """The error for more columns of states than are read."""
    return UnreadablePart(
        "consent_state_unclear",
        f"More than {len(STATE_ROLES)} columns say whether the person agreed. Set consent_state_column= to the one "
        f"that counts, or to {NO_COLUMN}.{columns_seen([SampleColumn(name) for name in names])}",
    )


def column_at(columns: Sequence[SampleColumn], at: int) -> SampleColumn:
    """A settled column; an empty one if the part has no lines, and so no columns."""
    return columns[at] if at < len(columns) else SampleColumn()


def find_chosen(columns: Sequence[SampleColumn], role: Role, choice: ColumnChoice) -> int | None:
    """The position of the column that the caller chose for a role, if any.

    Raises UnreadablePart if it does not exist.
    """
    at, wanted = choice.position(role), choice.of(role)
    if at is not None and at >= len(columns):
        raise UnreadablePart("column_not_found", f"There are only {len(columns)} columns.{columns_seen(columns)}")
    if at is not None or wanted is None:
        return at
    exact = [at for at, column in enumerate(columns) if column.name.strip() == wanted]
    # Only what is guessed may have other digits at its end: `tel2` is not `tel1`.
    whole = ColumnName(wanted).whole
    matches = exact or [at for at, column in enumerate(columns) if whole and ColumnName(column.name).whole == whole]
    if len(matches) != 1:
        which = "Several columns have" if matches else "No column has"
        raise UnreadablePart("column_not_found", f"{which} the chosen name.{columns_seen(columns)}")
    return matches[0]


def later_columns(columns: Sequence[SampleColumn], rules: ColumnRules, settled: Mapping[Role, int]) -> dict[Role, int]:
    """The columns of a later part: the settled ones, and those of roles that the first part has no column for.

    Raises UnreadablePart for a choice of another column than the settled one.
    """
    found = dict(settled)
    for role in _ROLES_OF_ONE:
        chosen = find_chosen(columns, role, rules.choice)
        if role not in settled:
            at = best_by_name(columns, role, rules) if chosen is None else chosen
            found |= {} if at is None else {role: at}
        elif chosen is not None and chosen != settled[role]:
            raise _column_differs()
    states = _states(columns, found, rules)
    before = [found[role] for role in STATE_ROLES if role in found]
    if before and rules.choice.of(Role.CONSENT_STATE) is not None and before != [*states.values()]:
        raise _column_differs()
    return {role: at for role, at in found.items() if role not in STATE_ROLES} | states


def _column_differs() -> UnreadablePart:
    return UnreadablePart(
        "column_differs",
        "The first part of this dataset was read from another column than the one chosen for this part. Leave the "
        "choice out, or open another dataset.",
    )


def _phone_by_name(columns: Sequence[SampleColumn], is_telephone: IsTelephone) -> int | None:
    """The phone column by its name, unless its cells are no telephone numbers while those of another column are."""
    named = [at for at, column in enumerate(columns) if role_of(column.name) is Role.PHONE]
    certain = [at for at in named if is_certain(columns[at].name)]
    # By their words, more is known of others than of `numero`.
    matches = certain or [at for at in named if is_phone(columns[at].name)] or named
    if len(matches) > 1:
        raise phone_column_unclear(f"Several columns may contain the phone number.{columns_seen(columns)}")
    if not matches:
        return None
    cells = columns[matches[0]].cells
    test = has_digits_of_a_number if certain else is_telephone
    others = (column for at, column in enumerate(columns) if at != matches[0])
    if cells and share(cells, test) < FEW_CELLS and _any_looks_like_telephones(others, is_telephone):
        raise phone_column_unclear(
            f"The cells of {shown_column(columns, matches[0])} are not telephone numbers, but those of another column "
            f"are.{columns_seen(columns)}"
        )
    return matches[0]


def _any_looks_like_telephones(columns: Iterable[SampleColumn], is_telephone: IsTelephone) -> bool:
    return any(share(column.cells, is_telephone) >= MOST_CELLS for column in columns)


def best_by_name(
    columns: Sequence[SampleColumn], role: Role, rules: ColumnRules, except_at: int | None = None
) -> int | None:
    """The column with a name for this role. Of several, the one that holds times, if any, then the one that is filled.

    The names of the others are in the answer, as columns that are not read.
    """

    def rank(at: int) -> tuple[bool, bool, bool, bool, float]:
        cells, certain = columns[at].cells, is_certain(columns[at].name)
        times = share_of_times(cells, rules.date_format) if role is Role.CONSENTED_AT else 0.0
        # What a column of a certain name contains is the time, even if it is in a form that must be stated. Its lines
        # are then rejected, while another column would give another time.
        means_times = role is Role.CONSENTED_AT and certain and share(cells, may_be_a_time) >= FEW_CELLS
        is_of_telephone = role is Role.CONSENTED_AT and is_about_telephone(columns[at].name)
        return (means_times or times >= MOST_CELLS, bool(cells), is_of_telephone, certain, times)

    matches = [at for at, column in enumerate(columns) if role_of(column.name) is role and at != except_at]
    return max(matches, key=rank) if len(matches) > 1 else next(iter(matches), None)


def shown_column(columns: Sequence[SampleColumn], at: int) -> str:
    """A column as a sentence names it: by its name if that may be shown, else by its position."""
    return f"column {shown_name(columns[at].name) or at + 1}"


def ignored_columns(
    columns: Sequence[SampleColumn], read: Iterable[int], rules: ColumnRules, others: Collection[int] = ()
) -> list[IgnoredColumn]:
    """The columns that are not read although they look relevant.

    They do by their names, or by cells that are dates, numbers, or countries other than the default region. `others`
    are relevant beside those that are read. A name is stored only if it is known here.
    """
    kept, found = set(read), []
    lacks_countries = any(_lacks_country(cell, rules) for at in kept for cell in column_at(columns, at).cells)
    for at, column in enumerate(columns):
        name, role = column.name.strip(), _role_shown_by(column)
        is_mentioned = _is_mentioned(column)
        may_be_code = lacks_countries and not counts_something(ColumnName(name))
        is_code = may_be_code and has_foreign_codes(column.cells, rules)
        if at not in kept and (role or is_mentioned or is_code or at in others or _is_relevant(column.cells, rules)):
            place = str(at + 1)
            found.append(IgnoredColumn(name if is_name(name) else place, name if role and is_name(name) else place))
    return found


def has_foreign_codes(cells: Sequence[str], rules: ColumnRules) -> bool:
    """Whether most cells are calling codes without a plus, mostly of several digits, and some of another country."""
    countries = rules.countries
    codes = [cell for cell in cells if is_bare_code(cell) and countries.is_country(cell, calling_codes=True)]
    long = [cell for cell in codes if sum(map(str.isdigit, cell)) > 1]
    is_most = len(long) >= MOST_CELLS * max(len(cells), 1)
    return is_most and any(countries.is_foreign(f"+{cell.strip().lstrip('0')}") for cell in long)


def _lacks_country(cell: str, rules: ColumnRules) -> bool:
    return rules.is_telephone(cell) and not states_its_country(cell)


def _role_shown_by(column: SampleColumn) -> Role | None:
    """The role of a column's name. Words such as `accord` name much else, so their cells must say who agreed."""
    role = role_of(column.name)
    return None if role is Role.CONSENT_STATE and not (column.cells and says_state(column)) else role


def _is_mentioned(column: SampleColumn) -> bool:
    """Whether a name has a word of consent, above cells that are times or say that somebody refused."""
    of_objection = is_objection(column.name)
    if not (of_objection or is_about_consent(column.name)):
        return False
    refuses = any(state_of(cell, is_objection=of_objection) is State.REFUSED for cell in column.cells)
    return refuses or share(column.cells, may_be_a_time) >= FEW_CELLS


def _is_relevant(cells: Sequence[str], rules: ColumnRules) -> bool:
    if max(share_of_times(cells), share(cells, rules.is_telephone)) >= MOST_CELLS:
        return True
    is_country = partial(rules.countries.is_country, calling_codes=False)
    named = [cell for cell in cells if has_form_of_country(cell) and is_country(cell)]
    return len(named) >= MOST_CELLS * max(len(cells), 1) and any(map(rules.countries.is_foreign, named))


def require_names(columns: Mapping[Role, str]) -> dict[Role, int | str]:
    """The columns, whose names are stored. Raises UnreadablePart for a name that might be a telephone number."""
    if not all(map(is_name, columns.values())):
        raise UnreadablePart(
            "invalid_column_name", "The name of a column is very long, or might be a number. Give it a name of words."
        )
    return {**columns}


def phone_column_unclear(problem: str) -> UnreadablePart:
    """The error if it is unclear which column contains the phone number."""
    return UnreadablePart("phone_column_unclear", f"{problem} Set column= to a header name or a 1-based position.")


def too_many_columns() -> UnreadablePart:
    """The error for a part that is wider than any list of numbers."""
    return UnreadablePart(
        "too_many_columns",
        f"A line has more than {MOST_COLUMNS:,} columns. Check the delimiter, or export the columns that are needed.",
    )


def columns_seen(columns: Sequence[SampleColumn]) -> str:
    """A sentence with the column names that may be shown."""
    shown = [name for column in columns if (name := shown_name(column.name))]
    return f" Columns seen: {', '.join(shown)}." if shown else ""
