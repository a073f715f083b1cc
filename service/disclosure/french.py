"""What a report says in French. The typographer puts in apostrophes and no-break spaces."""

from typing import Final

from service.disclosure import french_letters, french_messages, french_origins, french_standings, phrases
from service.disclosure.phrase_forms import ByAgreement, Counted, Extent, Plural

_GENERAL: Final = phrases.General(
    title="Votre numéro : d'où il vient, qui l'a eu",
    as_of="Établi le {moment}, heure de Paris",
    registry="notre registre",
    through="{who} (par l'intermédiaire de {processor})",
    no_address="aucune adresse n'est enregistrée ici",
    closed="{name} (activité cessée le {day})",
    succeeded="{name} (aujourd'hui {heir})",
    closed_and_succeeded="{name} (activité cessée le {day} ; aujourd'hui {heir})",
    heir_address="{contact} ({heir}, qui répond de {name} depuis le {day})",
    according_to="{contact} (nom et contact selon {namer})",
    contact_by_another="Contact selon {namer} : {contact}",
    name_and_contact_by_another="Nom et contact selon {namer} : {name}, {contact}",
    separator=" ; ",
)

_SUMMARY: Final = phrases.Summary(
    section_title="En bref",
    nobody="Nous avons cherché votre numéro : aucun organisme enregistré ne le détient.",
    nobody_means="Cela ne veut pas dire que personne ne l'a : nous ne connaissons que les fichiers que les organismes "
    "enregistrés ici déclarent. Si vous avez reçu un SMS, gardez-le, avec sa date et son expéditeur : c'est une "
    "preuve. Vous pouvez aussi le transférer gratuitement au 33700, la plateforme française de signalement.",
    no_longer_held="Aucun organisme enregistré ne détient plus votre numéro. Voici son histoire.",
    no_origin_held=Plural(
        one="Aucune origine déclarée. {holders} détient votre numéro, et rien ici ne dit qui l'a recueilli, ni quand, "
        "ni avec quels mots.",
        many="Aucune origine déclarée. {holders} détiennent votre numéro, et rien ici ne dit qui l'a recueilli, ni "
        "quand, ni avec quels mots.",
    ),
    no_origin_had=Plural(
        one="Aucune origine déclarée. {holders} a détenu votre numéro, et rien ici ne dit qui l'a recueilli, ni quand, "
        "ni avec quels mots.",
        many="Aucune origine déclarée. {holders} ont détenu votre numéro, et rien ici ne dit qui l'a recueilli, ni "
        "quand, ni avec quels mots.",
    ),
    no_origin_of_one_file="Aucune origine déclarée pour l'un des fichiers où se trouve votre numéro : voyez « Ce qui "
    "manque ou ne concorde pas ».",
    held_now="Qui l'a aujourd'hui, d'après ce qui est déclaré ici : {holders}.",
    earlier="Ce qui s'est passé avant le {day} est résumé plus bas, par organisme : voyez « Avant que ce numéro soit "
    "le vôtre ».",
    only_facts="Nous rapportons ce que les organismes ont déclaré ici, et qui le confirme. Nous ne disons pas si "
    "c'était permis : c'est à la CNIL et aux tribunaux d'en juger.",
)

_PATH: Final = phrases.Path(
    section_title="Le chemin de votre numéro",
    picture_title="Le chemin de votre numéro, d'un organisme à l'autre",
    collected="recueilli {when}",
    collected_denied="l'aurait recueilli {when} (il le nie)",
    collected_contested="l'aurait recueilli {when} (vous le contestez)",
    collected_earlier="recueilli avant que ce numéro soit le vôtre",
    no_origin="aucune origine déclarée",
    received=ByAgreement(
        agreed="reçu {from_sender} le {day} (les deux le disent)",
        recipient_alone="dit l'avoir reçu {from_sender} le {day}",
        sender_alone="l'aurait reçu {from_sender} le {day} (seul l'expéditeur le dit)",
        acknowledged_late="l'aurait reçu {from_sender} le {day} (nié, puis reconnu tard)",
        not_received="l'aurait reçu {from_sender} le {day} (contesté)",
        not_declared="dit l'avoir reçu {from_sender} le {day} (contesté)",
        denied_by_recipient="l'aurait reçu {from_sender} le {day} (le destinataire le nie)",
        denied_by_sender="dit l'avoir reçu {from_sender} le {day} (l'expéditeur le nie)",
        retracted_by_sender="dit l'avoir reçu {from_sender} le {day} (l'expéditeur a retiré sa déclaration)",
        retracted_by_recipient="l'aurait reçu {from_sender} le {day} (le destinataire a retiré sa déclaration)",
        retracted="déclaré par erreur : reçu {from_sender} le {day}",
        third_party="l'aurait reçu {from_sender} le {day} (un tiers le dit)",
    ),
    received_earlier="reçu {from_sender} avant que ce numéro soit le vôtre",
    sent=Plural(one="1 SMS envoyé", many="{count} SMS envoyés"),
    planned=Plural(one="1 SMS prévu", many="{count} SMS prévus"),
    erased="dit l'avoir effacé le {day}",
    collection_earlier="{collector} l'a recueilli avant que ce numéro soit le vôtre.",
    transfer_earlier="{recipient} l'a reçu {from_sender} avant que ce numéro soit le vôtre.",
)

