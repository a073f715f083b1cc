"""Where each page is, in French and in English. No address holds anything about a person."""

from enum import StrEnum
from typing import Any, Final

from service.wording.language import Language


class Page(StrEnum):
    """A page of the portal."""

    HOME = "home"
    CODE = "code"
    SINCE = "since"
    ANSWER = "answer"
    EVIDENCE = "evidence"
    DOWNLOAD = "download"
    OBJECTION = "objection"
    ERASURE = "erasure"
    CONFIRMATION = "confirmation"
    REQUESTS = "requests"
    LETTER = "letter"
    LEAVE = "leave"
    DEADLINES = "deadlines"
    HOW = "how"
    PRIVACY = "privacy"
    OUTBOX = "outbox"


_PATHS: Final[dict[Page, tuple[str, str]]] = {
    Page.HOME: ("/", "/en/"),
    Page.CODE: ("/code", "/en/code"),
    Page.SINCE: ("/depuis", "/en/since"),
    Page.ANSWER: ("/reponse", "/en/answer"),
    Page.EVIDENCE: ("/reponse/preuve/{evidence_id}", "/en/answer/evidence/{evidence_id}"),
    Page.DOWNLOAD: ("/reponse/telecharger", "/en/answer/download"),
    Page.OBJECTION: ("/opposition", "/en/objection"),
    Page.ERASURE: ("/effacement", "/en/erasure"),
    Page.CONFIRMATION: ("/confirmation", "/en/confirmation"),
    Page.REQUESTS: ("/demarches", "/en/requests"),
    Page.LETTER: ("/demarches/lettre/{relay_id}", "/en/requests/letter/{relay_id}"),
    Page.LEAVE: ("/quitter", "/en/leave"),
    Page.DEADLINES: ("/delais", "/en/deadlines"),
    Page.HOW: ("/comment-ca-marche", "/en/how-it-works"),
    Page.PRIVACY: ("/confidentialite", "/en/privacy"),
    Page.OUTBOX: ("/messages", "/en/messages"),
}


def template_of(page: Page, language: Language) -> str:
    """The path of a page as routes have it, with its parameters in braces."""
    return _PATHS[page][0 if language is Language.FR else 1]


def path_of(page: Page, language: Language, **parameters: Any) -> str:
    """The path of a page, its parameters filled in."""
    return template_of(page, language).format(**parameters)


def language_of(path: str) -> Language:
    """The language of whatever is at a path."""
    return Language.EN if path == "/en" or path.startswith("/en/") else Language.FR


def other(language: Language) -> Language:
    """The language that a page offers to switch to."""
    return Language.EN if language is Language.FR else Language.FR
