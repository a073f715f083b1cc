"""What the names of columns mean: the vocabulary of real exports, in English and French.

A name is compared without case, accents, spaces, signs and trailing digits. Names that say for certain what a column
contains come before names that only suggest it.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterable
from enum import StrEnum
from itertools import product
from typing import Final

from service.intake.names.consents import is_consent_time, is_subscription_time
from service.intake.names.countries import is_calling_code, is_country, is_country_of_number
from service.intake.names.others import is_of_others
from service.intake.names.phones import is_phone
from service.intake.names.states import is_consent_state
from service.intake.names.words import ColumnName


class Role(StrEnum):
    """What a column contains."""

    PHONE = "phone"
    CONSENTED_AT = "consented_at"
    CONSENT_RECORD_ID = "consent_record_id"
    COUNTRY = "country"
    OTHER_COUNTRY = "other_country"
    """A second column of countries. It counts where the first is empty, and must not say anything else."""
    CONSENT_STATE = "consent_state"
    """Whether the person agreed or refused. There may be several such columns, and each counts."""
    CONSENT_STATE_2 = "consent_state_2"
    CONSENT_STATE_3 = "consent_state_3"
    CONSENT_STATE_4 = "consent_state_4"
    CONSENT_STATE_5 = "consent_state_5"
    CONSENT_STATE_6 = "consent_state_6"


STATE_ROLES: Final[tuple[Role, ...]] = tuple(role for role in Role if role.startswith(Role.CONSENT_STATE))
"""The columns that say whether the person agreed, in their order."""


def _joined(*words: Iterable[str]) -> frozenset[str]:
    """All names that consist of a word of each kind, in this order."""
    return frozenset(map("".join, product(*words)))


_MOBILE = ("telephone", "tel", "mobile", "portable", "gsm")
_PHONE = (
    *(*_MOBILE, "phone", "mobilephone", "cellphone", "telephonemobile", "telephoneportable", "telephonegsm"),
    *("telmobile", "telportable", "telgsm"),
)
_CONSENT = (
    *("consent", "consented", "consentement", "optin", "optinsms", "smsoptin", "smsconsent", "consentementsms"),
    *("doubleoptin", "gdprconsent", "consentementrgpd"),
)
_MOMENT = ("at", "on", "date", "time", "timestamp", "datetime", "givenat", "givenon")
_RECORD = ("consent", "consentement", "optin", "preuve")

_CERTAIN: dict[Role, frozenset[str]] = {
    Role.PHONE: _joined(("", *_joined(("numero", "num", "n", "no"), ("", "de"))), _PHONE)
    | _joined((*_PHONE, "cell"), ("number", "no", "num", "e164"))
    # As Google Contacts writes them.
    | _joined(("phone",), ("1", "2", "3"), ("value",))
    | {"msisdn", "numerosms", "e164"},
    Role.CONSENTED_AT: _joined(("date", "datede", "dated", "dateheure", "horodatage"), _CONSENT)
    | _joined(_CONSENT, _MOMENT)
    | _joined(("confirm", "confirmation"), ("date", "time")),
    Role.CONSENT_RECORD_ID: _joined(("id",), (*_RECORD, "preuveconsentement"))
    | _joined((*_RECORD, "consentrecord"), ("id",))
    | {"identifiantconsentement", "consentproofid", "consentreceiptid", "refconsentement"},
    Role.COUNTRY: _joined(("indicatif",), ("", "pays", "telephonique", "tel", "telephone", "international", "mobile"))
    | _joined(("ind", "prefixe"), ("pays", "telephonique", "tel", "telephone", "international", "mobile"))
    | _joined((*_PHONE, "phonenumber", "mobilenumber", "cell", "international"), ("prefix", "prefixe"))
    | _joined(
        ("calling", "dial", "dialing", "dialling", "isd", "phone", "telephone", "mobile"), ("", "country"), ("code",)
    )
    | _joined((*_PHONE, "phonenumber", "mobilenumber", "cell"), ("country",), ("", "code", "iso", "isocode", "name"))
    | _joined((*_PHONE, "phonenumber", "mobilenumber", "cell"), ("dial", "calling", "isd"), ("code",))
    | _joined(("pays", "codepays"), ("tel", "telephone", "mobile", "dutelephone", "dumobile"))
    | {"countrycallingcode", "countrydialcode", "countryphonecode", "countryprefix", "countryisdcode"},
    Role.OTHER_COUNTRY: frozenset(),
}
# A customer number is often called `numero`. `sms` and `cell` are also the names of a permission and of a place. When a
# form was sent or a contact added is when the person agreed, only if no other column states that.
_LIKELY: dict[Role, frozenset[str]] = {
    Role.PHONE: frozenset({"numero", "num", "cell", "sms"}),
    Role.CONSENTED_AT: _joined(("heure",), _CONSENT)
    | _joined(("date",), ("", "de", "d"), ("inscription", "abonnement"))
    | _joined(("subscribed", "signup", "subscription"), _MOMENT)
    | {"addedtime", "createdtime", "horodateur", "horodatage", "timestamp"},
    Role.CONSENT_RECORD_ID: frozenset(),
    # A country is often that of the address.
    Role.COUNTRY: _joined(("", "code", "codedu", "nomdu"), ("pays",), ("", "id"))
    | _joined(("country",), ("", "code", "name", "iso", "isocode", "codeiso", "region", "territory", "id", "idname"))
    | _joined(
        ("billing", "shipping", "mailing", "address", "defaultaddress", "home", "residence", "customer", "contact"),
        ("country",),
        ("", "code", "name", "iso"),
    )
    | _joined(
        ("pays", "codepays"), ("", "de", "dela"), ("facturation", "livraison", "residence", "domicile", "adresse")
    )
    | {"paysiso", "payscode", "paysnom", "isocountry", "isocountrycode", "paysregion", "adressepays"}
    | {"countryofresidence", "address1country", "address2country", "address3country"},
    Role.OTHER_COUNTRY: frozenset(),
}
# Not the names of countries alone: `Prefix` may be that of a person, and `CC` those of an e-mail.
_MAYBE_CALLING_CODES = frozenset({"prefix", "prefixe", "isd", "cc", "ind", "code"})
_ALL: dict[Role, frozenset[str]] = {role: of_role | _LIKELY[role] for role, of_role in _CERTAIN.items()}
PARTS_OF_PHONE_NAMES = (
    *("tel", "phone", "mobil", "portable", "gsm", "msisdn", "cel", "num", "sms", "e164", "handy", "movil", "mobiel"),
    "rufn",
)
"""Each plain name of a telephone number has one of these in it."""
ROLES: dict[str, Role] = {name: role for role in reversed(_ALL) for name in _ALL[role]}
"""The role of each plain name that has one by itself."""
_OF_COUNTRY = re.compile(r"country(?:iso|isocode|name)?$|^pays|^codepays")
MOST_DIGITS_OF_A_NAME = 4
"""A name with more digits may be a telephone number instead of a name."""
_LONGEST_NAME = 100


SHOWN_ROLES: tuple[Role, ...] = tuple(
    role for role in Role if role is not Role.OTHER_COUNTRY and role not in STATE_ROLES[1:]
)
"""The roles that answers name. A second column of countries is one of countries there, and so on."""


def shown_role(role: Role) -> Role:
    """The role by which an answer names a column that is read."""
    if role in STATE_ROLES:
        return Role.CONSENT_STATE
    return Role.COUNTRY if role is Role.OTHER_COUNTRY else role


def role_of(name: str) -> Role | None:
    """The role of a column with this name."""
    parsed = ColumnName(name)
    plain = parsed.joined
    role = ROLES.get(plain)
    if role is not None:
        return role
    if plain.endswith("e164") and parsed.is_e164 and not is_of_others(name):
        return Role.PHONE
    if any(part in plain for part in PARTS_OF_PHONE_NAMES) and is_phone(name):
        return Role.PHONE
    if parsed.offset.is_stated and ROLES.get(parsed.joined_without_zone) is Role.CONSENTED_AT:
        return Role.CONSENTED_AT
    if any(stem in plain for stem in _STEMS_OF_CONSENT) and (is_consent_time(parsed) or is_subscription_time(parsed)):
        return Role.CONSENTED_AT
    if is_consent_state(name):
        return Role.CONSENT_STATE
    if plain in _MAYBE_CALLING_CODES or not any(stem in plain for stem in _STEMS_OF_COUNTRIES):
        return None
    return Role.COUNTRY if is_calling_code(parsed) or is_country(parsed) else None


# What nearly no other name has, so that most are not taken apart.
_STEMS_OF_CONSENT = ("consent", "opt", "accord", "inscri", "abonn", "subscri", "sign")
_STEMS_OF_COUNTRIES = (
    *("pays", "countr", "land", "indicatif", "calling", "dial", "isd", "territor", "codeinternational", "ctry", "pais"),
    *("nazion", "paese", "staat", "nation", "region", "iso", "alpha"),
)


def is_certain(name: str) -> bool:
    """Whether a name with a role says for certain what its column contains."""
    parsed = ColumnName(name)
    if parsed.offset.is_unclear:
        return False
    if any({parsed.joined, parsed.joined_without_zone} & names for names in _CERTAIN.values()):
        return True
    if parsed.joined in _MAYBE_CALLING_CODES:
        return False
    is_of_calls = is_calling_code(parsed) or is_country_of_number(parsed)
    return parsed.is_e164 or is_consent_time(parsed) or is_of_calls


def says_calling_code(name: str) -> bool:
    """Whether a column has the name of calling codes, so that 250 means Rwanda there, and not France (ISO 3166-1)."""
    parsed = ColumnName(name)
    plain = parsed.joined
    if plain in _CERTAIN[Role.COUNTRY]:
        return not _OF_COUNTRY.search(plain)
    return plain not in _MAYBE_CALLING_CODES and is_calling_code(parsed)


def may_say_calling_code(name: str) -> bool:
    """Whether a column has a name that calling codes, and also something else, may have."""
    return ColumnName(name).joined in _MAYBE_CALLING_CODES


def is_name(text: str) -> bool:
    """Whether a text may be shown and stored as a column name, because it cannot be a telephone number."""
    return 0 < len(text) <= _LONGEST_NAME and sum(map(str.isdigit, text)) <= MOST_DIGITS_OF_A_NAME


def shown_name(name: str) -> str | None:
    """A name as a sentence shows it, with plain spaces; None if it may not be shown, or has signs that nobody sees."""
    text = " ".join(name.split())
    return text if is_name(text) and text.isprintable() else None


def compared_name(name: str) -> str:
    """A header name as it is compared with another: without case, and without the space around it."""
    return (name if name.isascii() else unicodedata.normalize("NFKC", name)).casefold().strip()


def name_check(name: str) -> int:
    """Sixteen bits by which a header name is recognised in a later part; 0 for a column without a name.

    The name cannot be found from them. So a data row that was mistaken for a header is not stored.
    """
    known = compared_name(name)
    return zlib.crc32(known.encode()) % 0xFFFF + 1 if known else 0
