"""Names of columns that say when somebody agreed: words of consent and of a moment, in any order, and filling."""

from typing import Final

from service.intake.names.words import ColumnName

_CONSENT: Final = frozenset(
    {
        *("consent", "consents", "consented", "consentement", "consentements", "consenti", "consentie", "accord"),
        *("optin", "optedin", "doubleoptin"),
    }
)
_SUBSCRIPTION: Final = frozenset(
    {"inscription", "inscrit", "inscrite", "abonnement", "abonne", "subscribed", "subscription", "signup", "signedup"}
)
_MOMENT: Final = frozenset(
    {
        *("date", "dates", "heure", "dateheure", "horodatage", "horodateur", "jour", "moment"),
        *("at", "on", "le", "time", "datetime", "timestamp", "ts", "day"),
    }
)
_TELEPHONE: Final = frozenset(
    {"sms", "phone", "mobile", "tel", "telephone", "portable", "appel", "appels", "call", "calls"}
)
# Others, such as `retrait`, `expiry` or `updated`, say that it is another moment, and `email` another agreement.
_ARTICLES: Final = frozenset({"de", "du", "des", "d", "l", "la", "et", "en", "a", "of", "and", "the"})
_FILLING: Final = (
    _ARTICLES
    | _TELEPHONE
    | {
        *("iso", "client", "contact", "rgpd", "gdpr", "marketing", "given", "recueil", "collecte"),
        *("au", "aux", "demarchage", "telemarketing", "prospection", "commerciale", "tcpa", "captured", "recorded"),
        *("ms", "jj", "mm", "aaaa", "dd", "yyyy", "hh"),
        *("recueilli", "donne", "donnee", "double", "user", "customer"),
    }
)


def is_consent_time(name: ColumnName) -> bool:
    """Whether a name says for certain that its column has the times of consent: `Date et heure du consentement`."""
    words = name.words
    return not _CONSENT.isdisjoint(words) and not _MOMENT.isdisjoint(words) and words <= _CONSENT | _MOMENT | _FILLING


def is_subscription_time(name: ColumnName) -> bool:
    """Whether a name says that its column has the times of subscriptions, which may be those of consent."""
    words = name.words
    is_moment = not _SUBSCRIPTION.isdisjoint(words) and not _MOMENT.isdisjoint(words)
    return is_moment and words <= _SUBSCRIPTION | _MOMENT | _FILLING


def is_about_consent(name: str) -> bool:
    """Whether a name has a word of consent."""
    return not (_CONSENT | _SUBSCRIPTION | {"rgpd", "gdpr"}).isdisjoint(ColumnName(name).words)


def is_about_telephone(name: str) -> bool:
    """Whether a name says that an agreement is about calls or messages to a telephone."""
    return not _TELEPHONE.isdisjoint(ColumnName(name).words)
