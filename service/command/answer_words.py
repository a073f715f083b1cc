"""What the terminal says of an answer, in French and in English."""

import os
from datetime import date, datetime
from zoneinfo import ZoneInfo

from service.core.vocabulary import Channel, Mechanism, OrphanReason, ProcessingRole, Purpose
from service.wording.language import MONTHS, Language


def terminal_language() -> Language:
    """The language of the terminal's locale, if it is one of ours; else English."""
    locale = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return Language.FR if locale.lower().startswith("fr") else Language.EN


PHRASES: dict[Language, dict[str, str]] = {
    Language.EN: {
        "quoted": "“{text}”",
        "held_by_nobody": "held by no registered organisation",
        "nothing_seen": "no dataset that you may see holds this number",
        "origin": "collected by {collector}",
        "consented_on": "consent given on {day}",
        "consent_claimed": "consent said to be given on {day} (according to {who})",
        "consent_unknown": "nobody says when consent was given",
        "notice": "notice {code}, {mechanism}; purposes: {purposes}",
        "recipients_named": "recipients named on that day: {names} (list of {day})",
        "list_unknown": "which recipients were named cannot be told, for the day of consent is unknown",
        "list_none": "no list of recipients is recorded here for that day",
        "list_told": "this list as told by {who}, recorded on {day}",
        "category": "the category {text}",
        "place": "{channel}, {address}",
        "record_id": "the collector's own record of it: {record}",
        "no_record_id": "no consent record is kept here, nor a reference to one",
        "no_evidence": "no screenshot is kept here",
        "evidence": "screenshot kept here: {media_type}, SHA-256 {sha256}…",
        "attested": "{collector} stands by this itself (recorded on {day})",
        "asserted": "asserted by {who} (recorded on {day}); {collector} has not attested it",
        "asserted_no_account": "asserted by {who} (recorded on {day}); {collector} has no account here",
        "registry": "the registry, or whoever may not be named here",
        "through": "{who} (through {processor})",
        "since": "(recorded on {day})",
        "no_origin": "no declared origin",
        "orphan": "in the hands of {holder}, in {dataset}: {reason}",
        "held_in": "holds it in {names}",
        "erased": "{holder} erased it on {day} and holds it no more",
        "transfer": "{recipient}, on {day}",
        "terms": "purpose: {purpose}, {basis}; {contract}",
        "no_contract": "no contract named",
        "roles": "roles: {sender} → {recipient}",
        "comment": "{who}: {text} (recorded on {day})",
        "targeting": "picked by {criterion}: {selection}",
        "same_as_above": "from there as above: {names}",
        "status_declared": "declared by the sender alone; the recipient says nothing",
        "status_acknowledged": "declared by the sender, acknowledged by the recipient",
        "status_recipient_alone": "asserted by the recipient alone; the sender says nothing",
        "status_recipient_no_account": "asserted by the recipient alone; the sender has no account here",
        "status_sender_denies": "asserted by the recipient; the sender denies it",
        "status_confirmed": "confirmed by the recipient, whose own file matched",
        "status_disputed": "the files differ ({extra} more, {missing} fewer)",
        "status_disputed_in_both": "the files differ ({extra} more, {missing} fewer); both hold this number",
        "status_denied": "denied by the recipient",
        "campaign": "text message {name}, {when}, sent by {sender} from {originator}",
        "told": "told by {who}, recorded on {day}",
        "used_undeclared": "sent all the same, although the recipient says nothing of the transfer",
        "used_orphan": "sent all the same, although no origin of the number is declared",
        "used_not_declared": "sent all the same, although the sender's file does not hold the number",
        "received_not_declared": "{recipient} says that it had it from {sender}, whose file does not hold it",
        "declared_not_received": "{sender} says that it gave it to {recipient}, whose file does not hold it",
        "denied_by_recipient": "{sender} says that it gave it to {recipient}, which denies the transfer",
        "denied_by_sender": "{recipient} says that it had it from {sender}, which denies the transfer",
        "truncated": "there are more chains than are shown here",
    },
    Language.FR: {
        "quoted": "« {text} »",
        "held_by_nobody": "détenu par aucun organisme enregistré",
        "nothing_seen": "aucun jeu de données que vous pouvez voir ne contient ce numéro",
        "origin": "collecté par {collector}",
        "consented_on": "consentement donné le {day}",
        "consent_claimed": "consentement qui aurait été donné le {day} (selon {who})",
        "consent_unknown": "personne ne dit quand le consentement a été donné",
        "notice": "mention {code}, {mechanism} ; finalités : {purposes}",
        "recipients_named": "destinataires nommés ce jour-là : {names} (liste du {day})",
        "list_unknown": "on ne peut dire quels destinataires étaient nommés : le jour du consentement est inconnu",
        "list_none": "aucune liste de destinataires n'est enregistrée ici pour ce jour-là",
        "list_told": "cette liste selon {who}, enregistrée le {day}",
        "category": "la catégorie {text}",
        "place": "{channel}, {address}",
        "record_id": "référence de la preuve chez le collecteur : {record}",
        "no_record_id": "aucune preuve du consentement n'est conservée ici, ni de référence à une preuve",
        "no_evidence": "aucune capture d'écran n'est conservée ici",
        "evidence": "capture d'écran conservée ici : {media_type}, SHA-256 {sha256}…",
        "attested": "attesté par {collector} (enregistré le {day})",
        "asserted": "affirmé par {who} (enregistré le {day}) ; {collector} ne l'a pas attesté",
        "asserted_no_account": "affirmé par {who} (enregistré le {day}) ; {collector} n'a pas de compte ici",
        "registry": "le registre, ou un organisme qui ne peut être nommé ici",
        "through": "{who} (par {processor})",
        "since": "(enregistré le {day})",
        "no_origin": "aucune origine déclarée",
        "orphan": "entre les mains de {holder}, dans {dataset} : {reason}",
        "held_in": "le détient dans {names}",
        "erased": "{holder} l'a effacé le {day} et ne le détient plus",
        "transfer": "{recipient}, le {day}",
        "terms": "finalité : {purpose}, {basis} ; {contract}",
        "no_contract": "sans contrat indiqué",
        "roles": "rôles : {sender} → {recipient}",
        "comment": "{who} : {text} (enregistré le {day})",
        "targeting": "ciblage par {criterion} : {selection}",
        "same_as_above": "et de là comme ci-dessus : {names}",
        "status_declared": "déclaré par l'expéditeur seul, le destinataire n'a rien dit",
        "status_acknowledged": "déclaré par l'expéditeur, reconnu par le destinataire",
        "status_recipient_alone": "affirmé par le destinataire seul, l'expéditeur n'a rien dit",
        "status_recipient_no_account": "affirmé par le destinataire seul, l'expéditeur n'a pas de compte ici",
        "status_sender_denies": "affirmé par le destinataire, l'expéditeur le nie",
        "status_confirmed": "confirmé par le destinataire, dont le fichier est identique",
        "status_disputed": "les fichiers diffèrent ({extra} de plus, {missing} de moins)",
        "status_disputed_in_both": "les fichiers diffèrent ({extra} de plus, {missing} de moins) ; "
        "les deux contiennent ce numéro",
        "status_denied": "nié par le destinataire",
        "campaign": "SMS {name}, {when}, envoyé par {sender} depuis {originator}",
        "told": "déclaré par {who}, enregistré le {day}",
        "used_undeclared": "envoyé quand même, alors que le destinataire n'a rien dit du transfert",
        "used_orphan": "envoyé quand même, alors qu'aucune origine du numéro n'est déclarée",
        "used_not_declared": "envoyé quand même, alors que le fichier de l'expéditeur ne contient pas le numéro",
        "received_not_declared": "{recipient} dit l'avoir reçu de {sender}, dont le fichier ne le contient pas",
        "declared_not_received": "{sender} dit l'avoir donné à {recipient}, dont le fichier ne le contient pas",
        "denied_by_recipient": "{sender} dit l'avoir donné à {recipient}, qui nie le transfert",
        "denied_by_sender": "{recipient} dit l'avoir reçu de {sender}, qui nie le transfert",
        "truncated": "il y a plus de chaînes qu'il n'en est montré ici",
    },
}
"""Sentences about an answer, by language and name, with the same values to fill in."""

