"""The phrases of an answer on the terminal, in English and French."""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from service.core.vocabulary import CampaignState, TransferStatus
from service.provenance.answer.schemas import ContradictionKind
from service.wording.language import PARIS, Language, write_span
from service.wording.typography import typeset_catalogue


def terminal_language() -> Language:
    """The language of the terminal's locale if the service has it, else English."""
    locale = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return Language.FR if locale.lower().startswith("fr") else Language.EN


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPhrases:
    """The phrases in one language, with the values to fill in. French participles of a transfer are feminine."""

    held_by_nobody: str
    nothing_visible: str
    chains_truncated: str

    collected: str
    consented_on: str
    consent_claimed: str
    consent_unknown: str
    notice: str
    purposes: str
    recipients_named: str
    list_asserted: str
    list_unknown: str
    list_none: str
    category: str
    place: str
    consent_record: str
    no_consent_record: str
    screenshot: str
    screenshot_withdrawn: str
    no_screenshot: str
    notice_corrected: str
    attested: str
    asserted_unattested: str
    asserted_no_account: str
    asserted_denied: str
    contested: str
    contested_answered: str

    registry: str
    through: str
    asserted: str
    comment: str

    no_origin: str
    orphan: str
    held_in: str
    erased: str
    ended: str
    withdrawn: str

    transferred: str
    purpose: str
    contract: str
    no_contract: str
    roles: str
    targeting: str
    continued_above: str
    continued_below: str
    continuation: str
    status_recorded: str
    status_declared: str
    status_acknowledged: str
    status_recipient_alone: str
    status_recipient_alone_no_account: str
    status_sender_denies: str
    status_confirmed: str
    status_disputed: str
    status_disputed_in_both: str
    status_denied: str
    status_retracted: str
    status_retracted_by_sender: str
    status_retracted_by_recipient: str

    campaign: str
    campaign_planned: str
    campaign_unsent: str
    cancelled: str
    not_sent: str
    paris_time: str
    zone_time: str
    used_unacknowledged: str
    used_undeclared: str
    used_orphan: str

    received_not_declared: str
    declared_not_received: str
    denied_by_recipient: str
    denied_by_sender: str
    retracted_by_sender: str
    retracted_by_recipient: str
    retracted: str

    def transfer_status(self, status: TransferStatus) -> str:
        """What both sides of a transfer say of it."""
        match status:
            case TransferStatus.DECLARED:
                return self.status_declared
            case TransferStatus.ACKNOWLEDGED:
                return self.status_acknowledged
            case TransferStatus.CONFIRMED:
                return self.status_confirmed
            case TransferStatus.DISPUTED:
                return self.status_disputed
            case TransferStatus.DENIED:
                return self.status_denied
            case TransferStatus.RETRACTED:
                return self.status_retracted

    def of_campaign(self, state: CampaignState) -> str:
        """A campaign, as planned or sent, or without saying so of one that was not."""
        match state:
            case CampaignState.SENT:
                return self.campaign
            case CampaignState.PLANNED:
                return self.campaign_planned
            case CampaignState.CANCELLED | CampaignState.NOT_SENT:
                return self.campaign_unsent

    def contradiction(self, kind: ContradictionKind) -> str:
        """What one side of a transfer says of the number and the other denies."""
        match kind:
            case "received_not_declared":
                return self.received_not_declared
            case "declared_not_received":
                return self.declared_not_received
            case "denied_by_recipient":
                return self.denied_by_recipient
            case "denied_by_sender":
                return self.denied_by_sender
            case "retracted_by_sender":
                return self.retracted_by_sender
            case "retracted_by_recipient":
                return self.retracted_by_recipient


