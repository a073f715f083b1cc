"""The terms of the closed lists that people read: each value has one term in each language, wherever it is shown.

Portal, report, letters, command line and demonstration take them from here. Each list is a `match` without a default,
so that mypy refuses a value that has no term. Terms begin with a small letter; `capitalised` begins a sentence. They
follow `docs/glossary.md`.
"""

from dataclasses import dataclass

from service.core.vocabulary import (
    Channel,
    EndReason,
    LawfulBasis,
    Mechanism,
    ObjectionKind,
    ObjectionSource,
    OrphanReason,
    ProcessingRole,
    Purpose,
    RelayState,
    Role,
    TransferStatus,
)
from service.wording.language import ByLanguage, Language
from service.wording.typography import typeset


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms in one language."""

    language: Language

    def _pick(self, *, fr: str, en: str) -> str:
        return typeset(self.language, ByLanguage(fr=fr, en=en).of(self.language))

    def role(self, role: Role) -> str:
        """What an organisation is. The two that people do not know come with what they do."""
        match role:
            case Role.COLLECTOR:
                return self._pick(fr="collecteur de numéros", en="collector of numbers")
            case Role.BROKER:
                return self._pick(
                    fr="courtier en données (achète, revend ou loue des fichiers de numéros)",
                    en="data broker (buys, sells or rents out files of numbers)",
                )
            case Role.PARTY:
                return self._pick(fr="parti ou candidat", en="party or candidate")
            case Role.PROCESSOR:
                return self._pick(
                    fr="sous-traitant (envoie des messages pour d'autres)",
                    en="processor (sends messages for others)",
                )
            case Role.REGULATOR:
                return self._pick(fr="autorité de contrôle", en="supervisory authority")
            case Role.OPERATOR:
                return self._pick(fr="exploitant de ce registre", en="operator of this registry")

    def purpose(self, purpose: Purpose) -> str:
        """What numbers are used for.

        "Direct marketing" (GDPR 21(2)) covers political canvassing too, so it names neither of the two purposes.
        """
        match purpose:
            case Purpose.COMMERCIAL_CANVASSING:
                return self._pick(fr="prospection commerciale", en="commercial canvassing")
            case Purpose.POLITICAL_CANVASSING:
                return self._pick(fr="prospection politique", en="political canvassing")
            case Purpose.TRANSFER:
                return self._pick(fr="transmission à d'autres", en="transfer to others")
            case Purpose.FUNDRAISING:
                return self._pick(fr="collecte de dons", en="fundraising")
            case Purpose.OPINION_POLL:
                return self._pick(fr="sondages", en="opinion polls")
            case Purpose.SERVICE_MESSAGES:
                return self._pick(fr="messages de service", en="service messages")

    def mechanism(self, mechanism: Mechanism) -> str:
        """How consent was asked for."""
        match mechanism:
            case Mechanism.UNTICKED_BOX:
                return self._pick(fr="case à cocher, vide au départ", en="unticked box")
            case Mechanism.PRE_TICKED_BOX:
                return self._pick(fr="case cochée d'avance", en="pre-ticked box")
            case Mechanism.DOUBLE_OPT_IN:
                return self._pick(
                    fr="accord confirmé une seconde fois (double opt-in)",
                    en="consent confirmed a second time (double opt-in)",
                )
            case Mechanism.CONDITION_OF_ENTRY:
                return self._pick(fr="condition de participation", en="condition of taking part")
            case Mechanism.ORAL:
                return self._pick(fr="question posée de vive voix", en="question asked in conversation")
            case Mechanism.PAPER_SIGNATURE:
                return self._pick(fr="signature sur papier", en="signature on paper")
            case Mechanism.OPT_OUT:
                return self._pick(
                    fr="aucun accord demandé, il fallait s'opposer (opt-out)",
                    en="no consent asked for, the person had to object (opt-out)",
                )

    def channel(self, channel: Channel) -> str:
        """Where numbers were collected; an address may follow after a comma."""
        match channel:
            case Channel.WEB_FORM:
                return self._pick(fr="formulaire web", en="web form")
            case Channel.MOBILE_APP:
                return self._pick(fr="application mobile", en="mobile app")
            case Channel.SHOP:
                return self._pick(fr="en magasin", en="in a shop")
            case Channel.PAPER_FORM:
                return self._pick(fr="formulaire papier", en="paper form")
            case Channel.TELEPHONE:
                return self._pick(fr="par téléphone", en="by telephone")
            case Channel.EVENT:
                return self._pick(fr="lors d'un événement", en="at an event")
            case Channel.OTHER:
                return self._pick(fr="autre lieu", en="another place")

    def lawful_basis(self, basis: LawfulBasis) -> str:
        """Why processing is lawful, as GDPR 6(1) is usually cited. Nouns without an article: a label stands before."""
        match basis:
            case LawfulBasis.CONSENT:
                return self._pick(fr="consentement", en="consent")
            case LawfulBasis.CONTRACT:
                return self._pick(fr="contrat", en="contract")
            case LawfulBasis.LEGAL_OBLIGATION:
                return self._pick(fr="obligation légale", en="legal obligation")
            case LawfulBasis.VITAL_INTERESTS:
                return self._pick(fr="intérêts vitaux", en="vital interests")
            case LawfulBasis.PUBLIC_TASK:
                return self._pick(fr="mission d'intérêt public", en="public task")
            case LawfulBasis.LEGITIMATE_INTERESTS:
                return self._pick(fr="intérêt légitime", en="legitimate interests")

    def processing_role(self, role: ProcessingRole) -> str:
        """What a side of a transfer is under GDPR 4(7)-(8) and 26."""
        match role:
            case ProcessingRole.CONTROLLER:
                return self._pick(fr="responsable du traitement", en="controller")
            case ProcessingRole.JOINT_CONTROLLER:
                return self._pick(fr="responsable conjoint", en="joint controller")
            case ProcessingRole.PROCESSOR:
                return self._pick(fr="sous-traitant", en="processor")

    def transfer_status(self, status: TransferStatus) -> str:
        """What the sides say of a transfer. French participles are feminine: they qualify *la transmission*."""
        match status:
            case TransferStatus.DECLARED:
                return self._pick(fr="déclarée", en="declared")
            case TransferStatus.ACKNOWLEDGED:
                return self._pick(fr="reconnue", en="acknowledged")
            case TransferStatus.CONFIRMED:
                return self._pick(fr="confirmée", en="confirmed")
            case TransferStatus.DISPUTED:
                return self._pick(fr="contestée", en="disputed")
            case TransferStatus.DENIED:
                return self._pick(fr="niée", en="denied")
            case TransferStatus.RETRACTED:
                return self._pick(fr="retirée", en="retracted")

    def end_reason(self, reason: EndReason) -> str:
        """Why a holder no longer has a file, in brackets after that it does not."""
        match reason:
            case EndReason.DELETED:
                return self._pick(fr="fichier supprimé", en="file deleted")
            case EndReason.RETURNED:
                return self._pick(fr="fichier rendu", en="file returned")
            case EndReason.RETENTION_OVER:
                return self._pick(fr="durée de conservation écoulée", en="retention period over")
            case EndReason.POLL_OVER:
                return self._pick(fr="scrutin terminé", en="poll over")
            case EndReason.OTHER:
                return self._pick(fr="autre motif", en="other reason")

    def orphan_reason(self, reason: OrphanReason) -> str:
        """Why a holding has no declared origin: a clause about *it*, the number (*le numéro*), without a full stop."""
        match reason:
            case OrphanReason.NOT_IN_SENDERS_DATASET:
                return self._pick(
                    fr="le fichier de l'expéditeur ne le contient pas", en="the sender's file does not contain it"
                )
            case OrphanReason.TRANSFER_DENIED:
                return self._pick(
                    fr="la transmission qui l'aurait apporté est niée",
                    en="the transfer that is said to have brought it is denied",
                )
            case OrphanReason.NO_SOURCE_DECLARED:
                return self._pick(
                    fr="aucune collecte ni aucune provenance n'est déclarée",
                    en="neither a collection nor a source is declared",
                )
            case OrphanReason.NOT_IN_SOURCES:
                return self._pick(
                    fr="aucune des provenances déclarées ne le contient", en="none of the declared sources contains it"
                )
            case OrphanReason.SOURCE_IS_ORPHAN:
                return self._pick(
                    fr="il vient d'un fichier où il n'a pas non plus d'origine",
                    en="it comes from a file in which it has no origin either",
                )

    def objection_kind(self, kind: ObjectionKind) -> str:
        """What a person asks for."""
        match kind:
            case ObjectionKind.OBJECTION:
                return self._pick(fr="opposition", en="objection")
            case ObjectionKind.ERASURE:
                return self._pick(fr="demande d'effacement", en="request for erasure")
            case ObjectionKind.CONTEST:
                return self._pick(fr="contestation d'un accord", en="contest of an agreement")

    def objection_source(self, source: ObjectionSource) -> str:
        """How a request arrived. French participles are feminine: they qualify *la demande*."""
        match source:
            case ObjectionSource.PERSON:
                return self._pick(fr="faite ici", en="made here")
            case ObjectionSource.STOP:
                return self._pick(fr="faite en répondant STOP à un message", en="made by replying STOP to a message")
            case ObjectionSource.HOLDER:
                return self._pick(
                    fr="reçue par un organisme, qui l'a déclarée ici",
                    en="received by an organisation, which declared it here",
                )

    def relay_state(self, state: RelayState) -> str:
        """How far a request has got with one organisation. French is feminine: it qualifies *la demande*."""
        match state:
            case RelayState.WAITING:
                return self._pick(fr="en attente de vérification", en="being checked")
            case RelayState.PENDING:
                return self._pick(fr="en attente", en="waiting")
            case RelayState.DELIVERED:
                return self._pick(fr="remise", en="delivered")
            case RelayState.ACKNOWLEDGED:
                return self._pick(fr="prise en charge", en="being processed")
            case RelayState.COMPLETED:
                return self._pick(fr="satisfaite", en="done")
            case RelayState.REFUSED:
                return self._pick(fr="refusée", en="refused")
            case RelayState.UNDELIVERABLE:
                return self._pick(fr="à envoyer par vous", en="for you to send")
            case RelayState.WITHDRAWN:
                return self._pick(fr="retirée par vous", en="taken back by you")
