"""The vocabulary of column names."""

from service.intake.names.roles import PARTS_OF_PHONE_NAMES, ROLES, Role, role_of
from service.intake.names.words import ColumnName

NAMES = ["phone", "N° de téléphone", "mobile_no", "Portable", "gsm", "msisdn", "E164", "Cell Phone", "num", "sms"]
NAMES += ["Primary Phone", "Telefon", "Tel.", "Tél. principal", "Telefonnummer", "Handynr.", "Mobil", "Teléfono móvil"]
OTHER_NAMES = ["Home Phone", "Phone type", "Telefax", "Company phone", "Mobile opt-in", "Phone status", "Tel Arbeit"]


def test_each_plain_name_of_a_telephone_number_has_one_of_the_parts() -> None:
    """Lines without any of them are never looked at as second headers."""
    names = [name for name, role in ROLES.items() if role is Role.PHONE]
    assert [name for name in names if not any(part in name for part in PARTS_OF_PHONE_NAMES)] == []
    assert {role_of(name) for name in NAMES} == {Role.PHONE}
    assert all(any(part in ColumnName(name).joined for part in PARTS_OF_PHONE_NAMES) for name in NAMES)
    assert {name for name in OTHER_NAMES if role_of(name) is Role.PHONE} == set()
