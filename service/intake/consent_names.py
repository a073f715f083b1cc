"""Names of columns that say when somebody agreed: words of consent and of a moment, in any order, and filling."""

import re
import unicodedata
from typing import Final

_MERGED: Final = re.compile(r"\b(opt|opted|sign|signed)[ _-]?(in|up)\b")
_WORD: Final = re.compile(r"[a-z]+|[0-9]+")
_CAPITALS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
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
# Others, such as `retrait`, `expiry` or `updated`, say that it is another moment.
_FILLING: Final = frozenset(
    {
        *(
            "de",
            "du",
            "des",
            "d",
            "l",
            "la",
            "et",
            "en",
            "a",
            "of",
            "and",
            "the",
            "utc",
            "gmt",
            "iso",
            "client",
            "contact",
        ),
        *("sms", "phone", "mobile", "tel", "telephone", "rgpd", "gdpr", "marketing", "given", "recueil", "collecte"),
        *("recueilli", "donne", "donnee", "double", "email", "newsletter", "user", "customer", "contact"),
    }
)


def is_consent_time(name: str) -> bool:
    """Whether a name says for certain that its column has the times of consent: `Date et heure du consentement`."""
    words = _words(name)
    return not _CONSENT.isdisjoint(words) and not _MOMENT.isdisjoint(words) and words <= _CONSENT | _MOMENT | _FILLING


def is_subscription_time(name: str) -> bool:
    """Whether a name says that its column has the times of subscriptions, which may be those of consent."""
    words = _words(name)
    is_moment = not _SUBSCRIPTION.isdisjoint(words) and not _MOMENT.isdisjoint(words)
    return is_moment and words <= _SUBSCRIPTION | _MOMENT | _FILLING


def is_about_consent(name: str) -> bool:
    """Whether a name has a word of consent."""
    words = _words(name)
    return not (_CONSENT | _SUBSCRIPTION | {"rgpd", "gdpr"}).isdisjoint(words)


def _words(name: str) -> set[str]:
    signs = unicodedata.normalize("NFKD", _CAPITALS.sub(" ", name))
    plain = "".join(sign for sign in signs if not unicodedata.combining(sign)).casefold()
    merged = _MERGED.sub(r"\1\2", plain.replace("_", " "))
    return {word for word in _WORD.findall(merged) if not word.isdigit()}
