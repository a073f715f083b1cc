"""The key ring: pseudonyms, encrypted texts, fingerprints, and the master secret that they come from."""

import base64
import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.number.keyring import (
    KeyMismatchError,
    KeyRing,
    Keys,
    load_master_secret,
    pack_keys,
    unpack_keys,
)

SECRET = bytes(range(32))
RING = KeyRing(SECRET)
OTHER = KeyRing(bytes(32))

numbers = st.integers(min_value=1, max_value=2**63 - 1)


@given(st.lists(numbers))
def test_pseudonyms_of_any_numbers_can_be_reversed(expected: list[int]) -> None:
    keys = RING.pseudonyms(np.array(expected, np.int64))
    assert RING.numbers(keys).tolist() == expected


@given(st.sets(numbers))
def test_pseudonyms_of_different_numbers_differ(expected: set[int]) -> None:
    packed = pack_keys(RING.pseudonyms(np.array(list(expected), np.int64)))
    assert len({packed[at : at + 16] for at in range(0, len(packed), 16)}) == len(expected)


@given(st.lists(numbers, min_size=1))
def test_pseudonym_of_a_single_number_equals_the_one_among_many(expected: list[int]) -> None:
    assert b"".join(RING.pseudonym(number) for number in expected) == pack_keys(
        RING.pseudonyms(np.array(expected, np.int64))
    )


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_keys_sort_like_their_bytes(left: bytes, right: bytes) -> None:
    keys = unpack_keys(left + right)
    pairs = list(zip(keys.hi.tolist(), keys.lo.tolist(), strict=True))
    assert (left < right) == (pairs[0] < pairs[1])
    assert pack_keys(keys) == left + right


def test_pseudonyms_of_numbers_that_are_not_positive_are_refused() -> None:
    for number in (0, -1):
        with pytest.raises(ValueError, match="Only accepted numbers"):
            RING.pseudonyms(np.array([33639980000, number], np.int64))


@given(numbers)
def test_numbers_of_pseudonyms_of_another_secret_are_refused(number: int) -> None:
    keys = OTHER.pseudonyms(np.array([number], np.int64))
    with pytest.raises(KeyMismatchError):
        RING.numbers(keys)


def test_numbers_with_one_wrong_key_among_many_are_refused() -> None:
    keys = RING.pseudonyms(np.array([33639980000, 33639980001], np.int64))
    with pytest.raises(KeyMismatchError):
        RING.numbers(Keys(keys.hi, keys.lo ^ np.array([0, 1], np.uint64)))


@given(st.binary(max_size=500), st.binary(max_size=50))
def test_decrypt_with_another_context_or_secret_is_refused(text: bytes, context: bytes) -> None:
    encrypted = RING.encrypt(text, context)
    assert RING.decrypt(encrypted, context) == text
    with pytest.raises(KeyMismatchError):
        RING.decrypt(encrypted, context + b"elsewhere")
    with pytest.raises(KeyMismatchError):
        OTHER.decrypt(encrypted, context)


@given(st.binary(max_size=50), st.data())
def test_decrypt_text_with_a_changed_byte_is_refused(text: bytes, data: st.DataObject) -> None:
    encrypted = bytearray(RING.encrypt(text, b"here"))
    encrypted[data.draw(st.integers(0, len(encrypted) - 1))] ^= 1
    with pytest.raises(KeyMismatchError):
        RING.decrypt(bytes(encrypted), b"here")


def test_decrypt_truncated_text_is_refused() -> None:
    with pytest.raises(KeyMismatchError):
        RING.decrypt(b"short", b"here")


def test_encrypt_same_text_twice_gives_different_bytes() -> None:
    assert RING.encrypt(b"text", b"here") != RING.encrypt(b"text", b"here")


@given(st.lists(st.binary()))
def test_fingerprint_equals_the_hash_of_the_pieces(pieces: list[bytes]) -> None:
    hasher = RING.hasher("part")
    for piece in pieces:
        hasher.update(piece)
    assert hmac.compare_digest(hasher.digest(), RING.fingerprint("part", b"".join(pieces)))


def test_fingerprint_with_another_purpose_or_secret_differs() -> None:
    made = {ring.fingerprint(purpose, b"data") for ring in (RING, OTHER) for purpose in ("part", "idempotency")}
    assert len(made) == 4


def test_key_ring_results_never_change() -> None:
    """These values were recorded once. If one of them changes, every stored database becomes unreadable."""
    assert RING.key_id == "b444c62b36513c33"
    assert RING.pseudonym(33639980000).hex() == "d643d5f45d85591bbbc76b7e7f75f7fb"
    assert RING.fingerprint("part", b"data").hex() == "4d5c2516c1f65cdc28929dfe4b7c8ef5bb20367a34da745eed81ced444397310"
    assert (
        RING.decrypt(bytes.fromhex("acc29b78855cf6ddf40d04c5c0be0543f5825f2c622ce6e4105cd20bf297954c"), b"here")
        == b"text"
    )


def test_key_id_differs_by_secret_and_does_not_reveal_it() -> None:
    assert RING.key_id != OTHER.key_id
    assert repr(RING) == f"KeyRing(key_id='{RING.key_id}')"
    assert RING.key_id not in SECRET.hex()


def test_load_master_secret_in_hexadecimal_and_base64_gives_the_secret() -> None:
    in_base64 = base64.b64encode(SECRET).decode()
    texts = [SECRET.hex(), SECRET.hex().upper() + "\n", in_base64, in_base64.rstrip("=")]
    assert [load_master_secret(text) for text in texts] == [SECRET] * 4


@given(st.binary(min_size=32, max_size=32))
def test_load_master_secret_of_any_secret_gives_it_back(secret: bytes) -> None:
    assert load_master_secret(secret.hex()) == secret
    assert load_master_secret(base64.b64encode(secret).decode()) == secret
    assert load_master_secret(base64.urlsafe_b64encode(secret).decode()) == secret


def test_load_master_secret_malformed_is_refused_without_repeating_it() -> None:
    for text in ("", "00" * 31, "00" * 33, "zz" * 32, "é" * 44, "tNI_p9gczGuNIvt1B_Nrfw"):
        with pytest.raises(ValueError, match="must be 32 bytes") as caught:
            load_master_secret(text)
        assert not text or text not in str(caught.value)


def test_key_ring_with_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing(b"short")
