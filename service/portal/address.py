"""Where each page of the portal is. No address says anything about a person."""

from enum import StrEnum
from typing import Final

from service.web.addresses import Addresses, Paths


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
    CONTEST = "contest"
    WITHDRAWAL = "withdrawal"
    REQUESTS = "requests"
    LETTER = "letter"
    LEAVE = "leave"
    DEADLINES = "deadlines"
    QUARTER = "quarter"
    HOW = "how"
    PRIVACY = "privacy"
    OUTBOX = "outbox"


ADDRESSES: Final = Addresses(
    {
        Page.HOME: Paths("/", "/en/"),
        Page.CODE: Paths("/code", "/en/code"),
        Page.SINCE: Paths("/depuis", "/en/since"),
        Page.ANSWER: Paths("/reponse", "/en/answer"),
        Page.EVIDENCE: Paths("/reponse/preuve/{evidence_id}", "/en/answer/evidence/{evidence_id}"),
        Page.DOWNLOAD: Paths("/reponse/telecharger", "/en/answer/download"),
        Page.OBJECTION: Paths("/opposition", "/en/objection"),
        Page.ERASURE: Paths("/effacement", "/en/erasure"),
        Page.CONFIRMATION: Paths("/confirmation", "/en/confirmation"),
        Page.CONTEST: Paths("/reponse/contester/{dataset_id}", "/en/answer/contest/{dataset_id}"),
        Page.WITHDRAWAL: Paths("/demarches/retirer/{objection_id}", "/en/requests/withdraw/{objection_id}"),
        Page.REQUESTS: Paths("/demarches", "/en/requests"),
        Page.LETTER: Paths("/demarches/lettre/{relay_id}", "/en/requests/letter/{relay_id}"),
        Page.LEAVE: Paths("/quitter", "/en/leave"),
        Page.DEADLINES: Paths("/delais", "/en/deadlines"),
        Page.QUARTER: Paths("/delais/{quarter}", "/en/deadlines/{quarter}"),
        Page.HOW: Paths("/comment-ca-marche", "/en/how-it-works"),
        Page.PRIVACY: Paths("/confidentialite", "/en/privacy"),
        Page.OUTBOX: Paths("/messages", "/en/messages"),
    }
)
