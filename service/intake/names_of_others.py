"""Names of columns whose telephone numbers are not those of the persons listed, such as `contact_urgence`.

Such a column is read only if it is chosen. So a word too many here asks a question, and a word too few gives a wrong
number.
"""

from service.intake.name_words import ColumnName

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


# What lists of telephone numbers are called, beside the names of columns that are known to contain them.
_LISTS = (
    *("tel", "phone", "fon", "mobil", "portable", "gsm", "msisdn", "cel", "movil", "handy", "sms", "whatsapp", "e164"),
    *("num", "nr", "contact", "kontakt", "client", "customer", "kunde", "adherent", "member", "membre", "mitglied"),
    *("abonn", "subscri", "prospect", "lead", "person", "destinataire", "recipient", "receiver", "list", "base"),
    *("appel", "call", "coordonnee", "column", "colonne"),
)

# Programs and people write these above a column that has no name.
_NAMES_OF_NOTHING = frozenset(
    {"", "a", "c", "f", "v", "x", "to", "n", "no", "field", "value", "values", "data", "valeur"}
)


def may_name_a_list(name: str) -> bool:
    """Whether a name may be that of the only column of a list of the telephone numbers of persons."""
    joined = ColumnName(name).joined_words
    return any(word in joined for word in _LISTS) or joined in _NAMES_OF_NOTHING


def is_of_others(name: str) -> bool:
    """Whether a name says that telephone numbers are those of somebody or something else, or of who said no."""
    parsed = ColumnName(name)
    return any(word in parsed.joined_words for word in _WORDS) or not _WHOLE_WORDS.isdisjoint(parsed.words)
