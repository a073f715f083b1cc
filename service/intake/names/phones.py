"""Names of columns that have the telephone numbers of the persons listed, by their words: `Primary Phone`."""

from typing import Final

from service.intake.names.words import ColumnName

_TELEPHONE: Final = frozenset(
    {
        *(
            "telephone",
            "telephones",
            "tel",
            "tels",
            "phone",
            "phones",
            "mobile",
            "portable",
            "gsm",
            "cellphone",
            "msisdn",
        ),
        *("telefon", "telefonnummer", "telefonnr", "telefono", "telefoon", "telefoonnummer", "telefone", "rufnummer"),
        *("handy", "handynummer", "handynr", "mobil", "mobilnummer", "mobilnr", "mobiltelefon", "mobilfunk", "mobiel"),
        *("movil", "celular", "cellulare", "telemovel", "phonenumber", "phoneno", "mobilenumber", "mobilephone"),
    }
)
# Others say whose number it is, or what else there is to know of it: `Home Phone`, `Phone type`.
_FILLING: Final = frozenset(
    {
        *("number", "numbers", "no", "nr", "num", "numero", "numeros", "numbero", "nummer", "nombre", "n"),
        *("primary", "principal", "principale", "main", "default", "preferred", "personal", "personnel", "perso"),
        *("de", "du", "d", "of", "the", "your", "votre", "le", "la", "l", "des", "der", "di", "het", "full", "complet"),
        *("contact", "client", "customer", "user", "lead", "subscriber", "abonne", "adherent", "member", "membre"),
        *("e", "international", "normalized", "formatted", "clean", "value", "valeur", "whatsapp", "cell", "raw"),
    }
)


def is_phone(name: str) -> bool:
    """Whether a name says that its column has the telephone numbers of the persons listed."""
    words = ColumnName(name).words
    return not _TELEPHONE.isdisjoint(words) and words <= _TELEPHONE | _FILLING
