"""What letters say in French. The typographer puts in apostrophes and no-break spaces."""

from typing import Final

from service.disclosure import phrases

LETTER: Final = phrases.ReportLetter(
    registry="Filiation",
    registry_is="Registre de la provenance des numéros de téléphone",
    number="Numéro",
    reference="Référence",
    footer="Réponse {reference} au titre de l'article 15 du RGPD",
    colon=" :",
    page="Page {page} sur {pages}",
)

HOLDER_LETTER: Final = phrases.HolderLetter(
    title_objection="Opposition à l'utilisation de mon numéro de téléphone",
    title_erasure="Demande d'effacement de mon numéro de téléphone",
    title_contest="Contestation d'un accord qui m'est attribué",
    name="Nom (facultatif) : {line}",
    address="Où me répondre : {line}",
    no_address="(adresse à compléter)",
    greeting="Madame, Monsieur,",
    number="Mon numéro de téléphone est le {number}. D'après ce qui est déclaré au registre Filiation, {holder} le "
    "détient.",
    objection="Je m'oppose à ce qu'il serve à de la prospection, quelle qu'elle soit : messages, appels, ou "
    "transmission à d'autres dans ce but (article 21, paragraphes 2 et 3, du RGPD). Si vous vous fondez sur mon "
    "consentement, je le retire (article 7, paragraphe 3).",
    objection_to_purpose="Je m'oppose à ce qu'il serve à cette finalité : {purpose} (article 21 du RGPD). Si vous vous "
    "fondez pour cela sur mon consentement, je le retire (article 7, paragraphe 3).",
    erasure="Je vous demande de l'effacer de tous vos fichiers (article 17, paragraphe 1, du RGPD), et je m'oppose à "
    "ce qu'il serve encore à de la prospection (article 21, paragraphes 2 et 3). Si vous vous fondez sur mon "
    "consentement, je le retire (article 7, paragraphe 3).",
    contest="Je conteste avoir donné l'accord sous lequel il aurait été recueilli. Je vous demande de rectifier ce "
    "que vous en déclarez (article 16 du RGPD), d'en limiter l'usage d'ici là (article 18, paragraphe 1, a), et de me "
    "montrer la preuve que vous en conservez (article 7, paragraphe 1).",
    inform_contest="Je vous demande aussi d'en informer chaque organisme à qui vous l'avez transmis, et de me dire "
    "lesquels (article 19).",
    forward_objection="Je vous demande aussi de faire suivre cette opposition à chaque organisme à qui vous l'avez "
    "transmis, de me dire lesquels (article 15, paragraphe 1, c), puis de me confirmer par écrit ce que vous avez "
    "fait.",
    inform_recipients="Je vous demande aussi d'en informer chaque organisme à qui vous l'avez transmis, et de me dire "
    "lesquels (article 19), puis de me confirmer par écrit ce que vous avez fait.",
    one_month="Vous avez un mois pour me répondre, à compter de la réception de cette lettre (article 12, paragraphe "
    "3). Sans réponse dans ce délai, je pourrai saisir la CNIL.",
    enough="Ce numéro suffit à retrouver mes données. Ce que cette lettre dit de plus de moi ne doit servir qu'à me "
    "répondre.",
    recorded="Le registre Filiation a vérifié, par un code envoyé à ce numéro, que j'y reçois les messages. Ma demande "
    "y est enregistrée depuis le {moment}, heure de Paris, sous la référence {reference}.",
    closing="Je vous prie d'agréer, Madame, Monsieur, mes salutations distinguées.",
    place_and_date="Lieu et date",
    signature="Signature",
    footer="Référence {reference}",
)
