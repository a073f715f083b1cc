"""Each step of the story as a line on the terminal, in French or English."""

from datetime import date
from functools import singledispatch
from typing import Any

from rich.text import Text

from service.command.answer_words import format_day
from service.demo import story
from service.demo.story_types import (
    Acknowledgement,
    Campaign,
    Collection,
    Dataset,
    Letter,
    Notice,
    Organisation,
    Reconciliation,
    Step,
    Stop,
    Transfer,
)
from service.wording.language import PARIS, Language

NAMES = {one.code: one.name for one in (story.OPERATOR, *story.ADMITTED, *story.STORY) if isinstance(one, Organisation)}
"""Names of organisations by code."""

_TRANSFERS = {one.code: one for one in story.STORY if isinstance(one, Transfer)}
_HOLDERS = {one.code: one.holder for one in story.STORY if isinstance(one, Dataset)}
_CAMPAIGNS = {one.code: one for one in story.STORY if isinstance(one, Campaign)}
_NOTICES = {one.code: one for one in story.STORY if isinstance(one, Notice)}

PHRASES: dict[Language, dict[str, str]] = {
    Language.EN: {
        "admitted": "The registry admits {name}.",
        "named": "{by} names {name}, which has no account here.",
        "notice": "{by} registers notice {code} of {collector}: “{wording}”",
        "own_notice": "{by} registers its notice {code}: “{wording}”",
        "collection": "{by} tells of the collection under {code}, from {began} to {ended}.",
        "collected": "{by} registers {code} “{name}”: {counts}, collected under {notice}.",
        "derived": "{by} registers {code} “{name}”: {counts}, cut from {parents}.",
        "union": "{by} registers {code} “{name}”: {counts}, all of {parents}.",
        "counts": "{numbers} numbers",
        "counts_mixed": "{numbers} numbers ({duplicates} repeated lines, {rejected} unreadable)",
        "sent": "{by} tells of {code}: {dataset} handed to {recipient} on {day}.",
        "received": "{by} tells of {code}: {dataset} received from {sender} on {day}.",
        "acknowledged": "{by} acknowledges {code}.",
        "confirmed": "{by} sends its own file for {code}: it matches, and the transfer is confirmed.",
        "disputed": "{by} sends its own file for {code}: {extra} more, {missing} fewer, and the transfer is disputed.",
        "campaign": "{by}, for {party}, registers {code} “{name}”, sent on {day}.",
        "letter": "{by} records {code}: the owner of …{number} objected in a letter of {day}.",
        "stop": "{by}, for {party}, reports {code}: the owner of …{number} answered {campaign} with STOP on {day}.",
    },
    Language.FR: {
        "admitted": "Le registre admet {name}.",
        "named": "{by} nomme {name}, qui n'a pas de compte ici.",
        "notice": "{by} enregistre la mention {code} de {collector} : « {wording} »",
        "own_notice": "{by} enregistre sa mention {code} : « {wording} »",
        "collection": "{by} déclare la collecte sous {code}, du {began} au {ended}.",
        "collected": "{by} enregistre {code} « {name} » : {counts}, collectés sous {notice}.",
        "derived": "{by} enregistre {code} « {name} » : {counts}, extraits de {parents}.",
        "union": "{by} enregistre {code} « {name} » : {counts}, tous ceux de {parents}.",
        "counts": "{numbers} numéros",
        "counts_mixed": "{numbers} numéros ({duplicates} lignes en double, {rejected} illisibles)",
        "sent": "{by} déclare {code} : {dataset} remis à {recipient} le {day}.",
        "received": "{by} déclare {code} : {dataset} reçu de {sender} le {day}.",
        "acknowledged": "{by} reconnaît {code}.",
        "confirmed": "{by} envoie son propre fichier pour {code} : identique, le transfert est confirmé.",
        "disputed": "{by} envoie son propre fichier pour {code} : {extra} de plus, {missing} de moins, "
        "le transfert est contesté.",
        "campaign": "{by}, pour {party}, enregistre {code} « {name} », envoyé le {day}.",
        "letter": "{by} enregistre {code} : le titulaire du …{number} s'est opposé par lettre le {day}.",
        "stop": "{by}, pour {party}, signale {code} : le titulaire du …{number} a répondu STOP à {campaign} le {day}.",
    },
}
"""Lines by language and name, with the same values to fill in."""


