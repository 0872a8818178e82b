"""A business of its own on a running stack: made as an operator makes one, then driven by its API."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dev.blueprint import Blueprint
from dev.demo_business import Business
from dev.stack import Stack
from domain.customer_import import ImportFile
from domain.dunning_policy import DunningPolicy
from manage import make_tenant, new_token
from persistence import dunning_policies, imports, tenants
from persistence.database import Database
from persistence.secrets import CredentialBox

ACTOR = "benchmark"
_PLANS = "code,name,price,currency,interval_months,tax_percent,prorated\nPOS,Till,20.00,USD,1,0,no\n"
_CUSTOMERS = "reference,name,email,phone,plan,quantity,starts_on,ends_on\n"


class MeasuredBusiness(Business):
    """A tenant whose customers pay when they are told to.

    Args:
        stack: where it lives.
        slug, staff_token, tenant_id: of the tenant; letters to its customers go to addresses `@<slug>.example`.
    """

    # A thousand lives on a slow machine, with the worker dying in between.
    patience = 1800.0

    def __init__(self, stack: Stack, slug: str, staff_token: str, tenant_id: str) -> None:
        self.addresses = stack.describe()
        self.tenant_id = tenant_id
        super().__init__(self.addresses | {"tenants": [{"slug": slug, "staff_token": staff_token}]}, slug, ())

    async def record(self, reference: str, body: dict[str, Any]) -> dict[str, Any]:
        """Record money that came by bank transfer, in minor units of USD; the payment as it was accepted.

        Args:
            reference: the bank's, taken once.
            body: `amount`, and whose it is: `invoice_id` or `customer_id`.
        """
        money = {"method": "BANK_TRANSFER", "currency": "USD", "reference": reference}
        return _accepted(await self._api.post("/api/payments", json=money | body))

    async def check_out(self, invoice: dict[str, Any], phone: str) -> dict[str, Any]:
        """Start paying an invoice by EcoCash; the checkout."""
        code = invoice["payment_page"].rpartition("/")[2]
        body = {"method": "PAYNOW_ECOCASH", "phone": phone}
        return _accepted(await self._payer.post(f"/pay/{code}/checkout", json=body))

    async def billing_status(self, customer_id: str) -> str:
        """What staff are told of a customer now."""
        return str((await self.get(f"/api/customers/{customer_id}"))["billing_status"])

    async def load_details(self, at_once: int = 8) -> None:
        """Know every invoice with its ladder, those of one customer beside each other."""
        gate = asyncio.Semaphore(at_once)

        async def detail(invoice: dict[str, Any]) -> dict[str, Any]:
            async with gate:
                return await self.get(f"/api/invoices/{invoice['id']}")

        await self.load_invoices()
        found = await asyncio.gather(*(detail(invoice) for invoice in self.invoices))
        self.invoices = sorted(found, key=lambda invoice: (invoice["customer_id"], invoice["number"]))


def open_business(stack: Stack, slug: str, policy: DunningPolicy, first_days: Sequence[str]) -> MeasuredBusiness:
    """Make a tenant in Harare that takes dollars by Paynow.

    Args:
        policy: the dunning policy of all its invoices.
        first_days: when each customer's subscription of 20.00 a month begins (ISO 8601); one customer each.
    """
    addresses, now, token = stack.describe(), datetime.now(UTC), new_token()
    integration = next(one for one in addresses["credentials"]["paynow"]["integrations"] if one["currency"] == "USD")
    credentials = {"integration_id": integration["id"], "integration_key": integration["key"]}
    box = CredentialBox([Blueprint.of(stack.state).secrets["secret_key"]])
    rows = [f"C{number},Customer {number},c{number}@{slug}.example,,POS,1,{day}," for number, day in enumerate(first_days)]
    files = {ImportFile.PLANS: _PLANS.encode(), ImportFile.CUSTOMERS: (_CUSTOMERS + "\n".join(rows)).encode()}
    database = Database(addresses["database_url"])
    try:
        with database.system() as system:
            tenant = make_tenant(system, now, slug=slug, **_FACTS)
            tenants.add_token(system, tenant.id, ACTOR, "admin", token, now)
            tenants.put_account(system, box, tenant.id, "paynow", "USD", credentials, now)
        with database.tenant(tenant.id) as session:
            dunning_policies.put(session, policy, actor=ACTOR, now=now)
            outcome = imports.run(session, files, actor=ACTOR, now=now)
    finally:
        database.close()
    if outcome.result is None:
        raise RuntimeError(f"The customers could not be imported: {[str(problem) for problem in outcome.problems]}")
    return MeasuredBusiness(stack, slug, token, tenant.id)


_FACTS = {
    "name": "Acacia Software",
    "currency": "USD",
    "time_zone": "Africa/Harare",
    "payment_terms_days": 14,
    "prices_include_tax": False,
    "invoice_prefix": "ACA-",
    "sender_email": "billing@acacia.example",
    "contact_email": "accounts@acacia.example",
    "address_line": "Harare, Zimbabwe",
    "portal_url": "https://acacia.example/clients",
    "colour": "#1e3a5f",
    "locale": "en_ZW",
    "country": "ZW",
}


def _accepted(response: Any) -> dict[str, Any]:
    if response.is_error:
        raise RuntimeError(f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}")
    return dict(response.json())
