"""The key that makes each letter unique, and the Message-ID that follows from it: one message per step (design, rule 10)."""

import re
from hashlib import sha256

from domain.errors import InvalidInputError
from domain.letters import Letter

_KEY_PART = re.compile(r"[A-Za-z0-9_.:-]+")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def message_key(entity_id: str, letter: Letter, step: str) -> str:
    """The key of one letter, the same for ever: `inv_…/overdue_notice/1-overdue_notice`.

    `step` names the occasion within the entity (a dunning step's key, `issued`, `settled`): one message per step.

    Raises:
        InvalidInputError: a part has a character that would let two different letters share a key.
    """
    for field, part in (("entity_id", entity_id), ("step", step)):
        if not _KEY_PART.fullmatch(part):
            raise InvalidInputError(field, f"{part!r} may hold letters, digits and `_ . : -` only.")
    return f"{entity_id}/{letter.value}/{step}"


def message_id(key: str, domain: str) -> str:
    """The Message-ID (RFC 5322) that follows from `key`, for ever: mail programs show a second delivery only once.

    `domain` is the sender's, which a tenant keeps. 128 bits of the key's hash keep ids apart and tell no customer anything.

    Raises:
        InvalidInputError: `key` is not from `message_key`, or `domain` is not a host name.
    """
    parts = key.split("/")
    if len(parts) != 3 or parts[1] not in set(Letter):  # noqa: PLR2004 - entity, letter, step
        raise InvalidInputError("key", f"{key!r} is not a key such as inv_…/overdue_notice/step-3.")
    return f"<{sha256(key.encode()).hexdigest()[:32]}.{parts[1]}@{_host_name(domain)}>"


def _host_name(domain: str) -> str:
    try:
        name = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not _HOST_NAME.fullmatch(name):
        raise InvalidInputError("domain", f"{domain!r} is not a host name such as billing.example.com.")
    return name