def format_count(language: Language, count: int) -> str:
    """A count with its thousands apart: 3,000, or 3 000."""
    grouped = f"{count:,}"
    return grouped if language is Language.EN else grouped.replace(",", "\u202f")


def describe_step(step: Step, answer: dict[str, Any], language: Language) -> Text:
    """The line about a step that the service answered with `answer`."""
    phrase, values = _phrase(step, answer, language)
    return Text(PHRASES[language][phrase].format(**values))


_Phrase = tuple[str, dict[str, Any]]


@singledispatch
def _phrase(step: Any, _answer: dict[str, Any], _language: Language) -> _Phrase:
    raise TypeError(f"nobody knows what to say of {type(step).__name__}")


@_phrase.register
def _organisation(step: Organisation, _answer: dict[str, Any], _language: Language) -> _Phrase:
    if step.named_by is None:
        return "admitted", {"name": step.name}
    return "named", {"name": step.name, "by": NAMES[step.named_by]}


@_phrase.register
def _notice(step: Notice, answer: dict[str, Any], _language: Language) -> _Phrase:
    phrase = "own_notice" if step.asserted_by == step.collector else "notice"
    by, collector = NAMES[step.asserted_by], NAMES[step.collector]
    return phrase, {"by": by, "code": step.code, "collector": collector, "wording": answer["wording"]}


@_phrase.register
def _collection(step: Collection, _answer: dict[str, Any], language: Language) -> _Phrase:
    by = NAMES[_NOTICES[step.notice].asserted_by]
    began, ended = (format_day(language, date.fromisoformat(day)) for day in (step.began, step.ended))
    return "collection", {"by": by, "code": step.notice, "began": began, "ended": ended}


@_phrase.register
def _dataset(step: Dataset, answer: dict[str, Any], language: Language) -> _Phrase:
    counts = {
        "numbers": format_count(language, answer["number_count"]),
        "duplicates": answer["duplicate_count"],
        "rejected": answer["rejected_count"],
    }
    counted = "counts_mixed" if answer["duplicate_count"] or answer["rejected_count"] else "counts"
    values = {
        "by": NAMES[step.asserted_by],
        "code": step.code,
        "name": step.name,
        "counts": PHRASES[language][counted].format(**counts),
        "parents": ", ".join(step.derived_from),
        "notice": step.collected_under,
    }
    return "collected" if step.collected_under else "derived" if step.numbers else "union", values


@_phrase.register
def _transfer(step: Transfer, _answer: dict[str, Any], language: Language) -> _Phrase:
    values = {
        "by": NAMES[step.asserted_by],
        "code": step.code,
        "dataset": step.dataset,
        "sender": NAMES[_HOLDERS[step.dataset]],
        "recipient": NAMES[step.recipient],
        "day": format_day(language, step.occurred_at.astimezone(PARIS)),
    }
    return "received" if step.asserted_by == step.recipient else "sent", values


@_phrase.register
def _acknowledgement(step: Acknowledgement, _answer: dict[str, Any], _language: Language) -> _Phrase:
    return "acknowledged", {"by": NAMES[_TRANSFERS[step.transfer].recipient], "code": step.transfer}


@_phrase.register
def _reconciliation(step: Reconciliation, answer: dict[str, Any], _language: Language) -> _Phrase:
    compared = answer["statements"][-1]
    return answer["status"], {
        "by": NAMES[_TRANSFERS[step.transfer].recipient],
        "code": step.transfer,
        "extra": compared["extra_count"],
        "missing": compared["missing_count"],
    }


@_phrase.register
def _campaign(step: Campaign, _answer: dict[str, Any], language: Language) -> _Phrase:
    return "campaign", {
        "by": NAMES[step.sender],
        "party": NAMES[step.party],
        "code": step.code,
        "name": step.name,
        "day": format_day(language, step.began_at),
    }


@_phrase.register
def _letter(step: Letter, _answer: dict[str, Any], language: Language) -> _Phrase:
    values = {"by": NAMES[step.holder], "code": step.code, "number": step.number}
    return "letter", values | {"day": format_day(language, step.received_at)}


@_phrase.register
def _stop(step: Stop, _answer: dict[str, Any], language: Language) -> _Phrase:
    campaign = _CAMPAIGNS[step.campaign]
    return "stop", {
        "by": NAMES[campaign.sender],
        "party": NAMES[campaign.party],
        "code": step.code,
        "number": step.number,
        "campaign": step.campaign,
        "day": format_day(language, step.replied_at),
    }
