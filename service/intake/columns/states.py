"""What a cell beside a consent time says: that the person agreed, or refused. In English, French and a few others.

A yes or a no alone is the answer to the name of its column, which asks for an agreement (`SMS consent`) or for an
objection (`do not call`). Other words say by themselves what they mean: `UNSUBSCRIBED` is a refusal under both.
"""

import re
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from service.core.missing import is_missing
from service.core.signs import plain
from service.intake.columns.looks import FEW_CELLS


class State(IntEnum):
    """What a cell says."""

    NOTHING = 0
    AGREED = 1
    REFUSED = 2
    UNCLEAR = 3


_YES: Final = frozenset(
    {
        *("yes", "y", "true", "t", "on", "1", "x", "oui", "o", "vrai", "ja", "j", "wahr", "si", "s", "sim", "checked"),
        *("coche", "cochee", "ticked", "selected", "ok", "✓", "✔", "☑", "✅"),
    }
)
_NO: Final = frozenset(
    {
        *("no", "n", "false", "f", "off", "0", "non", "faux", "nein", "falsch", "nee", "nao", "unchecked", "unticked"),
        *("decoche", "decochee", "✗", "✘", "☐", "❌"),
    }
)
_NO_ANSWER: Final = frozenset({"na", "n/a", "n.a", "nd", "n.d", "nc", "n.c", "nr", "n.r", "s/o", "s.o"})
_DENIAL: Final = frozenset(
    {
        *("no", "non", "not", "never", "ne", "n", "pas", "jamais", "don", "without", "sans"),
        *("nicht", "nein", "kein", "keine", "niet", "geen"),
    }
)
# The beginnings of words.
_REFUSAL: Final = (
    *("refus", "oppos", "object", "unsub", "desinscri", "desabon", "blacklist", "blocklist", "optout", "optedout"),
    *("stop", "revok", "revoq", "withdr", "retir", "declin", "denied", "deny", "reject", "suppress", "disagree"),
    *("desaccord", "donot", "dnc", "bloctel", "robinson", "abgelehnt", "abgemeldet", "widerruf", "disallow", "bloqu"),
    "blocked",
)
_AGREEMENT: Final = (
    *("accept", "agree", "consent", "subscri", "abonn", "inscri", "optin", "optedin", "allow", "autoris", "authori"),
    *("grant", "given", "confirm", "approv", "approuv", "permi", "accord", "active", "actif", "doubleoptin"),
    *("einverstanden", "zugestimmt", "angemeldet", "yes", "oui", "true", "vrai"),
)
_ANSWERS: Final = frozenset({"yes", "oui", "true", "vrai", "no", "non", "false", "faux", "ja", "nein"})
# What somebody denies to want.
_CONTACT: Final = (
    *("contact", "recontact", "appel", "call", "phone", "telephon", "sms", "text", "message", "demarch", "sollicit"),
    *("solicit", "disturb", "derange", "souhait", "veu", "want", "wish", "merci", "thank", "interess", "interest"),
)
_TOLD: Final = ("renseign", "communiqu", "precis", "defin", "specifi", "set", "answer", "repon", "applicable", "ask")
_WORD: Final = re.compile(r"[a-z]+")
_OPT: Final = re.compile(r"\b(opt|opted)[ -]?(in|out)\b")
# A longer text is a sentence about something, such as the wording of a form.
_MOST_WORDS: Final = 10
_LONGEST: Final = 100
_DATE: Final = re.compile(r"[0-9]{1,4}([/.-])[0-9]{1,2}\1[0-9]{1,4}(?:[ ,t]|$)")
_OF_DATA: Final = re.compile(r"[\[{:<]")


def state_of(cell: str, *, is_objection: bool) -> State:
    """What a cell says of the consent, in a column that asks for one or, if `is_objection`, for an objection."""
    text = _plain(cell[: _LONGEST + 1])
    if is_missing(text) or text in _NO_ANSWER:
        return State.NOTHING
    answer = text.removesuffix(".0")
    if answer in _YES or answer in _NO:
        return State.REFUSED if (answer in _YES) == is_objection else State.AGREED
    if is_objection and _DATE.match(text):
        # Since when the person objects.
        return State.REFUSED
    if len(cell) > _LONGEST or _OF_DATA.search(text):
        return State.UNCLEAR
    words = _WORD.findall(_OPT.sub(r"\1\2", text.replace("_", " ")))
    if len(words) > _MOST_WORDS:
        return State.UNCLEAR
    state = _state_of_words(words)
    if is_objection and state is not State.NOTHING and words and words[0] in _ANSWERS:
        return State.REFUSED if words[0] in _YES and _DENIAL.isdisjoint(words) else State.UNCLEAR
    return state


def _state_of_words(words: Sequence[str]) -> State:
    """What words say by themselves. Where they deny a refusal, that may be emphasis: `no (refused)`."""
    refuses, agrees = (any(word.startswith(stems) for word in words) for stems in (_REFUSAL, _AGREEMENT))
    if _DENIAL.isdisjoint(words):
        return State.REFUSED if refuses else State.AGREED if agrees else State.UNCLEAR
    if not refuses and (agrees or any(word.startswith(_CONTACT) for word in words)):
        return State.REFUSED
    is_untold = not refuses and any(word.startswith(_TOLD) for word in words)
    return State.NOTHING if is_untold else State.UNCLEAR


def _plain(cell: str) -> str:
    letters = unicodedata.normalize("NFKD", plain(cell))
    return "".join(sign for sign in letters if not unicodedata.combining(sign)).casefold().strip(" \t'\"=.!")


def says_who_agreed(cells: Sequence[str], *, is_objection: bool) -> bool:
    """Whether these cells of a column say who agreed or refused. Without any, its name alone says that it does."""
    states = [state_of(cell, is_objection=is_objection) for cell in cells]
    said = [state for state in states if state is not State.NOTHING]
    unclear = said.count(State.UNCLEAR)
    return not said or State.REFUSED in said or len(said) - unclear > FEW_CELLS * len(said)
