"""Names of columns that say when somebody agreed: words of consent and of a moment, in any order, and filling."""

import re
from typing import Final

from service.intake.name_words import words_of

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
        *("utc", "gmt", "iso", "client", "contact", "rgpd", "gdpr", "marketing", "given", "recueil", "collecte"),
        *("au", "aux", "demarchage", "telemarketing", "prospection", "commerciale", "tcpa", "captured", "recorded"),
        *("ms", "jj", "mm", "aaaa", "dd", "yyyy", "hh"),
        *("recueilli", "donne", "donnee", "double", "user", "customer"),
    }
)
_UTC: Final = re.compile(r"\b(?:utc|gmt)\b(?: ?(?P<sign>[+-]) ?(?P<hours>[0-9]{1,2})(?::?(?P<minutes>[0-9]{2}))?)?")
_HOUR, _MINUTE = 3600, 60


def is_consent_time(name: str) -> bool:
    """Whether a name says for certain that its column has the times of consent: `Date et heure du consentement`."""
    words = words_of(name)
    return not _CONSENT.isdisjoint(words) and not _MOMENT.isdisjoint(words) and words <= _CONSENT | _MOMENT | _FILLING


def is_subscription_time(name: str) -> bool:
    """Whether a name says that its column has the times of subscriptions, which may be those of consent."""
    words = words_of(name)
    is_moment = not _SUBSCRIPTION.isdisjoint(words) and not _MOMENT.isdisjoint(words)
    return is_moment and words <= _SUBSCRIPTION | _MOMENT | _FILLING


def is_about_consent(name: str) -> bool:
    """Whether a name has a word of consent."""
    return not (_CONSENT | _SUBSCRIPTION | {"rgpd", "gdpr"}).isdisjoint(words_of(name))


def is_about_telephone(name: str) -> bool:
    """Whether a name says that an agreement is about calls or messages to a telephone."""
    return not _TELEPHONE.isdisjoint(words_of(name))


def stated_offset(name: str) -> int | None:
    """The seconds east of UTC of times in a column that has them in its name: `consent_at_utc`, `Created (GMT+1)`."""
    found = _UTC.search(name.casefold().replace("_", " "))
    if found is None:
        return None
    distance = int(found["hours"] or 0) * _HOUR + int(found["minutes"] or 0) * _MINUTE
    return -distance if found["sign"] == "-" else distance