TERMS: dict[Language, dict[str, str]] = {
    Language.EN: {
        Mechanism.UNTICKED_BOX: "box to tick",
        Mechanism.PRE_TICKED_BOX: "box ticked in advance",
        Mechanism.DOUBLE_OPT_IN: "double opt-in",
        Mechanism.CONDITION_OF_ENTRY: "condition of entry",
        Mechanism.ORAL: "asked orally",
        Mechanism.PAPER_SIGNATURE: "signature on paper",
        Mechanism.OPT_OUT: "unless the person objects",
        Purpose.COMMERCIAL_CANVASSING: "commercial canvassing",
        Purpose.POLITICAL_CANVASSING: "political canvassing",
        Purpose.TRANSFER: "transfer",
        Purpose.FUNDRAISING: "fundraising",
        Purpose.OPINION_POLL: "opinion polls",
        Purpose.SERVICE_MESSAGES: "service messages",
        Channel.WEB_FORM: "web form",
        Channel.MOBILE_APP: "mobile app",
        Channel.SHOP: "in a shop",
        Channel.PAPER_FORM: "paper form",
        Channel.TELEPHONE: "by telephone",
        Channel.EVENT: "at an event",
        Channel.OTHER: "elsewhere",
        "consent": "by consent",
        "contract": "by contract",
        "legal_obligation": "by legal obligation",
        "vital_interests": "for vital interests",
        "public_task": "as a public task",
        "legitimate_interests": "for legitimate interests",
        ProcessingRole.CONTROLLER: "controller",
        ProcessingRole.JOINT_CONTROLLER: "joint controller",
        ProcessingRole.PROCESSOR: "processor",
        OrphanReason.NOT_IN_SENDERS_DATASET: "its sender's file does not hold it",
        OrphanReason.TRANSFER_DENIED: "the transfer that is said to have brought it is denied",
        OrphanReason.NO_SOURCE_DECLARED: "neither a collection nor a source is declared",
        OrphanReason.NOT_IN_SOURCES: "none of the declared sources holds it",
        OrphanReason.SOURCE_IS_ORPHAN: "it comes from a holding that has no origin either",
    },
    Language.FR: {
        Mechanism.UNTICKED_BOX: "case à cocher",
        Mechanism.PRE_TICKED_BOX: "case cochée d'avance",
        Mechanism.DOUBLE_OPT_IN: "double opt-in",
        Mechanism.CONDITION_OF_ENTRY: "condition de participation",
        Mechanism.ORAL: "demandé oralement",
        Mechanism.PAPER_SIGNATURE: "signature sur papier",
        Mechanism.OPT_OUT: "sauf opposition",
        Purpose.COMMERCIAL_CANVASSING: "prospection commerciale",
        Purpose.POLITICAL_CANVASSING: "prospection politique",
        Purpose.TRANSFER: "transmission",
        Purpose.FUNDRAISING: "collecte de fonds",
        Purpose.OPINION_POLL: "sondages",
        Purpose.SERVICE_MESSAGES: "messages de service",
        Channel.WEB_FORM: "formulaire web",
        Channel.MOBILE_APP: "application mobile",
        Channel.SHOP: "en magasin",
        Channel.PAPER_FORM: "formulaire papier",
        Channel.TELEPHONE: "par téléphone",
        Channel.EVENT: "lors d'un événement",
        Channel.OTHER: "ailleurs",
        "consent": "par consentement",
        "contract": "par contrat",
        "legal_obligation": "par obligation légale",
        "vital_interests": "pour des intérêts vitaux",
        "public_task": "par mission d'intérêt public",
        "legitimate_interests": "par intérêt légitime",
        ProcessingRole.CONTROLLER: "responsable de traitement",
        ProcessingRole.JOINT_CONTROLLER: "responsable conjoint",
        ProcessingRole.PROCESSOR: "sous-traitant",
        OrphanReason.NOT_IN_SENDERS_DATASET: "le fichier de l'expéditeur ne le contient pas",
        OrphanReason.TRANSFER_DENIED: "le transfert qui l'aurait apporté est nié",
        OrphanReason.NO_SOURCE_DECLARED: "ni collecte ni provenance déclarée",
        OrphanReason.NOT_IN_SOURCES: "aucune des provenances déclarées ne le contient",
        OrphanReason.SOURCE_IS_ORPHAN: "il vient d'un fichier où il n'a pas non plus d'origine",
    },
}
"""Words for the closed lists of the API, by language and value."""


def format_day(language: Language, day: date) -> str:
    """A day as one writes it: 06/06/2024, or 6 June 2024."""
    return f"{day:%d/%m/%Y}" if language is Language.FR else f"{day.day} {MONTHS[language][day.month - 1]} {day.year}"


def format_period(language: Language, began: datetime, ended: datetime, zone: ZoneInfo) -> str:
    """A time from begin to end in a zone, which is named."""
    began, ended = began.astimezone(zone), ended.astimezone(zone)
    end = f"{ended:%H:%M}" if began.date() == ended.date() else f"{format_day(language, ended)} {ended:%H:%M}"
    return f"{format_day(language, began)} {began:%H:%M}-{end} ({_format_zone(language, zone)})"


def _format_zone(language: Language, zone: ZoneInfo) -> str:
    if language is Language.EN:
        return f"{zone.key} time"
    return "heure de Paris" if zone.key == "Europe/Paris" else f"heure du fuseau {zone.key}"
