"""Names of columns whose telephone numbers are not those of the persons listed, such as `contact_urgence`.

Such a column is read only if it is chosen. So a word too many here asks a question, and a word too few gives a wrong
number.
"""

import re
from typing import Final

from service.intake.names.words import ColumnName

# They are also found inside joined words: `emergencyContact`, `numfax`, `telconjoint`.
_WORDS = (
    *("fax", "telecopi", "urgence", "emergency", "secours", "prevenir", "notfall", "sos"),
    *("parent", "maman", "papa", "father", "mother", "pere", "mere", "tuteur", "tutrice", "guardian", "famille"),
    *("conjoint", "epou", "spouse", "wife", "husband", "partner", "proche", "nextofkin", "voisin", "neighbour"),
    *("parrain", "marraine", "filleul", "sponsor", "referrer", "referral", "referent", "responsable"),
    *("employeur", "employer", "company", "societe", "entreprise", "business", "office", "bureau", "travail", "work"),
    *("standard", "accueil", "switchboard", "agence", "magasin", "boutique", "store", "ecole", "school", "mairie"),
    *("vendeur", "commercial", "assistant", "manager", "owner", "proprietaire", "medecin", "doctor"),
    *("confiance", "vater", "mutter", "garant", "bailleur", "notaire", "caller", "appelant", "sender", "expediteur"),
    *("livreur", "fournisseur", "hotline", "serviceclient", "siege", "supplier", "lieferant", "proveedor", "fornitore"),
    *("betrieb", "dienst", "arbeit", "empresa", "trabajo", "oficina", "ufficio", "azienda", "lavoro"),
    *("madre", "padre", "ehefrau", "ehemann", "angehorig", "arzt", "schule", "sekretariat", "conyuge", "emergencia"),
    *(
        "opposition",
        "oppose",
        "objection",
        "desinscri",
        "desabonn",
        "unsubscri",
        "optout",
        "blacklist",
        "refus",
        "stop",
    ),
    *("donotcall", "listerouge", "bloctel", "robinson"),
)
# Too short to be looked for inside other words.
_WHOLE_WORDS = frozenset(
    {"kin", "asst", "pro", "dad", "mom", "mum", "ice", "fils", "fille", "mari", "femme", "dnc", "old", "firma"}
)


# What is written above telephone numbers, beside the names that are known by themselves: words of telephones, of the
# persons listed, of lists, and those between them. Any other word may say whose numbers they are, or that they are old.
_NEUTRAL: Final = frozenset(
    {
        *("tel", "tels", "telephone", "telephones", "phone", "phones", "mobile", "mobiles", "portable", "portables"),
        *("gsm", "cell", "handy", "fon", "telefon", "telefono", "telefoon", "movil", "cellulare", "sms", "whatsapp"),
        *("msisdn", "e", "numero", "numeros", "num", "nums", "number", "numbers", "nr", "no", "n", "nummer", "nummern"),
        *("rufnummer", "rufnummern", "appel", "appels", "call", "calls", "appeler", "joindre"),
        *("contact", "contacts", "kontakt", "kontakte", "client", "clients", "customer", "customers", "kunde"),
        *("kunden", "adherent", "adherents", "member", "members", "membre", "membres", "mitglied", "mitglieder"),
        *("abonne", "abonnes", "subscriber", "subscribers", "prospect", "prospects", "lead", "leads", "person"),
        *("persons", "personne", "personnes", "people", "user", "users", "utilisateur", "utilisateurs", "donateur"),
        *("donateurs", "donor", "donors", "electeur", "electeurs", "voter", "voters", "participant", "participants"),
        *("destinataire", "destinataires", "recipient", "recipients", "receiver", "receivers", "inscrit", "inscrits"),
        *("liste", "list", "base", "fichier", "file", "col", "column", "colonne", "field", "champ", "value", "values"),
        *("valeur", "valeurs", "data", "donnees", "unnamed", "info", "infos", "coordonnees", "coordonnee"),
        *("perso", "personnel", "personnels", "personal", "home", "principal", "principale", "primary"),
        *("main", "votre", "vos", "your", "mon", "my", "leur", "quel", "quelle", "est", "what", "which", "is"),
        *("de", "du", "des", "d", "l", "la", "le", "les", "the", "of", "a", "to", "au", "aux", "et", "and", "ou", "or"),
        *(
            "joignable",
            "nd",
            "st",
            "th",
            "er",
            "eme",
            "exemple",
            "example",
            "brut",
            "raw",
            "full",
            "complet",
            "clean",
            "national",
            "international",
            "format",
        ),
    }
)

# Otherwise `ex` is what was before.
_EXAMPLE: Final = re.compile(r"\bex\W+(?=[0-9+])")


def may_name_numbers_of_persons(name: str) -> bool:
    """Whether each word of a name may stand above the telephone numbers of the persons listed."""
    parsed = ColumnName(name)
    # Words of other scripts are not known.
    is_latin = not any(sign.isalpha() and not sign.isascii() for sign in parsed.whole)
    words = parsed.words - {"ex"} if _EXAMPLE.search(parsed.spaced) else parsed.words
    return is_latin and {word for word in words if len(word) > 1} <= _NEUTRAL


def is_of_others(name: str) -> bool:
    """Whether a name says that telephone numbers are those of somebody or something else, or of who said no."""
    parsed = ColumnName(name)
    return any(word in parsed.joined_words for word in _WORDS) or not _WHOLE_WORDS.isdisjoint(parsed.words)
