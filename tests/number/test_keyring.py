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
def test_every_number_has_a_pseudonym_and_comes_back_from_it(wanted: list[int]) -> None:
    keys = RING.pseudonyms(np.array(wanted, np.int64))
    assert RING.numbers(keys).tolist() == wanted


@given(st.sets(numbers))
def test_no_two_numbers_share_a_pseudonym(wanted: set[int]) -> None:
    packed = pack_keys(RING.pseudonyms(np.array(list(wanted), np.int64)))
    assert len({packed[at : at + 16] for at in range(0, len(packed), 16)}) == len(wanted)


@given(st.lists(numbers, min_size=1))
def test_one_number_alone_has_the_pseudonym_that_it_has_among_many(wanted: list[int]) -> None:
    assert b"".join(RING.pseudonym(number) for number in wanted) == pack_keys(
        RING.pseudonyms(np.array(wanted, np.int64))
    )


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_keys_sort_as_their_bytes_do(left: bytes, right: bytes) -> None:
    keys = unpack_keys(left + right)
    pairs = list(zip(keys.hi.tolist(), keys.lo.tolist(), strict=True))
    assert (left < right) == (pairs[0] < pairs[1])
    assert pack_keys(keys) == left + right


@pytest.mark.parametrize("number", [0, -1])
def test_what_is_no_number_has_no_pseudonym(number: int) -> None:
    with pytest.raises(ValueError, match="only accepted numbers"):
        RING.pseudonyms(np.array([33639980000, number], np.int64))


@given(numbers)
def test_another_secret_is_noticed_when_a_pseudonym_is_read(number: int) -> None:
    keys = OTHER.pseudonyms(np.array([number], np.int64))
    with pytest.raises(KeyMismatchError):
        RING.numbers(keys)


def test_one_wrong_key_among_many_is_noticed() -> None:
    keys = RING.pseudonyms(np.array([33639980000, 33639980001], np.int64))
    with pytest.raises(KeyMismatchError):
        RING.numbers(Keys(keys.hi, keys.lo ^ np.array([0, 1], np.uint64)))


@given(st.binary(max_size=500), st.binary(max_size=50))
def test_sealed_text_opens_in_its_place_only(text: bytes, context: bytes) -> None:
    sealed = RING.encrypt(text, context)
    assert RING.decrypt(sealed, context) == text
    with pytest.raises(KeyMismatchError):
        RING.decrypt(sealed, context + b"elsewhere")
    with pytest.raises(KeyMismatchError):
        OTHER.decrypt(sealed, context)


@given(st.binary(max_size=50), st.data())
def test_a_changed_byte_of_sealed_text_is_noticed(text: bytes, data: st.DataObject) -> None:
    sealed = bytearray(RING.encrypt(text, b"here"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1
    with pytest.raises(KeyMismatchError):
        RING.decrypt(bytes(sealed), b"here")


def test_sealed_text_cut_short_is_noticed() -> None:
    with pytest.raises(KeyMismatchError):
        RING.decrypt(b"short", b"here")


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert RING.encrypt(b"text", b"here") != RING.encrypt(b"text", b"here")


@given(st.lists(st.binary()))
def test_a_fingerprint_is_the_same_in_one_go_or_piece_by_piece(pieces: list[bytes]) -> None:
    hasher = RING.hasher("part")
    for piece in pieces:
        hasher.update(piece)
    assert hmac.compare_digest(hasher.digest(), RING.fingerprint("part", b"".join(pieces)))


def test_fingerprints_differ_by_purpose_and_by_secret() -> None:
    made = {ring.fingerprint(purpose, b"data") for ring in (RING, OTHER) for purpose in ("part", "idempotency")}
    assert len(made) == 4


def test_what_is_stored_today_can_be_read_for_ever() -> None:
    """These values were written down once: if one changes, every stored database becomes unreadable."""
    assert RING.key_id == "b444c62b36513c33"
    assert RING.pseudonym(33639980000).hex() == "d643d5f45d85591bbbc76b7e7f75f7fb"
    assert RING.fingerprint("part", b"data").hex() == "4d5c2516c1f65cdc28929dfe4b7c8ef5bb20367a34da745eed81ced444397310"
    assert (
        RING.decrypt(bytes.fromhex("acc29b78855cf6ddf40d04c5c0be0543f5825f2c622ce6e4105cd20bf297954c"), b"here")
        == b"text"
    )


def test_the_key_id_tells_secrets_apart_and_shows_neither() -> None:
    assert RING.key_id != OTHER.key_id
    assert repr(RING) == f"KeyRing(key_id='{RING.key_id}')"
    assert RING.key_id not in SECRET.hex()


@pytest.mark.parametrize(
    "text",
    [
        SECRET.hex(),
        SECRET.hex().upper() + "\n",
        base64.b64encode(SECRET).decode(),
        base64.b64encode(SECRET).decode().rstrip("="),
    ],
)
def test_a_master_secret_is_read_in_hexadecimal_and_base64(text: str) -> None:
    assert load_master_secret(text) == SECRET


@given(st.binary(min_size=32, max_size=32))
def test_every_secret_is_read_in_every_spelling(secret: bytes) -> None:
    assert load_master_secret(secret.hex()) == secret
    assert load_master_secret(base64.b64encode(secret).decode()) == secret
    assert load_master_secret(base64.urlsafe_b64encode(secret).decode()) == secret


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "é" * 44, "tNI_p9gczGuNIvt1B_Nrfw"])
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="must be 32 bytes") as caught:
        load_master_secret(text)
    assert not text or text not in str(caught.value)


def test_a_ring_is_made_of_32_bytes_only() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing(b"short")