_ENGLISH = AnswerPhrases(
    held_by_nobody="held by no registered organisation",
    nothing_visible="no dataset that you may see contains this number",
    chains_truncated="there are more chains than are shown here",
    collected="collected by {collector}",
    consented_on="consent given on {day}",
    consent_claimed="consent given on {day} according to {who}",
    consent_unknown="no date of consent is declared",
    notice="notice {code}, {mechanism}",
    purposes="purposes: {purposes}",
    recipients_named="recipients named on that day: {names} (list of {day})",
    list_asserted="list asserted by {who}, recorded on {day}",
    list_unknown="recipients named: unknown, because the day of consent is unknown",
    list_none="no list of recipients is recorded here for that day",
    category="the category {text}",
    place="{channel}, {address}",
    consent_record="consent record at the collector: {record}",
    no_consent_record="no consent record is kept here, nor a reference to one",
    screenshot="screenshot kept here: {media_type}, SHA-256 {sha256}…",
    screenshot_withdrawn="screenshot kept here and withdrawn by {who} on {day}: {text}",
    no_screenshot="no screenshot is kept here",
    notice_corrected="corrected by {who} on {day}; before, it read {text}",
    attested="attested by {collector}, recorded on {day}",
    asserted_unattested="asserted by {who}, recorded on {day}; {collector} has not attested it",
    asserted_no_account="asserted by {who}, recorded on {day}; {collector} has no account here",
    contested="contested by the person since {day}; the collector has not answered",
    contested_answered="contested by the person since {day}; the collector answered on {answered_on}",
    asserted_denied="asserted by {who}, recorded on {day}; denied by {collector} on {denied_on}",
    registry="the registry, or an organisation that may not be named here",
    through="{who} (through {processor})",
    asserted="asserted by {who}, recorded on {day}",
    comment="{who}: {text} (recorded on {day})",
    no_origin="no declared origin",
    orphan="held by {holder} in {dataset}: {reason}",
    held_in="holds it in {names}",
    erased="{holder} erased it on {day} and no longer holds it",
    ended="{holder} no longer has it since {day}, as it says: {why}",
    withdrawn="withdrawn on {day}, because {why}",
    transferred="{recipient}, on {day}",
    purpose="purpose: {purpose} (lawful basis: {basis})",
    contract="contract: {contract}",
    no_contract="no contract is named",
    roles="roles: {sender} → {recipient}",
    targeting="targeted by {criterion}: {selection}",
    continued_above="continued above: {names}",
    continued_below="continued below at [{mark}]",
    continuation="[{mark}] from {holder} on",
    status_recorded="(recorded on {day})",
    status_declared="declared by the sender alone; the recipient has said nothing about it",
    status_acknowledged="declared by the sender, acknowledged by the recipient",
    status_recipient_alone="asserted by the recipient alone; the sender has said nothing about it",
    status_recipient_alone_no_account="asserted by the recipient alone; the sender has no account here",
    status_sender_denies="asserted by the recipient, denied by the sender",
    status_confirmed="confirmed by the recipient, whose own file matches",
    status_disputed="disputed: {extra} more and {missing} fewer in the recipient's file",
    status_disputed_in_both="disputed: {extra} more and {missing} fewer in the recipient's file, this number in both",
    status_denied="denied by the recipient",
    status_retracted="stated by mistake, and retracted",
    status_retracted_by_sender="asserted by the recipient; the sender stated it too, and retracted that",
    status_retracted_by_recipient="asserted by the sender; the recipient stated it too, and retracted that",
    campaign="text message {name}, {period}, sent by {sender} from {originator}",
    campaign_planned="text message {name}, planned: {period}, by {sender} from {originator}",
    campaign_unsent="text message {name}, {period}, by {sender} from {originator}",
    cancelled="cancelled before it began: {text} (recorded on {day})",
    not_sent="declared as sent, then as not sent: {text} (recorded on {day})",
    paris_time="{period} (Paris time)",
    zone_time="{period} ({zone} time)",
    used_unacknowledged="sent although the recipient has said nothing about the transfer",
    used_undeclared="sent although the sender's file does not contain the number",
    used_orphan="sent although no origin of the number is declared",
    received_not_declared="{recipient} says that it received it, but the file of the sender, {sender}, does not "
    "contain it",
    declared_not_received="{sender} says that it handed it over, but the file of the recipient, {recipient}, does not "
    "contain it",
    denied_by_recipient="{sender} says that it handed it over, but the recipient, {recipient}, denies the transfer",
    denied_by_sender="{recipient} says that it received it, but the sender, {sender}, denies the transfer",
    retracted_by_sender="{recipient} says that it received it, but the sender, {sender}, retracted its statement",
    retracted_by_recipient="{sender} says that it handed it over, but the recipient, {recipient}, retracted its "
    "statement",
    retracted="stated by mistake, and retracted by {who} on {day}: a transfer from {sender} to {recipient} ({text})",
)

