"""Pseudonyms of phone numbers, sealed text and fingerprints: the only home of the key.

Everything here comes from one master secret of 32 bytes that is kept outside the database. Whoever holds the
database alone can neither read a number nor test whether a number is there.
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
# The first half of every plain block. Its presence after decryption proves that the key is the right one.
_TAG: Final = int.from_bytes(b"E.164 \x00\x01")
_NONCE_BYTES: Final = 12
_HALVES: Final = np.dtype(">u8")


class KeyMismatchError(ValueError):
    """Something was made under another master secret, or was changed since."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Pseudonyms as the big-endian numbers in their leading and trailing 8 bytes; (hi, lo) orders them."""

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


def unpack_keys(data: bytes | memoryview) -> Keys:
    """The inverse of `pack_keys`."""
    halves = np.frombuffer(data, _HALVES).reshape(-1, 2)
    return Keys(halves[:, 0].astype(np.uint64), halves[:, 1].astype(np.uint64))


def load_master_secret(text: str) -> bytes:
    """The 32 bytes that `text` spells in hexadecimal or base64 (either alphabet, padded or not).

    Raises ValueError, which does not repeat the text, if it is neither.
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
        raise ValueError("the master secret must be 32 bytes, written as 64 hexadecimal digits or in base64")
    return secret


class KeyRing:
    """The sub-keys of one master secret (HKDF, RFC 5869), and all that is done with them."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError("the master secret must be 32 bytes")
        self._secret = secret
        # A number is exactly one block, and the cipher under one key is a permutation of blocks. What makes
        # ECB wrong for messages, that equal blocks give equal ciphertexts, is what a pseudonym is for: a
        # chained or randomised mode could not be looked up, and an HMAC cut to 16 bytes could collide.
        self._blocks = Cipher(AES(self._derive("pseudonym")), ECB())  # noqa: S305
        self._marks = Cipher(AES(self._derive("objection mark")), ECB())  # noqa: S305
        self._sealing = AESGCM(self._derive("sealed text"))
        self.key_id: Final = self._derive("key id")[:8].hex()

    def __repr__(self) -> str:
        return f"KeyRing(key_id={self.key_id!r})"

    def _derive(self, purpose: str) -> bytes:
        info = f"filiation/1/{purpose}".encode()
        return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=info).derive(self._secret)

    def pseudonyms(self, numbers: NDArray[np.int64]) -> Keys:
        """The pseudonym of each number (E.164 digits as an integer), in the same order.

        Raises ValueError if one is not positive: 0 stands for a rejected line and must never be stored.
        """
        if len(numbers) and int(numbers.min()) <= 0:
            raise ValueError("only accepted numbers have a pseudonym")
        plain = Keys(np.full(len(numbers), _TAG, np.uint64), numbers.astype(np.uint64))
        return unpack_keys(self._blocks.encryptor().update(pack_keys(plain)))

    def pseudonym(self, number: int) -> bytes:
        """The 16-byte pseudonym of one number. Raises ValueError if it is not positive."""
        return pack_keys(self.pseudonyms(np.array([number], np.int64)))

    def numbers(self, keys: Keys) -> NDArray[np.int64]:
        """The numbers behind `keys`, in the same order.

        Raises KeyMismatchError if one was made under another secret.
        """
        plain = unpack_keys(self._blocks.decryptor().update(pack_keys(keys)))
        if np.any(plain.hi != np.uint64(_TAG)):
            raise KeyMismatchError("these pseudonyms were made under another master secret")
        return plain.lo.astype(np.int64)

    def marks(self, keys: Keys) -> Keys:
        """The pseudonyms of `keys` under a second key, in the same order: all that an objection leaves of a number.

        Without the master secret nothing tells that a mark and a pseudonym belong together.
        """
        return unpack_keys(self._marks.encryptor().update(pack_keys(keys)))

    def mark(self, key: bytes) -> bytes:
        """The 16-byte mark of one pseudonym."""
        return self._marks.encryptor().update(key)

    def keys_of_marks(self, marks: Keys) -> Keys:
        """The inverse of `marks`."""
        return unpack_keys(self._marks.decryptor().update(pack_keys(marks)))

    def encrypt(self, text: bytes, context: bytes) -> bytes:
        """`text` encrypted and authenticated (AES-256-GCM, random nonce first).

        It opens only with the same `context`, which says what the text is and where it belongs, so that
        nothing sealed can be moved elsewhere.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, text, context)

    def decrypt(self, sealed: bytes, context: bytes) -> bytes:
        """What `encrypt` was given. Raises KeyMismatchError if the secret, the context or the bytes differ."""
        try:
            return self._sealing.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as problem:
            raise KeyMismatchError("encrypted under another secret, for another place, or changed") from problem

    def hasher(self, purpose: str) -> hmac.HMAC:
        """An HMAC-SHA256 (RFC 2104) to feed by `update`, under a sub-key of its own for each purpose.

        Whatever comes from numbers is hashed with a key: the number space is small enough to try whole.
        """
        return hmac.new(self._derive(f"fingerprint/{purpose}"), digestmod=sha256)

    def fingerprint(self, purpose: str, data: bytes) -> bytes:
        """The 32-byte HMAC-SHA256 of `data` for one purpose."""
        hasher = self.hasher(purpose)
        hasher.update(data)
        return hasher.digest()
