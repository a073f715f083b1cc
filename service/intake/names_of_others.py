"""Names of columns whose telephone numbers are not those of the persons listed, such as `contact_urgence`.

Such a column is read only if it is chosen. So a word too many here asks a question, and a word too few gives a wrong
number.
"""

import re
import unicodedata

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
    *("livreur", "fournisseur", "hotline", "serviceclient", "siege"),
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
    *("donotcall", "bloctel", "robinson"),
)
# Too short to be looked for inside other words.
_WHOLE_WORDS = frozenset(
    {"kin", "asst", "pro", "dad", "mom", "mum", "ice", "fils", "fille", "mari", "femme", "dnc", "old"}
)
_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z]+")


def is_of_others(name: str) -> bool:
    """Whether a name says that telephone numbers are those of somebody or something else, or of who said no."""
    signs = unicodedata.normalize("NFKD", name)
    plain = "".join(sign for sign in signs if not unicodedata.combining(sign))
    words = [word.casefold() for word in _JOINED.split(plain)]
    joined = "".join(words)
    return any(word in joined for word in _WORDS) or not _WHOLE_WORDS.isdisjoint(words)
