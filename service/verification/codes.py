"""One-time codes: drawn at random, sent in a message, and stored as an HMAC."""

import hmac
import secrets
import uuid
from datetime import timedelta
from typing import Final

from service.number.keyring import KeyRing
from service.wording.language import ByLanguage, Language

LIFETIME: Final = timedelta(minutes=5)
MAX_ATTEMPTS: Final = 5
_DIGITS: Final = 6

# One SMS of at most 160 characters from the GSM alphabet; a circumflex, which it lacks, would cut it to 70. The message
# names the service and warns of calls that ask for the code.
_MESSAGES: Final = ByLanguage(
    fr="Filiation : votre code est {code}, valable 5 minutes. Ne le donnez à personne : nous n'appelons "
    "jamais pour le demander. Pas vous ? Ignorez ce message.",
    en="Filiation: your code is {code}, good for 5 minutes. Share it with nobody: we never call to ask for "
    "it. Not you? Ignore this message.",
)


def new_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


def message(code: str, language: Language) -> str:
    """The text of the message to the person."""
    return _MESSAGES.of(language).format(code=code)


def mac_of(ring: KeyRing, verification_id: uuid.UUID, code: str) -> bytes:
    """What is stored of a code: 32 bytes for this verification only. A plain hash of six digits would hide nothing."""
    return ring.fingerprint("one-time code", verification_id.bytes + code.encode())


def is_code(ring: KeyRing, verification_id: uuid.UUID, code: str, mac: bytes) -> bool:
    """Whether this is the code. The comparison takes the same time in either case."""
    return hmac.compare_digest(mac_of(ring, verification_id, code), mac)
