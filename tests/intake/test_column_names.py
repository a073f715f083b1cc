"""The vocabulary of column names."""

from service.intake.column_names import PARTS_OF_PHONE_NAMES, ROLES, Role, role_of

NAMES = ["phone", "N° de téléphone", "mobile_no", "Portable", "gsm", "msisdn", "E164", "Cell Phone", "num", "sms"]


def test_each_plain_name_of_a_telephone_number_has_one_of_the_parts() -> None:
    """Lines without any of them are never looked at as second headers."""
    names = [name for name, role in ROLES.items() if role is Role.PHONE]
    assert [name for name in names if not any(part in name for part in PARTS_OF_PHONE_NAMES)] == []
    assert {role_of(name) for name in NAMES} == {Role.PHONE}
