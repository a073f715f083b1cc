"""What a report says in French of files that their holders no longer have, or never had."""

from typing import Final

from service.disclosure import phrases

STANDINGS: Final = phrases.Standings(
    ended="{holder} dit ne plus avoir le fichier contenant votre numéro depuis le {day} ({why}).",
    adds="{holder} précise : {quoted}",
    withdrawn="Un fichier de {holder} contenant votre numéro avait été déclaré par erreur : {who} l'a retiré le {day}, "
    "pour ce motif : {quoted}",
    only_withdrawn="{holder} n'aurait votre numéro que par un fichier qui a été retiré.",
    erased="Le {day}, votre numéro a été effacé de ce qui est conservé ici d'un fichier que {holder} n'a plus, ou "
    "avait déclaré par erreur.",
    note_ended="dit ne plus l'avoir depuis le {day}",
    note_withdrawn="a retiré le {day} ce qui avait été déclaré par erreur",
    contact="Dit ne plus avoir votre numéro.",
)