_FRENCH = AnswerPhrases(
    held_by_nobody="détenu par aucun organisme enregistré",
    nothing_visible="aucun fichier que vous pouvez voir ne contient ce numéro",
    chains_truncated="il y a plus de chaînes qu'il n'en est montré ici",
    collected="recueilli par {collector}",
    consented_on="consentement donné le {day}",
    consent_claimed="consentement donné le {day} selon {who}",
    consent_unknown="aucune date de consentement n'est déclarée",
    notice="mention {code}, {mechanism}",
    purposes="finalités : {purposes}",
    recipients_named="destinataires nommés ce jour-là : {names} (liste du {day})",
    list_asserted="liste affirmée par {who}, enregistrée le {day}",
    list_unknown="destinataires nommés : inconnus, puisque le jour du consentement est inconnu",
    list_none="aucune liste de destinataires n'est enregistrée ici pour ce jour-là",
    category="la catégorie {text}",
    place="{channel}, {address}",
    consent_record="preuve du consentement chez le collecteur : {record}",
    no_consent_record="aucune preuve du consentement n'est conservée ici, ni de référence à une preuve",
    screenshot="capture d'écran conservée ici : {media_type}, SHA-256 {sha256}…",
    screenshot_withdrawn="capture d'écran conservée ici et retirée par {who} le {day} : {text}",
    no_screenshot="aucune capture d'écran n'est conservée ici",
    notice_corrected="corrigée par {who} le {day} ; avant, on y lisait {text}",
    attested="attesté par {collector}, enregistré le {day}",
    asserted_unattested="affirmé par {who}, enregistré le {day} ; {collector} ne l'a pas attesté",
    asserted_no_account="affirmé par {who}, enregistré le {day} ; {collector} n'a pas de compte ici",
    contested="contesté par la personne depuis le {day} ; le collecteur n'a pas répondu",
    contested_answered="contesté par la personne depuis le {day} ; le collecteur a répondu le {answered_on}",
    asserted_denied="affirmé par {who}, enregistré le {day} ; nié par {collector} le {denied_on}",
    registry="le registre, ou un organisme qui ne peut être nommé ici",
    through="{who} (par {processor})",
    asserted="affirmé par {who}, enregistré le {day}",
    comment="{who} : {text} (enregistré le {day})",
    no_origin="aucune origine déclarée",
    orphan="détenu par {holder} dans {dataset} : {reason}",
    held_in="le détient dans {names}",
    erased="{holder} l'a effacé le {day} et ne le détient plus",
    ended="{holder} dit ne plus l'avoir depuis le {day} : {why}",
    withdrawn="retiré le {day}, pour ce motif : {why}",
    transferred="{recipient}, le {day}",
    purpose="finalité : {purpose} (base légale : {basis})",
    contract="contrat : {contract}",
    no_contract="aucun contrat n'est indiqué",
    roles="rôles : {sender} → {recipient}",
    targeting="ciblage par {criterion} : {selection}",
    continued_above="suite plus haut : {names}",
    continued_below="suite plus bas, à [{mark}]",
    continuation="[{mark}] à partir de {holder}",
    status_recorded="(enregistrée le {day})",
    status_declared="déclarée par l'expéditeur seul ; le destinataire n'en a rien dit",
    status_acknowledged="déclarée par l'expéditeur, reconnue par le destinataire",
    status_recipient_alone="affirmée par le destinataire seul ; l'expéditeur n'en a rien dit",
    status_recipient_alone_no_account="affirmée par le destinataire seul ; l'expéditeur n'a pas de compte ici",
    status_sender_denies="affirmée par le destinataire, niée par l'expéditeur",
    status_confirmed="confirmée par le destinataire, dont le fichier est identique",
    status_disputed="contestée : {extra} de plus et {missing} de moins dans le fichier du destinataire",
    status_disputed_in_both="contestée : {extra} de plus et {missing} de moins dans le fichier du destinataire, mais "
    "ce numéro est dans les deux",
    status_denied="niée par le destinataire",
    status_retracted="déclarée par erreur, puis retirée",
    status_retracted_by_sender="affirmée par le destinataire ; l'expéditeur l'avait déclarée, puis s'est rétracté",
    status_retracted_by_recipient="affirmée par l'expéditeur ; le destinataire l'avait déclarée, puis s'est rétracté",
    campaign="SMS {name}, {period}, envoyé par {sender}, émetteur {originator}",
    campaign_planned="SMS {name}, prévu : {period}, par {sender}, émetteur {originator}",
    campaign_unsent="SMS {name}, {period}, par {sender}, émetteur {originator}",
    cancelled="annulé avant son envoi : {text} (enregistré le {day})",
    not_sent="déclaré envoyé, puis non envoyé : {text} (enregistré le {day})",
    paris_time="{period} (heure de Paris)",
    zone_time="{period} (heure du fuseau {zone})",
    used_unacknowledged="envoyé alors que le destinataire n'a rien dit de la transmission",
    used_undeclared="envoyé alors que le fichier de l'expéditeur ne contient pas le numéro",
    used_orphan="envoyé alors qu'aucune origine du numéro n'est déclarée",
    received_not_declared="{recipient} dit l'avoir reçu, mais le fichier de l'expéditeur, {sender}, ne le contient pas",
    declared_not_received="{sender} dit l'avoir transmis, mais le fichier du destinataire, {recipient}, ne le contient "
    "pas",
    denied_by_recipient="{sender} dit l'avoir transmis, mais le destinataire, {recipient}, nie la transmission",
    denied_by_sender="{recipient} dit l'avoir reçu, mais l'expéditeur, {sender}, nie la transmission",
    retracted_by_sender="{recipient} dit l'avoir reçu, mais l'expéditeur, {sender}, a retiré sa déclaration",
    retracted_by_recipient="{sender} dit l'avoir transmis, mais le destinataire, {recipient}, a retiré sa déclaration",
    retracted="déclarée par erreur, et retirée par {who} le {day} : une transmission de {sender} à {recipient} "
    "({text})",
)

PHRASES: Final = typeset_catalogue(fr=_FRENCH, en=_ENGLISH)
"""The phrases by language, typeset."""


def format_period(language: Language, began: datetime, ended: datetime, zone: ZoneInfo) -> str:
    """A period in the local time of `zone`, which is named."""
    phrases, period = PHRASES.of(language), write_span(language, began, ended, zone)
    if zone == PARIS:
        return phrases.paris_time.format(period=period)
    return phrases.zone_time.format(period=period, zone=zone.key)