_RECIPIENTS: Final = phrases.Recipients(
    section_title="Qui l'a reçu",
    received_from="{from_sender} le {day}",
    transfer=ByAgreement(
        agreed="{recipient} l'a reçu {parts}.",
        recipient_alone="{recipient} dit l'avoir reçu {parts}.",
        sender_alone="{sender} dit l'avoir transmis le {day} : son destinataire, {recipient}, n'en a rien dit.",
        acknowledged_late="{sender} dit l'avoir transmis le {day} : son destinataire, {recipient}, l'a nié, puis n'a "
        "reconnu la transmission qu'une fois votre numéro effacé par l'expéditeur.",
        not_received="{sender} dit l'avoir transmis le {day} : son destinataire, {recipient}, a reçu un fichier, mais "
        "votre numéro n'y est pas.",
        not_declared="{recipient} dit l'avoir reçu {from_sender} le {day}, mais le fichier que {sender} déclare avoir "
        "transmis ne contient pas votre numéro.",
        denied_by_recipient="{sender} dit l'avoir transmis le {day} : son destinataire, {recipient}, le nie.",
        denied_by_sender="{recipient} dit l'avoir reçu {from_sender} le {day}, et {sender} le nie.",
        retracted_by_sender="{recipient} dit l'avoir reçu {from_sender} le {day} ; {sender}, qui l'avait déclaré, a "
        "retiré sa déclaration le {withdrawn}.",
        retracted_by_recipient="{sender} dit l'avoir transmis le {day} : son destinataire, {recipient}, qui l'avait "
        "déclaré, a retiré sa déclaration le {withdrawn}.",
        retracted="{who} avait déclaré une transmission {from_sender} à {recipient} le {day}. Cette déclaration a été "
        "retirée le {withdrawn} comme erronée, pour le motif {quoted}.",
        third_party="Selon {who}, {recipient} l'a reçu {from_sender} le {day}.",
    ),
    erased="{holder} dit avoir effacé votre numéro le {day}.",
    counted=Counted(
        none=Extent(
            everything="Aucune transmission de votre numéro à un autre organisme n'est déclarée ici.",
            since_owned="Aucune transmission de ce numéro depuis qu'il est le vôtre n'est déclarée ici.",
        ),
        one=Extent(
            everything="Un organisme a reçu votre numéro, ou l'aurait reçu. Le voici.",
            since_owned="Depuis que ce numéro est le vôtre, un organisme l'a reçu, ou l'aurait reçu. Le voici.",
        ),
        many=Extent(
            everything="{count} organismes ont reçu votre numéro, ou l'auraient reçu. Les voici tous, par leur nom.",
            since_owned="Depuis que ce numéro est le vôtre, {count} organismes l'ont reçu, ou l'auraient reçu. Les "
            "voici tous, par leur nom.",
        ),
    ),
    senders="En plus, pour l'envoi de messages : {names}.",
    label_role="Ce que c'est",
    label_address="Pour lui écrire",
    label_received="Reçu",
    label_status="Est-ce établi ?",
    status=ByAgreement(
        agreed="Oui : les deux organismes le disent.",
        recipient_alone="Le destinataire le dit ; {sender} n'en a rien dit.",
        sender_alone="Seul {sender} le dit ; {recipient} n'en a rien dit.",
        acknowledged_late="{sender} le dit ; {recipient} l'a nié, puis n'a reconnu la transmission qu'une fois votre "
        "numéro effacé par l'expéditeur.",
        not_received="Contesté : {sender} dit l'avoir transmis, mais il n'est pas dans le fichier que {recipient} dit "
        "avoir reçu.",
        not_declared="Contesté : {recipient} dit l'avoir reçu, mais il n'est pas dans le fichier que {sender} dit "
        "avoir transmis.",
        denied_by_recipient="Contesté : {sender} dit l'avoir transmis, mais {recipient} nie l'avoir reçu.",
        denied_by_sender="Contesté : {recipient} dit l'avoir reçu, mais {sender} nie l'avoir transmis.",
        retracted_by_sender="Contesté : {recipient} dit l'avoir reçu ; {sender} l'avait déclaré, puis a retiré sa "
        "déclaration.",
        retracted_by_recipient="Contesté : {sender} dit l'avoir transmis ; {recipient} l'avait déclaré, puis a retiré "
        "sa déclaration.",
        retracted="Non : {who} l'avait déclaré par erreur.",
        third_party="Ni l'un ni l'autre ne le dit : c'est {who} qui le déclare.",
    ),
    status_confirmed="Oui : le destinataire a fourni son propre fichier, qui concorde.",
    status_in_both="Oui pour votre numéro : les deux fichiers diffèrent, mais il est dans les deux.",
    status_sender_no_account="Seul {sender} le dit ; {recipient} n'est pas inscrit à ce registre, et ne peut ni le "
    "confirmer ni le nier ici.",
    retracted_heading="Déclaré par erreur, puis retiré",
    status_recipient_no_account="Le destinataire le dit ; {sender} n'est pas inscrit à ce registre et n'en a rien dit.",
    label_purpose="Pour quoi",
    purpose_and_basis="{purpose} (base légale selon {who} : {basis})",
    label_targeting="Numéros choisis selon",
    targeting="{criterion} : {selection}",
    targeting_source="{criterion} : {selection} (source : {source})",
    label_sends_for="Rôle",
    sends_for="a envoyé des messages à votre numéro pour {parties}",
)

