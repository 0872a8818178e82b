"""Credentials at rest: encrypted with keys from the environment, the first of which encrypts and all of which decrypt."""

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.errors import InvalidInputError


class CredentialBox:
    """Encrypts what a gateway issued to a tenant.

    Args:
        keys: Fernet keys (32 bytes, URL-safe base64), newest first: to rotate, put a new one in front.

    Raises:
        InvalidInputError: no key, or one that is not a Fernet key.
    """

    def __init__(self, keys: list[str]) -> None:
        if not keys:
            raise InvalidInputError("DUNLIN_SECRET_KEY", "a Fernet key is needed to keep gateway credentials.")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise InvalidInputError(
                "DUNLIN_SECRET_KEY", "not a Fernet key; make one with `python -m manage secret-key`."
            ) from None

    def seal(self, credentials: Mapping[str, str]) -> bytes:
        return self._fernet.encrypt(json.dumps(dict(credentials)).encode())

    def unseal(self, sealed: bytes) -> dict[str, str]:
        """Raises: InvalidInputError: none of the keys fits."""
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise InvalidInputError(
                "DUNLIN_SECRET_KEY", "stored credentials were encrypted with another key; add that key to the list."
            ) from None
        return opened
