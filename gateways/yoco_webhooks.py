"""Where Yoco posts its events to: register an address, list what is registered, delete one.

Yoco shows the secret of a registration once, in the answer to it. Test and live keys have registrations of their own, five at
most in all.
"""

import json
from dataclasses import dataclass, field
from urllib.parse import quote

from domain.errors import InvalidInputError
from gateways.base import GatewayAccount, GatewayError, GatewayOutcomeUnknownError
from gateways.transport import Answer, Transport
from gateways.yoco import KEY_REFUSED, authorization
from gateways.yoco_wire import GATEWAY, is_page, read_document, word, words_of

WEBHOOKS_PATH = "/webhooks"
SUCCESSES = range(200, 300)
REFUSALS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new registration; `secret` (`whsec_…`) is never told again."""

    id: str
    secret: str = field(repr=False)
    mode: str


@dataclass(frozen=True, slots=True)
class Registration:
    """One that is there; `mode` is `test` or `live`."""

    id: str
    name: str
    url: str
    mode: str


def register_webhook(transport: Transport, account: GatewayAccount, url: str, name: str) -> Registered:
    """Have the account's events posted to `url` from now on.

    Raises:
        InvalidInputError: Yoco does not take the account's key, or `url` is not one it can post to.
        GatewayUnreachableError: nothing was registered.
        GatewayOutcomeUnknownError: perhaps something was: look at the list, and delete what nobody has the secret of.
        GatewayError: Yoco refused, because there are five already for instance.
    """
    if not url.startswith(("https://", "http://")):
        raise InvalidInputError("url", f"{url!r} is no web address that Yoco could post to; it begins with https://.")
    body = json.dumps({"name": name, "url": url}).encode("ascii")
    fields = read_document(_ask(transport, account, "POST", "", body).body, GatewayOutcomeUnknownError).fields
    found = (word(fields, "id"), word(fields, "secret"), word(fields, "mode"))
    if not all(found):
        raise GatewayOutcomeUnknownError(
            GATEWAY, f"The registration for account {account.id} was answered without an id, a secret or a mode."
        )
    return Registered(*(str(value) for value in found))


def list_webhooks(transport: Transport, account: GatewayAccount) -> list[Registration]:
    """What is registered under the account's key. Raises as `register_webhook`."""
    fields = read_document(_ask(transport, account, "GET", "").body, GatewayOutcomeUnknownError).fields
    listed = fields.get("subscriptions")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise GatewayOutcomeUnknownError(GATEWAY, f"The registrations of account {account.id} came without a list.")
    return [Registration(*(str(entry.get(name) or "") for name in ("id", "name", "url", "mode"))) for entry in listed]


def delete_webhook(transport: Transport, account: GatewayAccount, registration_id: str) -> None:
    """End a registration. Raises as `register_webhook`."""
    _ask(transport, account, "DELETE", f"/{quote(registration_id, safe='')}")


def _ask(transport: Transport, account: GatewayAccount, method: str, path: str, body: bytes = b"") -> Answer:
    url = f"{account.base_url.rstrip('/')}{WEBHOOKS_PATH}{path}"
    answer = transport.send(GATEWAY, method, url, body=body, headers=authorization(account))
    if answer.status in SUCCESSES:
        return answer
    if is_page(answer.body) or answer.status not in REFUSALS:
        raise GatewayOutcomeUnknownError(GATEWAY, f"The registrations of account {account.id} got HTTP {answer.status}.")
    if answer.status in KEY_REFUSED:
        raise InvalidInputError(
            "secret_key", f"Yoco does not take the secret key of account {account.id} (HTTP {answer.status})."
        )
    reason = words_of(answer.body) or "no reason given"
    raise GatewayError(GATEWAY, f"Yoco refused for account {account.id} (HTTP {answer.status}): {reason}")
