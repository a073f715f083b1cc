"""To whom codes are sent: mobile telephones of France and its overseas territories.

Whoever sends messages to any number pays for other people's fraud: "SMS pumping" has codes sent to ranges of numbers
abroad, whose operator shares the price with the fraudster. People who are texted by French parties are here.
"""

from collections.abc import Collection
from typing import Final

# Leading digits of E.164. Those of countries 33, 262, 590, 594 and 596 are of ARCEP's numbering plan (décision
# n° 2018-0881, annexe 1), the others of their own territories'. 70 behind 33 is left out, for machines have those
# numbers; and so are ranges of small islands that hold landlines too.
MOBILE_PREFIXES: Final = (
    *("336", *(f"337{digit}" for digit in range(3, 10))),  # metropolitan France
    *("262692", "262693", "2627092"),  # La Réunion
    *("262639", "2627093"),  # Mayotte
    *("590690", "590691", "5907090"),  # Guadeloupe, Saint-Barthélemy, Saint-Martin
    *("596696", "596697", "5967091"),  # Martinique
    *("594694", "5947093"),  # Guyane
    *("50855", "508708"),  # Saint-Pierre-et-Miquelon
    *("6875", "6877", *(f"6878{digit}" for digit in range(8)), "68789", "6879"),  # Nouvelle-Calédonie
    *("68987", "68988", "68989"),  # Polynésie française
    *("68182", "68183"),  # Wallis-et-Futuna
)


def allowed(number: int, prefixes: Collection[str]) -> bool:
    """Whether a number (E.164 digits) begins with one of these."""
    return str(number).startswith(tuple(prefixes))


def block_of(number: int) -> str:
    """The leading digits that 10,000 numbers share, all but the last four: such a block has one operator."""
    return str(number)[:-4]
