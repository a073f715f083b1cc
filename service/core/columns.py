"""Column types of closed lists: text in PostgreSQL, members of their enum in Python.

The migrations give each such column a CHECK of its values. A test compares these with the enums.
"""

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ARRAY, Enum

# Longer than any value, so that a new value changes the CHECK and not the column's type.
VALUE_LENGTH: Final = 40


def enum_type(members: type[StrEnum]) -> Any:
    """The type of a column that holds one value of a closed list."""
    return _values_of(members, create_constraint=True)


def enum_list_type(members: type[StrEnum]) -> Any:
    """The type of a column that holds several values of a closed list."""
    return ARRAY(_values_of(members, create_constraint=False))


def _values_of(members: type[StrEnum], *, create_constraint: bool) -> Enum:
    return Enum(
        members,
        native_enum=False,
        create_constraint=create_constraint,
        validate_strings=True,
        length=VALUE_LENGTH,
        values_callable=lambda enum: [member.value for member in enum],
    )
