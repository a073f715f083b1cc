"""Names of columns that say whether somebody agreed or refused: `SMS Consent`, `optin`, `do not call`, `blacklisted`.

All words of such a name are known, so that the agreement to something else, such as a newsletter by mail, is none.
"""

import re
from typing import Final

from service.intake.names.words import ColumnName

_AGREEMENT: Final = frozenset(
    {
        *("consent", "consents", "consented", "consentement", "consentements", "consenti", "consentie", "consente"),
        *("optin", "optins", "optedin", "doubleoptin", "accord", "accords", "accept", "accepts", "accepted", "accepte"),
        *("acceptation", "acceptance", "agree", "agreed", "agreement", "agrees", "permission", "permissions"),
        *("autorisation", "autorisations", "autorise", "authorization", "authorisation", "einwilligung", "toestemming"),
        *("allowed", "contactable", "callable", "demarchable"),
    }
)
_SUBSCRIPTION: Final = frozenset(
    {
        "subscribed",
        "subscriber",
        "subscription",
        "abonne",
        "abonnee",
        "abonnement",
        "inscrit",
        "inscrite",
        "inscription",
    }
)
_OBJECTION: Final = frozenset(
    {
        *("optout", "optouts", "optedout", "unsubscribed", "unsubscribe", "unsubscribes", "unsub", "desinscrit"),
        *("desinscrite", "desinscrits", "desinscription", "desabonne", "desabonnee", "desabonnement", "blacklisted"),
        *("blacklist", "blacklistee", "blackliste", "blocklisted", "blocklist", "suppressed", "donotcall", "donotsms"),
        *("donotcontact", "donotphone", "donottext", "dnc", "bloctel", "robinson", "opposition", "oppositions"),
        *("oppose", "opposee", "objection", "objections", "objected", "refus", "refuse", "refusee", "refused", "stop"),
        *("stopsms", "revoked", "revoque", "withdrawn", "listenoire", "nepasappeler", "nepascontacter"),
    }
)
_PHRASES: Final = (
    *({"do", "not"}, {"dont"}, {"ne", "pas"}, {"ne", "plus"}, {"liste", "noire"}),
    *({"black", "list"}, {"black", "listed"}, {"block", "list"}, {"opt", "out"}),
)
_TELEPHONE: Final = frozenset(
    {
        *(
            "sms",
            "phone",
            "mobile",
            "tel",
            "telephone",
            "telephonique",
            "portable",
            "gsm",
            "whatsapp",
            "voice",
            "vocal",
        ),
        *(
            "call",
            "calls",
            "calling",
            "text",
            "texts",
            "texting",
            "message",
            "messages",
            "messaging",
            "appel",
            "appels",
        ),
    }
)
_STATE: Final = frozenset({"status", "statut", "state", "etat", "flag", "value", "valeur", "preference", "level"})
_FILLING: Final = frozenset(
    {
        *(
            "is",
            "has",
            "was",
            "a",
            "est",
            "ont",
            "the",
            "of",
            "to",
            "for",
            "from",
            "by",
            "on",
            "via",
            "in",
            "all",
            "and",
        ),
        *("de", "du", "des", "d", "l", "la", "le", "les", "en", "au", "aux", "par", "pour", "et", "tous", "toutes"),
        *("client", "contact", "customer", "user", "person", "personne", "member", "membre", "adherent", "prospect"),
        *("marketing", "commercial", "commerciale", "commerciales", "prospection", "demarchage", "telemarketing"),
        *("federal", "rgpd", "gdpr", "tcpa", "given", "granted", "donne", "donnee", "recueilli", "recu", "current"),
        *(
            "yes",
            "no",
            "oui",
            "non",
            "o",
            "n",
            "y",
            "j",
            "i",
            "je",
            "me",
            "my",
            "us",
            "nous",
            "you",
            "vous",
            "be",
            "etre",
        ),
        *("recevoir", "receive", "receiving", "contacte", "contactee", "contacted", "recontacte", "appele", "appelee"),
        *("appeler", "contacter", "demarcher", "solliciter", "telephoner", "relancer", "solicit", "disturb", "allow"),
        *("offre", "offres", "offers", "double", "list", "liste", "listed", "registered", "channel", "canal", "canaux"),
        *("do", "not", "dont", "ne", "pas", "plus", "noire", "black", "block", "opt", "out", "bulk", "cell", "c"),
        *("souhaite", "souhaitez", "want", "wants", "wish", "veux", "veut"),
    }
)
_KNOWN: Final = _AGREEMENT | _SUBSCRIPTION | _OBJECTION | _TELEPHONE | _STATE | _FILLING
_STEMS: Final = (
    *("consent", "opt", "accord", "accept", "agree", "permission", "autoris", "authori", "einwill", "toestem", "sub"),
    *("abonn", "inscri", "black", "block", "noire", "suppress", "not", "dnc", "bloctel", "robinson", "oppos", "objec"),
    *(
        "refus",
        "stop",
        "revo",
        "withdr",
        "pas",
        "plus",
        "dont",
        "status",
        "statut",
        "allowed",
        "contactable",
        "callable",
    ),
)
_MERGED: Final = re.compile(r"\b(opt|opted)[ -](in|out|ins|outs)\b")
_WORD: Final = re.compile(r"[a-z]+")
# So a name in one word is taken apart: `smsoptin`, `consentementsms`, `isoptin`.
_JOINED: Final = re.compile(
    "(?P<before>{0})?(?P<word>{1})(?P<after>{0})?".format(
        "|".join(sorted(_TELEPHONE | _STATE | {"is", "has", "marketing"}, key=len, reverse=True)),
        "|".join(sorted(_AGREEMENT | _OBJECTION, key=len, reverse=True)),
    )
)


def is_consent_state(name: str) -> bool:
    """Whether the cells of a column with this name say who agreed, or who refused."""
    words = _words_of(name)
    if not words or not _KNOWN.issuperset(words):
        return False
    if is_objection(name) or not _AGREEMENT.isdisjoint(words):
        return True
    # A subscription is often that to a magazine, and a state that of anything else.
    about = words & (_TELEPHONE | {"marketing"})
    has_subscription, has_state = not _SUBSCRIPTION.isdisjoint(words), not _STATE.isdisjoint(words)
    return (has_subscription and bool(about or has_state)) or (has_state and bool(about & {"sms", "marketing"}))


def is_objection(name: str) -> bool:
    """Whether a yes under this name is a refusal."""
    words = _words_of(name)
    if {"optin", "optout"}.issubset(words):
        return False
    return not _OBJECTION.isdisjoint(words) or any(phrase.issubset(words) for phrase in _PHRASES)


def _words_of(name: str) -> frozenset[str]:
    """The words of a name; none if no word of it is that of a state."""
    text = ColumnName(name).spaced
    if not any(stem in text for stem in _STEMS):
        return frozenset()
    words = _WORD.findall(_MERGED.sub(r"\1\2", re.sub(r"[_-]+", " ", text)))
    return frozenset(part for word in words for part in _parts_of(word))


def _parts_of(word: str) -> list[str]:
    found = None if word in _KNOWN else _JOINED.fullmatch(word)
    return [word] if found is None else [part for part in found.groups() if part]
