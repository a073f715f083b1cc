"""Each step of the story as a line on the terminal, in English or French."""

from dataclasses import dataclass
from datetime import date
from functools import singledispatch
from typing import Any, Final

from rich.text import Text

from service.core.vocabulary import TransferStatus
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
    Release,
    Step,
    Stop,
    Transfer,
)
from service.wording.language import Language, write_count, write_day, write_day_of, write_quoted
from service.wording.typography import typeset_catalogue

NAMES = {
    organisation.code: organisation.name
    for organisation in (story.OPERATOR, *story.ADMITTED, *story.STORY)
    if isinstance(organisation, Organisation)
}
"""Names of organisations by code."""

_TRANSFERS = {step.code: step for step in story.STORY if isinstance(step, Transfer)}
_HOLDERS = {step.code: step.holder for step in story.STORY if isinstance(step, Dataset)} | {
    step.received_dataset: step.recipient for step in _TRANSFERS.values()
}
_CAMPAIGNS = {step.code: step for step in story.STORY if isinstance(step, Campaign)}
_NOTICES = {step.code: step for step in story.STORY if isinstance(step, Notice)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPhrases:
    """The lines in one language, with the values to fill in."""

    admitted: str
    named: str
    notice: str
    own_notice: str
    collection: str
    collected: str
    derived: str
    union: str
    counts: str
    counts_mixed: str
    sent: str
    received: str
    released: str
    acknowledged: str
    confirmed: str
    disputed: str
    campaign: str
    letter: str
    stop: str


_ENGLISH = StepPhrases(
    admitted="The registry admits {name}.",
    named="{by} names {name}, which has no account here.",
    notice="{by} registers notice {code} of {collector}: {wording}",
    own_notice="{by} registers its notice {code}: {wording}",
    collection="{by} registers the collection under {code}, from {began} to {ended}.",
    collected="{by} registers {code} {name}: {counts}, collected under {notice}.",
    derived="{by} registers {code} {name}: {counts}, extracted from {parents}.",
    union="{by} registers {code} {name}: {counts}, all those of {parents}.",
    counts="{numbers} numbers",
    counts_mixed="{numbers} numbers ({duplicates} repeated lines, {rejected} rejected)",
    sent="{by} declares {code}: {dataset} handed to {recipient} on {day}.",
    received="{by} declares {code}: {dataset} received from {sender} on {day}.",
    released="{by} releases {code} of {holder}: its numbers may be shown when their owners object.",
    acknowledged="{by} acknowledges {code}.",
    confirmed="{by} sends its own file for {code}: it matches, and the transfer is confirmed.",
    disputed="{by} sends its own file for {code}: {extra} more, {missing} fewer, and the transfer is disputed.",
    campaign="{by} registers {code} {name} for {party}, sent on {day}.",
    letter="{by} records {code}: the owner of …{number} objected in a letter of {day}.",
    stop="{by} reports {code} for {party}: the owner of …{number} replied STOP to {campaign} on {day}.",
)

_FRENCH = StepPhrases(
    admitted="Admission au registre : {name}.",
    named="{by} nomme {name}, qui n'a pas de compte ici.",
    notice="{by} enregistre la mention {code} de {collector} : {wording}",
    own_notice="{by} enregistre sa mention {code} : {wording}",
    collection="{by} enregistre la collecte sous {code}, du {began} au {ended}.",
    collected="{by} enregistre {code} {name} : {counts}, recueillis sous {notice}.",
    derived="{by} enregistre {code} {name} : {counts}, extraits de {parents}.",
    union="{by} enregistre {code} {name} : {counts}, tous ceux de {parents}.",
    counts="{numbers} numéros",
    counts_mixed="{numbers} numéros ({duplicates} lignes en double, {rejected} rejetées)",
    sent="{by} déclare {code} : {dataset} transmis à {recipient} le {day}.",
    received="{by} déclare {code} : {dataset} reçu de {sender} le {day}.",
    released="{by} valide {code}, fichier de {holder} : ses numéros pourront lui être montrés si leurs titulaires "
    "s'opposent.",
    acknowledged="{by} reconnaît {code}.",
    confirmed="{by} envoie son propre fichier pour {code} : il est identique, la transmission est confirmée.",
    disputed="{by} envoie son propre fichier pour {code} : {extra} de plus, {missing} de moins, la transmission est "
    "contestée.",
    campaign="{by} enregistre {code} {name} pour {party}, envoyée le {day}.",
    letter="{by} enregistre {code} : le titulaire du …{number} s'est opposé par lettre le {day}.",
    stop="{by} signale {code} pour {party} : le titulaire du …{number} a répondu STOP à {campaign} le {day}.",
)

PHRASES: Final = typeset_catalogue(fr=_FRENCH, en=_ENGLISH)
"""The lines by language, typeset."""


def describe_step(step: Step, answer: dict[str, Any], language: Language) -> Text:
    """The line about a step that the service answered with `answer`."""
    return Text(_line(step, answer, language))


@singledispatch
def _line(step: Any, _answer: dict[str, Any], _language: Language) -> str:
    raise TypeError(f"No line for {type(step).__name__}.")


@_line.register
def _organisation(step: Organisation, _answer: dict[str, Any], language: Language) -> str:
    phrases = PHRASES.of(language)
    if step.named_by is None:
        return phrases.admitted.format(name=step.name)
    return phrases.named.format(name=step.name, by=NAMES[step.named_by])


@_line.register
def _notice(step: Notice, answer: dict[str, Any], language: Language) -> str:
    phrases = PHRASES.of(language)
    phrase = phrases.own_notice if step.asserted_by == step.collector else phrases.notice
    by, collector = NAMES[step.asserted_by], NAMES[step.collector]
    wording = write_quoted(language, answer["wording"])
    return phrase.format(by=by, code=step.code, collector=collector, wording=wording)


@_line.register
def _collection(step: Collection, _answer: dict[str, Any], language: Language) -> str:
    by = NAMES[_NOTICES[step.notice].asserted_by]
    began, ended = (write_day(language, date.fromisoformat(day)) for day in (step.began, step.ended))
    return PHRASES.of(language).collection.format(by=by, code=step.notice, began=began, ended=ended)


@_line.register
def _dataset(step: Dataset, answer: dict[str, Any], language: Language) -> str:
    phrases, duplicates, rejected = PHRASES.of(language), answer["duplicate_count"], answer["rejected_count"]
    counts = (phrases.counts_mixed if duplicates or rejected else phrases.counts).format(
        numbers=write_count(language, answer["number_count"]), duplicates=duplicates, rejected=rejected
    )
    phrase = phrases.collected if step.collected_under else phrases.derived if step.numbers else phrases.union
    return phrase.format(
        by=NAMES[step.asserted_by],
        code=step.code,
        name=write_quoted(language, step.name),
        counts=counts,
        parents=", ".join(step.derived_from),
        notice=step.collected_under,
    )


@_line.register
def _transfer(step: Transfer, _answer: dict[str, Any], language: Language) -> str:
    phrases = PHRASES.of(language)
    phrase = phrases.received if step.asserted_by == step.recipient else phrases.sent
    return phrase.format(
        by=NAMES[step.asserted_by],
        code=step.code,
        dataset=step.dataset,
        sender=NAMES[_HOLDERS[step.dataset]],
        recipient=NAMES[step.recipient],
        day=write_day_of(language, step.occurred_at),
    )


@_line.register
def _release(step: Release, _answer: dict[str, Any], language: Language) -> str:
    holder = NAMES[_HOLDERS[step.dataset]]
    return PHRASES.of(language).released.format(by=NAMES[story.OPERATOR.code], code=step.dataset, holder=holder)


@_line.register
def _acknowledgement(step: Acknowledgement, _answer: dict[str, Any], language: Language) -> str:
    return PHRASES.of(language).acknowledged.format(by=NAMES[_TRANSFERS[step.transfer].recipient], code=step.transfer)


@_line.register
def _reconciliation(step: Reconciliation, answer: dict[str, Any], language: Language) -> str:
    phrases, compared = PHRASES.of(language), answer["statements"][-1]
    matches = TransferStatus(answer["status"]) is TransferStatus.CONFIRMED
    return (phrases.confirmed if matches else phrases.disputed).format(
        by=NAMES[_TRANSFERS[step.transfer].recipient],
        code=step.transfer,
        extra=compared["extra_count"],
        missing=compared["missing_count"],
    )


@_line.register
def _campaign(step: Campaign, _answer: dict[str, Any], language: Language) -> str:
    return PHRASES.of(language).campaign.format(
        by=NAMES[step.sender],
        party=NAMES[step.party],
        code=step.code,
        name=write_quoted(language, step.name),
        day=write_day_of(language, step.began_at),
    )


@_line.register
def _letter(step: Letter, _answer: dict[str, Any], language: Language) -> str:
    day = write_day_of(language, step.received_at)
    return PHRASES.of(language).letter.format(by=NAMES[step.holder], code=step.code, number=step.number, day=day)


@_line.register
def _stop(step: Stop, _answer: dict[str, Any], language: Language) -> str:
    campaign = _CAMPAIGNS[step.campaign]
    return PHRASES.of(language).stop.format(
        by=NAMES[campaign.sender],
        party=NAMES[campaign.party],
        code=step.code,
        number=step.number,
        campaign=step.campaign,
        day=write_day_of(language, step.replied_at),
    )
