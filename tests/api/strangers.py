"""Updates about payments of which we know nothing, each signed as its gateway signs, with keys that one tenant alone has."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx

from api.services import utc_clock
from domain.customer import Tenant
from gateways.ozow_wire import NOTIFICATION_ORDER, hash_values
from gateways.payfast_wire import itn_signature
from persistence import tenants
from persistence.database import Database
from tests import factories
from tests.api.paying import FORM, signed
from tests.gateways import yoco_events

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Letter:
    """An update as it is posted, and the gateway's own reference of the money in it."""

    gateway: str
    body: bytes
    reference: str
    headers: dict[str, str] = field(default_factory=dict)

    async def post(self, client: httpx.AsyncClient) -> httpx.Response:
        return await client.post(f"/webhooks/{self.gateway}", content=self.body, headers=self.headers)


def new_key(gateway: str) -> str:
    """A key that nobody has."""
    if gateway == "yoco":
        return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
    return secrets.token_hex(12)


@dataclass(frozen=True)
class Merchant:
    """A tenant with an account at a gateway whose key no other tenant has."""

    tenant: Tenant
    gateway: str
    key: str

    @classmethod
    def at(cls, database: Database, gateway: str) -> "Merchant":
        tenant = factories.make_tenant(database, currency="USD" if gateway == "paynow" else "ZAR")
        merchant = cls(tenant, gateway, new_key(gateway))
        with database.system() as system:
            tenants.put_account(system, factories.BOX, tenant.id, gateway, tenant.currency, merchant.credentials, factories.NOW)
        return merchant

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "paynow": {"integration_id": "77", "integration_key": self.key},
            "yoco": {"secret_key": "sk_live_1", "webhook_secret": self.key},
            "payfast": {"merchant_id": "10000100", "merchant_key": "46f0cd694581a", "passphrase": self.key},
            "ozow": {"site_code": "TST-TST-001", "private_key": self.key, "api_key": "an api key"},
        }[self.gateway]

    def writes(self, about: str, *, status: str | None = None, key: str | None = None) -> Letter:
        """An update about 25.00 that is paid, unless `status` (in the gateway's word) says another thing."""
        return _WRITERS[self.gateway](about, status, key or self.key)


def _paynow(about: str, status: str | None, key: str) -> Letter:
    return Letter("paynow", signed(about, status=status or "Paid", number=about[-20:], key=key), about[-20:], FORM)


def _yoco(about: str, status: str | None, key: str) -> Letter:
    payload = {"id": f"p_{about}", "amount": 2500, "metadata": {"checkoutId": f"ch_{about}"}}
    event = yoco_events.changed(yoco_events.PAYMENT, payload, id=f"evt_{about}", type=status or "payment.succeeded")
    return yoco_letter(event, key)


def yoco_letter(event: dict[str, object], key: str) -> Letter:
    body, at = yoco_events.body_of(event), utc_clock()
    headers = {
        **JSON,
        "Webhook-Id": str(event["id"]),
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": yoco_events.signature(body, key, at, str(event["id"])),
    }
    payload = event["payload"]
    assert isinstance(payload, dict)
    return Letter("yoco", body, payload["id"], headers)


def _payfast(about: str, status: str | None, key: str) -> Letter:
    pairs = [
        ("m_payment_id", about),
        ("pf_payment_id", about[-12:]),
        ("payment_status", status or "COMPLETE"),
        ("amount_gross", "25.00"),
        ("amount_fee", "-1.54"),
        ("merchant_id", "10000100"),
    ]
    body = urlencode([*pairs, ("signature", itn_signature(pairs, key))]).encode()
    return Letter("payfast", body, about[-12:], FORM)


def _ozow(about: str, status: str | None, key: str) -> Letter:
    told = {
        "SiteCode": "TST-TST-001",
        "TransactionId": f"tx-{about[-20:]}",
        "TransactionReference": about,
        "Amount": "25.00",
        "Status": status or "Complete",
        "CurrencyCode": "ZAR",
        "IsTest": "false",
    }
    hashed = hash_values((told.get(name, "") for name in NOTIFICATION_ORDER), key)
    return Letter("ozow", urlencode({**told, "Hash": hashed}).encode(), told["TransactionId"], FORM)


_WRITERS: dict[str, Callable[[str, str | None, str], Letter]] = {
    "paynow": _paynow,
    "yoco": _yoco,
    "payfast": _payfast,
    "ozow": _ozow,
}
