"""What a report says of where a number comes from, in French."""

from typing import Final

from service.disclosure import phrases
from service.disclosure.phrase_forms import Plural

ORIGINS: Final = phrases.Origins(
    section_title="D'où vient votre numéro",
    collected="{collector} a recueilli votre numéro {when}",
    collected_claimed="Selon {who}, {collector} a recueilli votre numéro {when}",
    collected_contested="{collector} aurait recueilli votre numéro {when} ; vous contestez l'avoir accepté",
    collected_denied="Selon {who}, {collector} a recueilli votre numéro {when}, ce que {collector} nie",
    on_day="le {day}",
    on_day_claimed="le {day}, selon {who}",
    on_unknown_day="à une date que personne n'indique",
    on_erased_day="à une date effacée depuis, avec votre numéro",
    in_words="{sentence}, avec ces mots : {quoted}",
    sentence="{sentence}.",
    attested="{collector} confirme cette collecte. Sa confirmation est enregistrée ici depuis le {day}.",
    unattested="C'est {who} qui le déclare (enregistré ici le {day}). {collector} ne l'a pas confirmé.",
    unattested_no_account="C'est {who} qui le déclare (enregistré ici le {day}). {collector} n'est pas inscrit à ce "
    "registre et n'a rien confirmé.",
    wording_source="{channel}, {address}",
    wording_reported="{place} ; mots rapportés par {who}",
    denied="C'est {who} qui le déclare (enregistré ici le {day}). {collector} le nie : c'est enregistré ici depuis le "
    "{denied_on}.",
    contested="Vous contestez cet accord depuis le {day}. {collector} n'a pas encore répondu ici.",
    contested_answered="Vous contestez cet accord depuis le {day}. {collector} a répondu le {answered_on} : voyez « "
    "Vos oppositions ».",
    denied_because="{collector} a écrit : {quoted}",
    corrected="Ce qui est enregistré ici de ce formulaire a été corrigé le {day} par {who}. Avant, on y lisait :",
    wording_earlier="Enregistré le {day} par {who}, et corrigé depuis",
    screenshot_withdrawn="Capture d'écran retirée depuis par l'organisme qui l'avait fournie",
    withdrawn="{who} a retiré une capture d'écran le {day} : elle ne montrerait pas le formulaire tel qu'il était. "
    "Motif : {quoted}",
    screenshot="Capture d'écran du formulaire où figurent ces mots",
    label_consented="Date de votre accord",
    consented_claimed="{day}, selon {who}",
    consented_unknown="inconnue : personne ne dit quand vous auriez donné votre accord",
    consented_erased="effacée le {day}, avec votre numéro",
    label_period="Période de collecte",
    period="du {began} au {ended}",
    period_open="depuis le {began}",
    label_mechanism="Comment l'accord était demandé",
    label_purposes="Pour quoi",
    label_listed="Destinataires annoncés ce jour-là",
    listed="{names} (liste du {day})",
    listed_claimed="{names} (liste du {day}, selon {who})",
    listed_nobody="personne (liste du {day})",
    category="{quoted}, sans autre nom",
    list_unknown="on ne peut pas le savoir, puisque la date de l'accord est inconnue",
    list_none="aucune liste n'est enregistrée ici pour ce jour-là",
    label_proof="Preuve de l'accord",
    proof_reference="référence {record} chez le collecteur",
    proof_none="aucune preuve n'est conservée ici, ni de référence à une preuve",
    proof_erased="aucune preuve n'est plus conservée ici ; une référence a pu être effacée avec votre numéro",
    label_screenshot="Capture d'écran du formulaire",
    screenshot_kept="conservée ici",
    screenshot_none="aucune",
    screenshot_kept_withdrawn="conservée ici, mais retirée par l'organisme qui l'avait fournie",
    unnamed=Plural(
        one="N'y figurait pas sous son nom, et a reçu votre numéro, ou l'aurait reçu : {names}.",
        many="N'y figuraient pas sous leur nom, et ont reçu votre numéro, ou l'auraient reçu : {names}.",
    ),
)
