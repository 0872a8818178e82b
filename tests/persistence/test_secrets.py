"""Credentials at rest: unreadable without the key, and keys can be rotated without losing any."""

import pytest
from cryptography.fernet import Fernet

from domain.errors import InvalidInputError
from persistence.secrets import CredentialBox

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
CREDENTIALS = {"integration_id": "1201", "integration_key": "3e9fed89-60e1-4ce5-ab6e-6b1eb2d4f977"}


def test_what_was_sealed_is_unreadable_and_opens_again() -> None:
    sealed = CredentialBox([OLD]).seal(CREDENTIALS)
    assert b"1201" not in sealed
    assert b"3e9fed89" not in sealed
    assert CredentialBox([OLD]).unseal(sealed) == CREDENTIALS


def test_sealing_twice_shows_nobody_that_it_is_the_same() -> None:
    box = CredentialBox([OLD])
    assert box.seal(CREDENTIALS) != box.seal(CREDENTIALS)


def test_after_a_rotation_old_credentials_still_open_and_new_ones_use_the_new_key() -> None:
    before = CredentialBox([OLD]).seal(CREDENTIALS)
    rotated = CredentialBox([NEW, OLD])
    assert rotated.unseal(before) == CREDENTIALS
    assert CredentialBox([NEW]).unseal(rotated.seal(CREDENTIALS)) == CREDENTIALS


def test_credentials_of_a_key_that_was_dropped_name_the_way_out() -> None:
    sealed = CredentialBox([OLD]).seal(CREDENTIALS)
    with pytest.raises(InvalidInputError, match=r"DUNLIN_SECRET_KEY: .*add that key to the list"):
        CredentialBox([NEW]).unseal(sealed)


def test_credentials_that_were_tampered_with_do_not_open() -> None:
    sealed = bytearray(CredentialBox([OLD]).seal(CREDENTIALS))
    sealed[40] ^= 1
    with pytest.raises(InvalidInputError):
        CredentialBox([OLD]).unseal(bytes(sealed))


@pytest.mark.parametrize(
    ("keys", "words"), [([], "a Fernet key is needed"), (["password"], "not a Fernet key"), ([OLD, ""], "not a Fernet key")]
)
def test_a_box_without_proper_keys_is_refused_and_shows_none(keys: list[str], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as refusal:
        CredentialBox(keys)
    assert OLD not in str(refusal.value)
    assert "password" not in str(refusal.value)
