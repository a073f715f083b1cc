"""What a report says of messages, and of the person's objections, in French."""

from typing import Final

from service.disclosure import phrases
from service.disclosure.phrase_forms import ByRequest, Extent, Plural

MESSAGES: Final = phrases.Messages(
    section_title="Les messages envoyés",
    introduction="Chacun de ces messages a été envoyé, d'après ce qui est déclaré ici, à tous les numéros d'un "
    "fichier qui contient le vôtre.",
    sent=Plural(
        one="{party} a envoyé un SMS à votre numéro {days}.",
        many="{party} a envoyé {count} SMS à votre numéro, {days}.",
    ),
    planned=Plural(
        one="{party} prévoit d'envoyer un SMS à votre numéro {days}.",
        many="{party} prévoit d'envoyer {count} SMS à votre numéro, {days}.",
    ),
    none=Extent(
        everything="Aucun message envoyé à votre numéro n'est déclaré ici.",
        since_owned="Aucun message envoyé à ce numéro depuis qu'il est le vôtre n'est déclaré ici.",
    ),
    on_day="le {day}",
    heading="{party}, {day}",
    heading_planned="{party}, prévu le {day}",
    introduction_planned="Ce qui suit est prévu, d'après ce qui est déclaré ici, et n'a pas été envoyé.",
    introduction_not_sent="Messages déclarés ici, puis annulés ou dits non envoyés :",
    cancelled="{party} avait prévu un SMS pour le {day}, et l'a annulé le {cancelled_on}. Motif : {quoted}",
    not_sent="{party} avait déclaré ici un SMS du {day}, puis a déclaré, le {cancelled_on}, qu'il n'a pas été envoyé. "
    "Motif : {quoted}",
    source="SMS signé {originator}",
    label_sent="Envoyé",
    label_planned="Prévu",
    label_sent_by="Envoyé par",
    label_originator="Numéro ou nom affiché",
    label_poll="Scrutin",
    poll="{name}, le {day}",
    label_file="Votre numéro venait",
    file_received="du fichier reçu {from_sender} le {day}",
    file_own="d'un fichier de {party}",
    label_declared="Déclaré ici",
    declared_by="par {who}, le {day}",
    used_unacknowledged="Le fichier a été utilisé alors que {party} n'a rien dit ici de sa réception.",
)


OBJECTIONS: Final = phrases.Objections(
    section_title="Vos oppositions",
    none=Extent(
        everything="Aucune opposition n'est enregistrée pour votre numéro.",
        since_owned="Aucune opposition faite depuis que ce numéro est le vôtre n'est enregistrée ici.",
    ),
    heading=ByRequest(
        stop="STOP du {when}",
        objection="Opposition du {when}",
        erasure="Demande d'effacement du {when}",
        contest="Contestation du {when}",
    ),
    name=ByRequest(
        stop="votre STOP du {when}",
        objection="votre opposition du {when}",
        erasure="votre demande d'effacement du {when}",
        contest="votre contestation du {when}",
    ),
    name_recorded_by=ByRequest(
        stop="votre STOP du {when}, que {who} a déclaré ici",
        objection="votre opposition du {when}, que {who} a déclarée ici",
        erasure="votre demande d'effacement du {when}, que {who} a déclarée ici",
        contest="votre contestation du {when}, que {who} a déclarée ici",
    ),
    made_here="Vous l'avez faite ici.",
    contested="Vous dites ne pas avoir donné l'accord que {collector} aurait recueilli. Vous demandez que ce soit "
    "rectifié, et que l'usage de votre numéro soit limité d'ici là (articles 16 et 18 du RGPD).",
    taken_back="Vous l'avez retirée le {day}.",
    answered="{who} a répondu, le {day} : {quoted}",
    answered_reference="Référence de sa preuve : {record}.",
    stop_reply="Vous avez répondu STOP {to_message}.",
    stop_reply_reported="Vous avez répondu STOP {to_message} ; c'est {who} qui nous l'a signalé, le {day}.",
    to_message="à un message",
    to_message_from="à un message {from_sender}",
    received_by_holder="C'est {who} qui l'a reçue, et nous l'a signalée le {day}.",
    applies_to_everything="Cette demande vaut pour tous les organismes et pour toutes les finalités.",
    applies_to_organisation="Cette demande vaut pour {organisation}.",
    applies_to_purpose="Cette demande vaut pour une finalité : {purpose}.",
    late=Plural(
        one="Un message a été envoyé à votre numéro après {objection}.",
        many="{count} messages ont été envoyés à votre numéro après {objection}.",
    ),
    sent_after="Envoyé {elapsed} après {objection}.",
    sent_after_at_least="Envoyé au moins {elapsed} après {objection}.",
    sent_meanwhile="L'envoi était déjà en cours au moment de {objection} : on ne sait pas si ce message est parti "
    "avant ou après.",
    planned_after="Prévu après {objection}.",
    messages_after="Messages envoyés ensuite :",
    message_after="{party}, {when} : {elapsed} après",
    message_after_at_least="{party}, {when} : au moins {elapsed} après",
    none_after="Aucun message envoyé depuis n'est déclaré ici.",
    flags="Déclaré ici après cette demande :",
    flagged_dataset="{holder}, le {day} : un fichier qui contient votre numéro",
    flagged_campaign="{holder}, le {day} : une campagne envoyée à votre numéro, {name}",
    flagged_campaign_planned="{holder}, le {day} : une campagne prévue vers votre numéro, {name}",
    relays="Ce que chaque organisme a fait de {objection}",
    column_holder="Organisme",
    column_state="État de votre demande",
    column_since="Depuis",
    refused="{state} : {refusal}",
    undeliverable="{state} : cet organisme n'est pas inscrit ici. Écrire à : {contact}",
    check_due="{state} : le registre vérifie {name}, au plus tard jusqu'au {day}",
    check_overdue="{state} : le registre aurait dû avoir vérifié {name} le {day} au plus tard ; son exploitant est en "
    "retard",
    answer_due="{state} ; réponse due le {day}",
    overdue="{state} ; le délai de réponse est passé depuis le {day}",
    extended="{state}. Délai prolongé de deux mois le {day}. Motif donné : {reason}",
    no_relays="Aucun organisme enregistré n'avait votre numéro à ce moment-là.",
)