_GAPS: Final = phrases.Gaps(
    section_title="Ce qui manque ou ne concorde pas",
    orphan="Aucune origine déclarée : {holder} détient votre numéro, mais {reason}.",
    orphan_erased="Aucune origine déclarée : {holder} a détenu votre numéro, mais {reason}.",
    unattested="La collecte par {collector} n'est déclarée que par {who}.",
    denied="{who} déclare une collecte par {collector}, et {collector} la nie.",
    contested="Vous contestez l'accord que {collector} aurait recueilli.",
    consent_unknown="Personne ne dit quand vous auriez donné votre accord à {collector}.",
    used_unacknowledged="{party} a envoyé un SMS à votre numéro, tiré du fichier que {sender} dit lui avoir transmis, "
    "alors que {party} n'a rien dit ici de cette transmission.",
    chains_truncated="Votre numéro est passé par plus de chemins que nous n'en montrons ici.",
    comment="{who} a écrit, le {day} : {quoted}",
)

_EARLIER: Final = phrases.Earlier(
    section_title="Avant que ce numéro soit le vôtre",
    introduction="Vous dites que ce numéro est le vôtre depuis le {day}. Avant, il appartenait à quelqu'un d'autre, "
    "dont nous protégeons aussi les données : nous ne donnons donc que le nom des organismes qui l'ont eu ou utilisé "
    "alors.",
    objections="Une opposition faite avant cette date reste enregistrée pour ce numéro.",
)

