"""One-time codes: drawn, written into a message, kept as an HMAC."""

import hmac
import secrets
import uuid
from datetime import timedelta
from typing import Final

from service.number.keyring import KeyRing
from service.wording.language import ByLanguage, Language

LIFETIME: Final = timedelta(minutes=5)
TRIES: Final = 5
_DIGITS: Final = 6

# One message of 160 characters, all of the alphabet of GSM: a circumflex would cut it to 70. It names the service, and
# says what to answer to somebody who rings up and asks for the code.
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
    """What the person gets to read."""
    return _MESSAGES.of(language).format(code=code)


def mac_of(ring: KeyRing, verification_id: uuid.UUID, code: str) -> bytes:
    """What is kept of a code: 32 bytes, of this verification alone. A bare hash of six digits would hide nothing."""
    return ring.fingerprint("one-time code", verification_id.bytes + code.encode())


def is_code(ring: KeyRing, verification_id: uuid.UUID, code: str, mac: bytes) -> bool:
    """Whether this is the code, found in the same time whether it is or not."""
    return hmac.compare_digest(mac_of(ring, verification_id, code), mac)
