"""Names of columns that say the country of a person or of a number, by their words: `Indicatif du pays`."""

from typing import Final

from service.intake.name_words import ColumnName

_CODES: Final = frozenset({"indicatif", "indicatifs", "calling", "dial", "dialing", "dialling", "isd"})
_COUNTRIES: Final = frozenset({"pays", "country", "countries", "land", "territory"})
_TELEPHONE: Final = frozenset({"phone", "tel", "telephone", "mobile", "portable", "gsm", "cell", "sms", "telephonique"})
_FILLING: Final = frozenset(
    {
        *(
            "code",
            "codes",
            "iso",
            "alpha",
            "id",
            "name",
            "nom",
            "prefix",
            "prefixe",
            "number",
            "numero",
            "international",
        ),
        *("de", "du", "d", "l", "la", "le", "des", "ou", "or", "of", "the", "region", "client", "customer", "contact"),
        *(
            "person",
            "company",
            "societe",
            "payeur",
            "adherent",
            "donateur",
            "adresse",
            "address",
            "billing",
            "shipping",
        ),
        *(
            "mailing",
            "primary",
            "principal",
            "default",
            "home",
            "residence",
            "domicile",
            "facturation",
            "livraison",
            "shipping",
        ),
        *("organisation", "organization", "account", "user", "other", "membre", "member", "numero"),
    }
)


def is_calling_code(name: ColumnName) -> bool:
    """Whether a name says for certain that its column has calling codes."""
    words = name.words
    if words == {"code", "international"}:
        return True
    return not _CODES.isdisjoint(words) and words <= _CODES | _COUNTRIES | _TELEPHONE | _FILLING


def is_country(name: ColumnName) -> bool:
    """Whether a name says that its column has countries, which may be those of an address."""
    words = name.words
    return not _COUNTRIES.isdisjoint(words) and words <= _COUNTRIES | _TELEPHONE | _FILLING


def is_country_of_number(name: ColumnName) -> bool:
    """Whether a name says for certain that its column has the countries of telephone numbers."""
    return is_country(name) and not _TELEPHONE.isdisjoint(name.words)
