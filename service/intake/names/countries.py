"""Names of columns that say the country of a person or of a number, by their words: `Indicatif du pays`."""

from typing import Final

from service.intake.names.words import ColumnName

_CODES: Final = frozenset({"indicatif", "indicatifs", "calling", "dial", "dialing", "dialling", "isd"})
_COUNTRIES: Final = frozenset(
    {"pays", "country", "countries", "land", "territory", "ctry", "pais", "nazione", "paese", "staat", "nation"}
)
_TELEPHONE: Final = frozenset({"phone", "tel", "telephone", "mobile", "portable", "gsm", "cell", "sms", "telephonique"})
_FILLING: Final = frozenset(
    {
        *("code", "codes", "iso", "alpha", "id", "name", "nom", "prefix", "prefixe", "number", "numero"),
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
        *("mailing", "primary", "principal", "default", "home", "residence", "domicile", "facturation", "livraison"),
        *("organisation", "organization", "account", "user", "other", "membre", "member", "international"),
    }
)
# Countries by the codes of ISO 3166-1. `ISO 9001` is another standard.
_ISO: Final = frozenset({"iso2", "iso3", "isoalpha2", "isoalpha3", "alpha2", "alpha3", "iso31661", "iso31661alpha2"})
# They are found inside joined words too: `Laendervorwahl`, `telcode`.
_OF_CODES: Final = (
    "code",
    "vorwahl",
    "prefix",
    "prafix",
    "praefix",
    "prefij",
    "prefiss",
    "indicat",
    "landnummer",
    "kengetal",
    "intl",
)
_OF_TELEPHONE: Final = ("tel", "phone", "fon", "mobil", "portable", "gsm", "cell")
# What else has numbers of two or three digits.
_COUNTS: Final = frozenset(
    {
        *("age", "ages", "alter", "edad", "eta", "departement", "department", "dept", "dep", "dpt", "nb", "nombre"),
        *("count", "anzahl", "qty", "quantity", "quantite", "score", "points", "note", "rating", "rank", "rang"),
        *("taille", "size", "poids", "weight", "annee", "year", "mois", "month", "jour", "jours", "day", "days"),
        *("heure", "hour", "minutes", "total", "montant", "amount", "visits", "visites", "calls", "appels", "id"),
        *("ref", "no", "rue", "street", "extension", "ext", "poste", "lat", "lon", "postal", "postcode"),
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
    # The libraries for E.164 call the country of a number its region.
    is_region = "region" in words and not _TELEPHONE.isdisjoint(words)
    is_named = is_region or not _COUNTRIES.isdisjoint(words)
    return (is_named and words <= _COUNTRIES | _TELEPHONE | _FILLING) or name.whole in _ISO


def is_country_of_number(name: ColumnName) -> bool:
    """Whether a name says for certain that its column has the countries of telephone numbers."""
    return is_country(name) and not _TELEPHONE.isdisjoint(name.words)


def suggests_calling_code(name: ColumnName) -> bool:
    """Whether a name has a word of codes or telephones, so that digits may be calling codes: `tel_code`."""
    return not counts_something(name) and any(part in name.joined for part in (*_OF_CODES, *_OF_TELEPHONE))


def counts_something(name: ColumnName) -> bool:
    """Whether a name says that numbers of two or three digits are something else than calling codes, as ages are."""
    return not _COUNTS.isdisjoint(name.words)
