"""A payer with a link, and Paynow's updates on their way to the API's door."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote

import httpx

from domain.customer import Customer, Tenant
from domain.invoice import Invoice
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from domain.payment_link import LIVES_FOR, LinkType
from gateways.paynow_wire import encode_pairs, sign_pairs
from persistence import attempts, audit, link_details, links, payments, tenants
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.payments import Payment
from tests import factories
from tests.api.serving import payment_token
from tests.api.waiting import eventually
from tests.gateways.serving import Posted
from tests.workflows.engine import Engine, wall_clock

ECOCASH = "PAYNOW_ECOCASH"
# A phone that waits for its payer, and Paynow's test numbers.
PATIENT, PAYS, REFUSES, HAS_NOTHING = "0771234567", "0771111111", "0773333333", "0774444444"

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
KEY = factories.PAYNOW_CREDENTIALS["integration_key"]


@dataclass(frozen=True)
class Handed:
    """A payment link in the hands of a payer."""

    database: Database
    tenant: Tenant
    token: str

    @property
    def link(self) -> str:
        return f"/pay/{self.token}"

    async def page(self, client: httpx.AsyncClient, query: str = "", *, status: int = 200) -> str:
        """The page as a browser gets it."""
        answer = await client.get(f"{self.link}{query}")
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text

    async def status(self, client: httpx.AsyncClient) -> dict[str, Any]:
        answer = await client.get(f"{self.link}/status")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def look(self, client: httpx.AsyncClient) -> dict[str, Any]:
        """As the page does for whoever comes back from a gateway's."""
        answer = await client.post(f"{self.link}/look")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def check_out(
        self, client: httpx.AsyncClient, phone: str | None = PATIENT, *, key: str | None = None, method: str = ECOCASH
    ) -> httpx.Response:
        body = {"method": method} | ({"phone": phone} if phone is not None else {})
        return await client.post(f"{self.link}/checkout", json=body, headers={"Idempotency-Key": key} if key else None)

    async def opened(self, client: httpx.AsyncClient, phone: str | None = PATIENT, *, method: str = ECOCASH) -> str:
        """The id of a payment that was started."""
        answer = await self.check_out(client, phone, method=method)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["payment_id"])

    def attempt(self, payment_id: str) -> Attempt:
        with self.database.tenant(self.tenant.id) as session:
            found = attempts.last(session, payment_id)
        assert found is not None
        return found

    def payment(self, payment_id: str) -> Payment:
        with self.database.tenant(self.tenant.id) as session:
            return payments.get(session, payment_id)

    async def becomes(self, client: httpx.AsyncClient, payment_id: str, status: str) -> dict[str, Any]:
        """The payment as its payer sees it, once it has this status."""

        async def look() -> dict[str, Any] | None:
            shown = {payment["id"]: payment for payment in (await self.status(client))["payments"]}
            found: dict[str, Any] = shown[payment_id]
            return found if found["status"] == status else None

        return await eventually(look, f"payment {payment_id} {status}")


@dataclass(frozen=True)
class Bill(Handed):
    """An issued invoice with its own payment link."""

    invoice: Invoice


def bill(
    database: Database,
    *,
    tenant: Tenant | None = None,
    customer: Customer | None = None,
    amount: Money | None = None,
    takes: str | None = None,
    issued_at: datetime = factories.NOW,
) -> Bill:
    """An open invoice of a business that takes its currency (or `takes`) by Paynow."""
    tenant = tenant or factories.make_tenant(database)
    factories.make_account(database, tenant, currency=takes or tenant.currency)
    invoice = factories.issue_invoice(database, tenant, customer, amount=amount, issued_at=issued_at)
    return Bill(database, tenant, payment_token(database, tenant, invoice.id), invoice)


def hand_out(
    database: Database,
    tenant: Tenant,
    customer_id: str,
    link_type: LinkType,
    *,
    invoice: Invoice | None = None,
    amount: Money | None = None,
    description: str = "",
    made_at: datetime | None = None,
) -> Handed:
    """A link that staff made now, or then; it lives for seven days."""
    made_at = made_at or wall_clock()
    with database.tenant(tenant.id) as session:
        link = links.create(
            session,
            link_type=link_type,
            customer_id=customer_id,
            invoice_id=invoice.id if invoice else None,
            amount=amount,
            currency=tenant.currency,
            description=description,
            expires_at=made_at + LIVES_FOR,
            actor="Rudo",
            now=made_at,
        )
    return Handed(database, tenant, link.code)


def begun(
    on: Handed, method: PaymentMethod = PaymentMethod.PAYNOW_ECOCASH, *, outcome: Outcome = Outcome.PENDING, **told: object
) -> str:
    """A pending payment by a link, whose payer was told this by the gateway; without a workflow behind it."""
    with on.database.tenant(on.tenant.id) as session:
        found = links.tenant_of_code(session, on.token)
        assert found is not None
        detail = link_details.get(session, found[1])
        payment = payments.start(
            session,
            customer_id=detail.link.customer_id,
            invoice_id=detail.link.invoice_id,
            link_id=detail.link.id,
            target=detail.link.type.target,
            method=method,
            amount=detail.asked,
            payer_phone=PATIENT if method.is_mobile_money else None,
            actor=audit.PAYER,
            now=wall_clock(),
        )
        account = tenants.account_for(session, factories.BOX, str(method.gateway), payment.amount.currency)
        assert account is not None
        attempt = attempts.add(
            session, payment, account_id=account.id, gateway=account.gateway, number=1, now=payment.initiated_at
        )
        attempts.record_checkout(
            session,
            attempt.id,
            outcome=outcome,
            checkout=dict(told),
            poll_url=None,
            gateway_reference=None,
            gateway_status=None,
            raw="",
            now=payment.initiated_at,
        )
    return payment.id


def signed(reference: str, *, status: str = "Paid", number: str = "15650999", key: str = KEY) -> bytes:
    """An update as Paynow would post it."""
    pairs = [("reference", reference), ("paynowreference", number), ("amount", "25.00"), ("status", status)]
    return encode_pairs(sign_pairs([*pairs, ("pollurl", "https://www.paynow.co.zw/poll")], key))


async def deliver(client: httpx.AsyncClient, body: bytes, gateway: str = "paynow") -> httpx.Response:
    return await client.post(f"/webhooks/{gateway}", content=body, headers=FORM)


def decide(engine: Engine, reference: str, status: str) -> None:
    """Bring a payment at Paynow into `status`; its update is posted to `engine.merchant`."""
    engine.paynow.post(f"/transactions/{quote(reference)}/status", json={"status": status}).raise_for_status()


async def update(engine: Engine, reference: str, status: str) -> Posted:
    """The update that says that `reference` is in `status`, as it came from Paynow."""

    async def look() -> Posted | None:
        for posted in list(engine.merchant.posted):
            fields = parse_qs(posted.body.decode())
            if (fields.get("reference"), fields.get("status")) == ([reference], [status]):
                return posted
        return None

    return await eventually(look, f"the update that {reference} is {status}")


def take_paynow(database: Database, tenant: Tenant, integration_key: str) -> None:
    """Give `tenant` an integration whose key no other tenant has."""
    credentials = {"integration_id": "77", "integration_key": integration_key}
    with database.system() as system:
        tenants.put_account(system, factories.BOX, tenant.id, "paynow", tenant.currency, credentials, factories.NOW)
