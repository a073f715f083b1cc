"""Registration numbers of legal persons, compared by the rules of their country (python-stdnum). Pure.

In some countries the number of the register is the one for value added tax too, or a part of it. There a number with
the prefix of that tax names the same legal person. Elsewhere a number is compared without its case, blanks, dashes and
dots.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.util import get_cc_module


class _Rules(NamedTuple):
    """The modules of python-stdnum that know the numbers of a country's register.

    `tax` is the module of its numbers for value added tax, of which the register's number is the `part`.
    """

    register: tuple[str, ...]
    tax: str | None = None
    part: slice = slice(None)


# Countries whose registers check their numbers by a digit of it, and give no other number of the same form.
_RULES: Final[Mapping[str, _Rules]] = MappingProxyType(
    {
        "AR": _Rules(("cuit",)),
        "AU": _Rules(("abn", "acn")),
        "BE": _Rules(("vat",)),
        "BG": _Rules(("vat",)),
        "BR": _Rules(("cnpj",)),
        "CH": _Rules(("uid",), "vat", slice(12)),
        "CL": _Rules(("rut",)),
        "CN": _Rules(("uscc",)),
        "CO": _Rules(("nit",)),
        "CZ": _Rules(("dic",)),
        "DK": _Rules(("cvr",)),
        "EE": _Rules(("registrikood",)),
        "ES": _Rules(("nif",)),
        "FI": _Rules(("ytunnus",), "alv"),
        "FR": _Rules(("siren",), "tva", slice(-9, None)),
        "HR": _Rules(("oib",)),
        "IT": _Rules(("iva",)),
        "JP": _Rules(("cn",)),
        "KR": _Rules(("brn",)),
        "LV": _Rules(("pvn",)),
        "NO": _Rules(("orgnr",), "mva", slice(9)),
        "PE": _Rules(("ruc",)),
        "PT": _Rules(("nif",)),
        "RO": _Rules(("cui",), "cf"),
        "SE": _Rules(("orgnr",), "vat", slice(10)),
    }
)
# A register number with its court, whose name may be written in several ways. It has no check digit.
_COURTS: Final = "DE"


def comparison_key(country: str, number: str) -> str:
    """What two spellings of one registration number have in common.

    Raises:
        ValueError: the number is not one of the country (ISO 3166-1 alpha-2), by its check digit.
    """
    folded = _fold(number)
    if not folded:
        raise ValueError("a registration number has letters or digits")
    rules = _RULES.get(country)
    if rules is None:
        return _court_number(number) or folded if country == _COURTS else folded
    try:
        found = next((key for key in _readings(country, rules, folded) if key), None)
    except InvalidChecksum as wrong:
        raise ValueError(f"not a registration number of {country}: its check digit is wrong") from wrong
    if found is None and country == "FR":
        raise ValueError("not a SIREN, which has nine digits, the last of them a check digit")
    return found or folded


def shown_number(country: str, number: str) -> str:
    """A registration number as it is shown: as it was written, and in France as a SIREN without spaces.

    Raises:
        ValueError: as `comparison_key` does.
    """
    key = comparison_key(country, number)
    return key if country == "FR" else " ".join(number.split())


def _readings(country: str, rules: _Rules, folded: str) -> Iterator[str | None]:
    """The key by each module that accepts the number. Its check digit is refused only if no module accepts it."""
    wrong: InvalidChecksum | None = None
    for name in (*rules.register, *([rules.tax] if rules.tax else [])):
        try:
            accepted = _fold(_module(country, name)(folded))
        except InvalidChecksum as refused:
            wrong = wrong or refused
        except ValidationError:
            continue
        else:
            yield accepted[rules.part] if name == rules.tax else accepted
    if wrong is not None:
        raise wrong


def _module(country: str, name: str) -> Callable[[str], str]:
    module = get_cc_module(country, name)
    assert module is not None, f"python-stdnum has no {country} {name}"
    validate: Callable[[str], str] = module.validate
    return validate


def _court_number(number: str) -> str | None:
    try:
        return _fold(_module(_COURTS, "handelsregisternummer")(" ".join(number.split())))
    except ValidationError:
        return None


_SEPARATORS: Final = re.compile(r"[.·․‧]")


def _fold(number: str) -> str:
    """A number in capitals and the digits of ASCII, without what people write between its parts."""
    plain = "".join(
        str(unicodedata.digit(sign)) if sign.isdigit() else sign
        for sign in unicodedata.normalize("NFKC", number)
        if unicodedata.category(sign)[0] not in "ZC" and unicodedata.category(sign) not in ("Pd", "Mn")
    )
    return _SEPARATORS.sub("", plain.replace("\u2212", "")).upper()