_STEPS: Final = phrases.Steps(
    section_title="Ce que vous pouvez faire maintenant",
    object_title="Dire stop à tous, en une fois",
    object="Votre opposition part à chaque organisme qui détient votre numéro. Chacun a un mois pour répondre, et vous "
    "suivez ici ce que chacun en fait. C'est gratuit, et vous n'avez pas à dire pourquoi.",
    object_unheld="Votre opposition est gardée, et vaudra pour tout organisme qui déclarerait votre numéro ici plus "
    "tard. C'est gratuit, et vous n'avez pas à dire pourquoi.",
    erase_title="Demander l'effacement",
    erase="Vous vous opposez, et demandez en plus que votre numéro soit effacé des fichiers. Quand tous l'auront "
    "fait, cette réponse disparaîtra d'ici aussi. Il n'y restera que votre demande, où votre numéro est chiffré, et ce "
    "que chacun y a répondu. Gardez d'abord cette réponse : c'est votre preuve.",
    download_title="Garder cette réponse",
    download="Téléchargez-la, datée et numérotée : en lettre à imprimer (PDF) ou en données (JSON).",
    complain_title="Vous plaindre à la CNIL",
    complain="Si une réponse ne vient pas ou ne vous convient pas, la CNIL reçoit votre plainte gratuitement : "
    "www.cnil.fr/fr/plaintes, ou par courrier, 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07. Joignez cette "
    "réponse.",
    only_number="De vous, ce registre ne connaît que ce numéro et ce qui est écrit ici : ni votre nom, ni votre "
    "adresse.",
    rights="Vous pouvez aussi demander à chacun de ces organismes de rectifier vos données ou d'en limiter l'usage, en "
    "lui écrivant directement.",
    contact_holds="Détient votre numéro.",
    contact_said_to_hold="Détiendrait votre numéro, d'après un autre organisme.",
    contact_collected="A recueilli votre numéro.",
    contact_denies="Aurait recueilli votre numéro, et le nie.",
    contact_said_to_have_received="Aurait reçu votre numéro.",
    contact_erased="Dit avoir effacé votre numéro.",
    contact_sent="A envoyé des messages à votre numéro.",
    contact_plans="Doit envoyer des messages à votre numéro.",
)

_REGISTRY: Final = phrases.Registry(
    section_title="Ce que ce registre fait de votre numéro",
    introduction="Le registre qui vous répond traite votre numéro, lui aussi. Voici ce qu'il vous en doit (article 15 "
    "du RGPD).",
    label_operator="Qui en répond",
    operator="{name}, {contact}",
    operator_unknown="l'exploitant de ce registre, dont le nom n'est pas enregistré ici",
    why=phrases.Labelled(
        label="Pourquoi",
        value="dire à chacun d'où vient son numéro, permettre aux organismes de le prouver, et faire suivre vos "
        "demandes",
    ),
    data=phrases.Labelled(
        label="Quelles données",
        value="votre numéro, chiffré ; les fichiers où il se trouve ; la date et la référence d'un accord, si un "
        "organisme les a données ; vos demandes",
    ),
    source=phrases.Labelled(label="De qui il les tient", value="des organismes nommés dans cette réponse, et de vous"),
    recipients=phrases.Labelled(
        label="Qui les voit",
        value="vous ; chaque organisme nommé ici, pour ce qu'il détient et par où c'est venu ; la CNIL, en disant "
        "pourquoi ; qui achemine nos SMS, le temps de vous envoyer un code",
    ),
    storage=phrases.Labelled(
        label="Jusqu'à quand",
        value="tant qu'un organisme le détient ; une opposition ou une demande d'effacement, tant qu'elle doit valoir, "
        "trois ans au moins",
    ),
    third_countries=phrases.Labelled(
        label="Hors de l'Union européenne",
        value="vos demandes vont aux organismes nommés ici, où qu'ils soient établis ; pour l'hébergement et les SMS, "
        "l'exploitant de ce registre vous le dira",
    ),
    automated_decisions=phrases.Labelled(label="Décision automatique, profilage", value="aucun"),
    rights=phrases.Labelled(
        label="Vos droits",
        value="faire rectifier, effacer ou limiter, vous opposer : auprès de l'exploitant de ce registre ; vous "
        "plaindre à la CNIL",
    ),
)

PHRASES: Final = phrases.Phrases(
    general=_GENERAL,
    summary=_SUMMARY,
    path=_PATH,
    origins=french_origins.ORIGINS,
    recipients=_RECIPIENTS,
    standings=french_standings.STANDINGS,
    messages=french_messages.MESSAGES,
    gaps=_GAPS,
    earlier=_EARLIER,
    objections=french_messages.OBJECTIONS,
    steps=_STEPS,
    registry=_REGISTRY,
    letter=french_letters.LETTER,
    holder_letter=french_letters.HOLDER_LETTER,
)
