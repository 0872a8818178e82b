"""A tenant with at least one row in every table that belongs to tenants, and every optional reference filled in."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from domain.calendar import Period
from domain.customer import Customer, Tenant
from domain.invoice import Invoice, InvoiceDraft
from domain.letters import Letter
from domain.standing import HoldReason
from domain.subscription import Plan, Subscription
from persistence import billing_runs, holds, issuing, messages, reviews, tenants, webhooks
from persistence.database import Database
from persistence.messages import Claim
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW, usd


@dataclass(frozen=True)
class Furnished:
    """The tenant and the things that tests name: `paid` was settled by `payment`, `unpaid` and `pending` are open."""

    tenant: Tenant
    customer: Customer
    paid: Invoice
    unpaid: Invoice
    payment: Payment
    pending: Payment


def furnish(database: Database, tenant: Tenant) -> Furnished:
    plan = factories.make_plan(database, tenant)
    _bystander(database, tenant, plan)
    customer = factories.make_customer(database, tenant)
    subscription = factories.make_subscription(database, tenant, customer, plan)
    paid = factories.issue_invoice(database, tenant, customer, amount=usd("40"))
    unpaid = _invoice_with_both_kinds_of_lines(database, tenant, customer, subscription)
    payment = factories.start_payment(database, tenant, paid)
    pending = factories.start_payment(database, tenant, unpaid)
    factories.make_attempt(database, tenant, payment)
    factories.settle_payment(database, tenant, payment)
    with database.tenant(tenant.id) as session:
        _chase(session, customer, unpaid, pending)
    with database.system() as system:
        tenants.add_token(system, tenant.id, "Rudo", "billing", f"staff-{tenant.id}", NOW)
        webhooks.store(
            system,
            gateway="paynow",
            event_key=f"paid-{payment.id}",
            body=b"status=Paid",
            verified=True,
            tenant_id=tenant.id,
            payment_id=payment.id,
            now=NOW,
        )
    return Furnished(tenant, customer, paid, unpaid, payment, pending)


def _bystander(database: Database, tenant: Tenant, plan: Plan) -> None:
    """One of each thing that references lead to, used by nothing else: only the reference itself can be at fault."""
    customer = factories.make_customer(database, tenant)
    factories.make_subscription(database, tenant, customer, plan)
    factories.make_charge(database, tenant, customer)
    invoice = factories.issue_invoice(database, tenant, customer)
    factories.start_payment(database, tenant, invoice)


def _invoice_with_both_kinds_of_lines(
    database: Database, tenant: Tenant, customer: Customer, subscription: Subscription
) -> Invoice:
    once = factories.charge_draft(factories.make_charge(database, tenant, customer))
    recurring = replace(once.lines[0], charge_id=None, subscription_id=subscription.id, period_start=factories.PERIOD.first_day)
    run = factories.make_run(database, tenant, Period(2027, 6))
    with database.tenant(tenant.id) as session:
        draft = InvoiceDraft(customer.id, once.currency, (*once.lines, recurring))
        return issuing.issue(session, draft, factories.issue_terms(tenant, run))


def _chase(session: Session, customer: Customer, invoice: Invoice, payment: Payment) -> None:
    holds.decide_step(session, invoice.id, "0-remind", taken=True, now=NOW)
    holds.place(session, customer.id, HoldReason.MANUAL, NOW)
    letter = Claim(Letter.PAYMENT_FAILED, "Payment", payment.id, "failed", customer.id, invoice.id, payment.id)
    messages.claim(session, letter, NOW)
    reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", "Look it up at the gateway.", NOW)
    run = billing_runs.page(session, after=None, limit=1)[0]
    billing_runs.park(session, run.id, customer.id, "The customer has no e-mail address.", NOW)
