"""Builders of payment links for tests, beside `factories.py`."""

from datetime import datetime

from sqlalchemy import select

from domain.customer import Customer, Tenant
from domain.invoice import Invoice
from domain.money import Money
from domain.payment import PaymentMethod
from domain.payment_link import LinkType, PaymentLink, expiry
from persistence import audit, invoices, link_details, links, payments
from persistence.database import Database
from persistence.models import AuditRow
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW


def make_link(
    database: Database,
    tenant: Tenant,
    link_type: LinkType = LinkType.DEPOSIT,
    *,
    customer: Customer | None = None,
    invoice: Invoice | None = None,
    amount: Money | None = None,
    description: str = "",
    days: int | None = None,
    now: datetime = NOW,
) -> PaymentLink:
    """A link made by Rudo; over 25.00 in the tenant's currency where its type names an amount, unless told otherwise."""
    customer_id = invoice.customer_id if invoice else (customer or factories.make_customer(database, tenant)).id
    asked = (amount or Money.parse("25", tenant.currency)) if link_type.names_its_amount else None
    with database.tenant(tenant.id) as session:
        return links.create(
            session,
            link_type=link_type,
            customer_id=customer_id,
            invoice_id=invoice.id if invoice else None,
            amount=asked,
            currency=asked.currency if asked else invoice.total.currency if invoice else tenant.currency,
            description=description,
            expires_at=expiry(now, days),
            actor="Rudo",
            now=now,
        )


def own_link(database: Database, tenant: Tenant, invoice: Invoice) -> PaymentLink:
    """The link that an invoice has from the start."""
    with database.tenant(tenant.id) as session:
        token = invoices.get(session, invoice.id).payment_token
        found = link_details.page(session, after=None, limit=100, invoice_id=invoice.id)
    return next(detail.link for detail in found if detail.link.code == token)


def pay_by(database: Database, tenant: Tenant, link: PaymentLink, amount: Money) -> Payment:
    """A pending payment by a link."""
    with database.tenant(tenant.id) as session:
        return payments.start(
            session,
            customer_id=link.customer_id,
            invoice_id=link.invoice_id,
            target=link.type.target,
            link_id=link.id,
            method=PaymentMethod.PAYNOW_ECOCASH,
            amount=amount,
            payer_phone="0771111111",
            actor=audit.PAYER,
            now=NOW,
        )


def link_now(database: Database, tenant: Tenant, link: PaymentLink) -> PaymentLink:
    """The link as it stands."""
    with database.tenant(tenant.id) as session:
        return links.get(session, link.id)


def audited(database: Database, tenant: Tenant, link: PaymentLink) -> list[tuple[str, str]]:
    """(action, actor) of what is on record about a link, in order."""
    with database.tenant(tenant.id) as session:
        query = select(AuditRow.action, AuditRow.actor).where(AuditRow.resource_id == link.id).order_by(AuditRow.id)
        return [(action, actor) for action, actor in session.execute(query)]
