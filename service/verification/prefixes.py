"""Which numbers receive codes: mobile telephones of France and its overseas territories.

A service that sends messages to any number pays for "SMS pumping": a fraudster has codes sent to numbers abroad, and
their operator shares the price. People who receive messages from French parties have French numbers.
"""

from collections.abc import Collection
from typing import Final

from service.number.french_plan import is_elsewhere

# Leading digits of E.164. Those of countries 33, 262, 590, 594 and 596 are from ARCEP's numbering plan (décision
# n° 2018-0881, annexe 1), the others from the plans of their territories. 3370 is left out because machines have those
# numbers, and so are ranges of small islands that also contain landlines.
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


def is_served(number: int, prefixes: Collection[str]) -> bool:
    """Whether a number (E.164 digits) begins with one of these prefixes, and its country code is that of its range.

    No telephone has a number of overseas France with +33 before it, so a code would reach nobody.
    """
    return str(number).startswith(tuple(prefixes)) and not is_elsewhere(number)


def block_of(number: int) -> str:
    """The number block of a number: all digits but the last four. Its 10,000 numbers belong to one operator."""
    return str(number)[:-4]
