"""What every site says in French."""

from typing import Final

from service.web.phrases import Frame, Phrases, Problems, ProblemText
from service.wording.language import Language
from service.wording.typography import typeset_all

PHRASES: Final = typeset_all(
    Language.FR,
    Phrases(
        frame=Frame(
            site="Filiation",
            skip="Aller au contenu",
            menu="Menu principal",
            foot_menu="Pied de page",
            switch="English",
            error_prefix="Erreur : {title}",
        ),
        problems=Problems(
            by_slug={
                "form_expired": ProblemText(
                    "Ce formulaire n'est plus valable",
                    "Il a été ouvert il y a longtemps, ou lors d'une autre visite. Rien n'a été enregistré : "
                    "reprenez depuis la page d'accueil.",
                ),
                "form_cross_site": ProblemText(
                    "Ce formulaire ne vient pas d'ici",
                    "Un autre site l'a envoyé. Rien n'a été enregistré : reprenez depuis la page d'accueil.",
                ),
                "cookie_missing": ProblemText(
                    "Votre navigateur n'a pas renvoyé le cookie de cette visite",
                    "Sans lui, rien ne prouve que le formulaire vient de vous. Autorisez les cookies de ce site, et "
                    "ouvrez-le par une adresse qui commence par https.",
                ),
            },
            by_status={
                404: ProblemText(
                    "Cette page n'existe pas",
                    "L'adresse est peut-être incomplète, ou la page n'est pas la vôtre.",
                ),
                405: ProblemText("Cette page ne s'ouvre pas ainsi", "Reprenez depuis la page d'accueil."),
                413: ProblemText("Trop de texte à la fois", "Ce formulaire n'attend que quelques caractères."),
                429: ProblemText(
                    "Trop de demandes à la fois", "C'est une protection contre les abus. Patientez un peu."
                ),
                500: ProblemText(
                    "Une panne, de notre côté",
                    "Rien n'a été enregistré. Réessayez ; si cela dure, prévenez l'exploitant de ce registre.",
                ),
                503: ProblemText(
                    "Beaucoup de monde", "Trop de demandes arrivent à la fois. Réessayez dans un instant."
                ),
            },
            other=ProblemText("Cela n'a pas fonctionné", "Rien n'a été enregistré. Reprenez depuis la page d'accueil."),
            home="Page d'accueil",
            wait="Réessayez dans {wait}.",
        ),
    ),
)
