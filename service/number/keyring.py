"""The key ring: pseudonyms of phone numbers, encrypted texts and fingerprints. Only this module uses the keys.

All keys are derived from one master secret of 32 bytes, which is kept outside the database. With the database alone,
nobody can read a number or test whether a number is in it.
"""

import base64
import binascii
import hmac
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

SECRET_BYTES: Final = 32
KEY_BYTES: Final = 16
# The first half of every plain block. After decryption it proves that the key is right.
_TAG: Final = int.from_bytes(b"E.164 \x00\x01")
_NONCE_BYTES: Final = 12
ENCRYPTION_BYTES: Final = _NONCE_BYTES + 16
"""By how much an encrypted text is longer than the text: its nonce and its tag."""
_HALVES: Final = np.dtype(">u8")


class KeyMismatchError(ValueError):
    """Something was made with another master secret, or was changed since."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Pseudonyms as the big-endian integers of their leading and trailing 8 bytes, ordered by (hi, lo)."""

    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.hi)

    def __getitem__(self, index: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "Keys":
        return Keys(self.hi[index], self.lo[index])


def pack_keys(keys: Keys) -> bytes:
    """`keys` as 16 bytes each, in their order."""
    halves = np.empty((len(keys), 2), _HALVES)
    halves[:, 0] = keys.hi
    halves[:, 1] = keys.lo
    return halves.tobytes()


def split_keys(keys: Keys) -> list[bytes]:
    """`keys` as 16 bytes each, singly, in their order."""
    packed = pack_keys(keys)
    return [packed[at : at + KEY_BYTES] for at in range(0, len(packed), KEY_BYTES)]


def unpack_keys(data: bytes | memoryview) -> Keys:
    """The inverse of `pack_keys`."""
    halves = np.frombuffer(data, _HALVES).reshape(-1, 2)
    return Keys(halves[:, 0].astype(np.uint64), halves[:, 1].astype(np.uint64))


def load_master_secret(text: str) -> bytes:
    """The 32 bytes written in `text` as hexadecimal or base64 (either alphabet, padded or not).

    Raises ValueError, without repeating the text, if it is neither.
    """
    text = text.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    standard = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        secret = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise ValueError("The master secret must be 32 bytes, written as 64 hexadecimal digits or in base64.")
    return secret


class KeyRing:
    """The keys derived from one master secret (HKDF, RFC 5869), and all operations with them."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError("The master secret must be 32 bytes.")
        self._secret = secret
        # A number is exactly one block, and a cipher with one key is a permutation of blocks. In ECB mode equal blocks
        # give equal ciphertexts. That makes it wrong for messages, but it is the purpose of a pseudonym: with a chained
        # or randomised mode it could not be looked up, and an HMAC cut to 16 bytes could collide.
        self._blocks = Cipher(AES(self._derive("pseudonym")), ECB())  # noqa: S305
        self._marks = Cipher(AES(self._derive("objection mark")), ECB())  # noqa: S305
        # In ECB mode too, because who calls it counts: this is the block function of counter mode.
        self._counters = Cipher(AES(self._derive("consent times")), ECB())  # noqa: S305
        # The purpose keeps its first name, because a stored text can be decrypted only under the key derived from it.
        self._texts = AESGCM(self._derive("sealed text"))
        self.key_id: Final = self._derive("key id")[:8].hex()

    def __repr__(self) -> str:
        return f"KeyRing(key_id={self.key_id!r})"

    def _derive(self, purpose: str) -> bytes:
        info = f"filiation/1/{purpose}".encode()
        return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=info).derive(self._secret)

    def pseudonyms(self, numbers: NDArray[np.int64]) -> Keys:
        """The pseudonym of each number (E.164 digits as an integer), in the same order.

        Raises ValueError for a number that is not positive: 0 stands for a rejected line and must never be stored.
        """
        if len(numbers) and int(numbers.min()) <= 0:
            raise ValueError("Only accepted numbers have a pseudonym.")
        plain = Keys(np.full(len(numbers), _TAG, np.uint64), numbers.astype(np.uint64))
        return unpack_keys(self._blocks.encryptor().update(pack_keys(plain)))

    def pseudonym(self, number: int) -> bytes:
        """The 16-byte pseudonym of a number. Raises ValueError if it is not positive."""
        return pack_keys(self.pseudonyms(np.array([number], np.int64)))

    def numbers(self, keys: Keys) -> NDArray[np.int64]:
        """The numbers behind `keys`, in the same order.

        Raises KeyMismatchError if a key was made with another secret.
        """
        plain = unpack_keys(self._blocks.decryptor().update(pack_keys(keys)))
        if np.any(plain.hi != np.uint64(_TAG)):
            raise KeyMismatchError("These pseudonyms were made with another master secret.")
        return plain.lo.astype(np.int64)

    def marks(self, keys: Keys) -> Keys:
        """The pseudonyms of `keys` under a second key, in the same order: all that an objection keeps of a number.

        Without the master secret, nobody can recognise that a mark and a pseudonym belong together.
        """
        return unpack_keys(self._marks.encryptor().update(pack_keys(keys)))

    def mark(self, key: bytes) -> bytes:
        """The 16-byte mark of a pseudonym."""
        return self._marks.encryptor().update(key)

    def keys_of_marks(self, marks: Keys) -> Keys:
        """The inverse of `marks`."""
        return unpack_keys(self._marks.decryptor().update(pack_keys(marks)))

    def keystream(self, counters: bytes) -> bytes:
        """The bytes that mask consent times, 16 for each counter of 16 bytes (counter mode, NIST SP 800-38A, 6.5).

        No counter may mask two texts.
        """
        return self._counters.encryptor().update(counters)

    def encrypt(self, text: bytes, context: bytes) -> bytes:
        """`text` encrypted and authenticated (AES-256-GCM, preceded by a random nonce).

        It can be decrypted only with the same `context`, which states what the text is and where it belongs. So an
        encrypted text cannot be moved elsewhere.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._texts.encrypt(nonce, text, context)

    def decrypt(self, encrypted: bytes, context: bytes) -> bytes:
        """The text given to `encrypt`. Raises KeyMismatchError if the secret, the context or the bytes differ."""
        try:
            return self._texts.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as problem:
            raise KeyMismatchError("Encrypted with another secret, for another place, or changed.") from problem

    def hasher(self, purpose: str) -> hmac.HMAC:
        """An HMAC-SHA256 (RFC 2104) to be fed by `update`, with a separate key for each purpose.

        Everything derived from numbers is hashed with a key, because all possible numbers could be tried.
        """
        return hmac.new(self._derive(f"fingerprint/{purpose}"), digestmod=sha256)

    def fingerprint(self, purpose: str, data: bytes) -> bytes:
        """The 32-byte HMAC-SHA256 of `data` for a purpose."""
        hasher = self.hasher(purpose)
        hasher.update(data)
        return hasher.digest()
