"""A tenant with at least one row in every table that belongs to tenants, and every optional reference filled in."""

from dataclasses import dataclass, replace
from datetime import time

from sqlalchemy.orm import Session

from activities import closing
from domain.billing_schedule import BillingTimes
from domain.calendar import Period
from domain.customer import Customer, Tenant
from domain.dunning_policy import default_policy
from domain.ids import Prefix
from domain.invoice import Invoice, InvoiceDraft
from domain.letters import Letter
from domain.moves import Move, MoveKind
from domain.payment import PaymentMethod
from domain.payment_link import LinkType, PaymentLink, expiry
from domain.standing import HoldReason
from domain.subscription import Plan, Subscription
from persistence import (
    audit,
    billing_runs,
    billing_schedules,
    chasing,
    dunning_policies,
    holds,
    invoices,
    issuing,
    letter_invoices,
    links,
    messages,
    moves,
    outages,
    payments,
    reviews,
    tenants,
    webhooks,
)
from persistence.billing_schedules import ScheduleTerms, StoredSchedule
from persistence.columns import new_id
from persistence.database import Database
from persistence.messages import Claim
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW, usd


@dataclass(frozen=True)
class Furnished:
    """The tenant and the things that tests name.

    `paid` was settled by `payment`; `unpaid` is open, and `pending` was begun by `link`, which asks for a part of it. `void`
    was taken back and `lost` written off, both of another customer.
    """

    tenant: Tenant
    customer: Customer
    paid: Invoice
    unpaid: Invoice
    payment: Payment
    pending: Payment
    link: PaymentLink
    schedule: StoredSchedule
    void: Invoice
    lost: Invoice


def furnish(database: Database, tenant: Tenant) -> Furnished:
    plan = factories.make_plan(database, tenant)
    _bystander(database, tenant, plan)
    void, lost = _invoices_to_close(database, tenant)
    customer = factories.make_customer(database, tenant)
    subscription = factories.make_subscription(database, tenant, customer, plan)
    paid = factories.issue_invoice(database, tenant, customer, amount=usd("40"))
    unpaid = _invoice_with_both_kinds_of_lines(database, tenant, customer, subscription)
    payment = factories.start_payment(database, tenant, paid)
    with database.tenant(tenant.id) as session:
        link = _link_for_a_part(session, unpaid)
        pending = _payment_by(session, link, unpaid)
    attempt = factories.make_attempt(database, tenant, payment)
    factories.settle_payment(database, tenant, payment)
    with database.tenant(tenant.id) as session:
        _chase(session, customer, unpaid, pending)
        _decide(session, payment)
        _close(session, void, lost)
        schedule = _paused_schedule(session)
    with database.system() as system:
        outages.open_outage(system, attempt.account_id, "503 Service Unavailable", NOW)
        outages.close_outage(system, attempt.account_id, NOW)
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
        _money_from_nowhere(system, tenant)
    return Furnished(tenant, customer, paid, unpaid, payment, pending, link, schedule, void, lost)


def _money_from_nowhere(system: Session, tenant: Tenant) -> None:
    """A verified update about money that nobody asked for."""
    update = webhooks.store(
        system,
        gateway="paynow",
        event_key=f"unasked-{tenant.id}",
        body=b"status=Paid",
        verified=True,
        tenant_id=tenant.id,
        payment_id=None,
        now=NOW,
    )
    money = reviews.MoneyInQuestion("paynow", "19372", usd("12"))
    reviews.open_unmatched(system, tenant.id, update or "", "The reference is of no payment of ours.", NOW, money)


def _bystander(database: Database, tenant: Tenant, plan: Plan) -> None:
    """One of each thing that references lead to, used by nothing else: only the reference itself can be at fault."""
    customer = factories.make_customer(database, tenant)
    factories.make_subscription(database, tenant, customer, plan)
    factories.make_charge(database, tenant, customer)
    invoice = factories.issue_invoice(database, tenant, customer)
    factories.start_payment(database, tenant, invoice)
    factories.make_account(database, tenant, gateway="ozow")


def _invoice_with_both_kinds_of_lines(
    database: Database, tenant: Tenant, customer: Customer, subscription: Subscription
) -> Invoice:
    once = factories.charge_draft(factories.make_charge(database, tenant, customer))
    recurring = replace(once.lines[0], charge_id=None, subscription_id=subscription.id, period_start=factories.PERIOD.first_day)
    run = factories.make_run(database, tenant, Period(2027, 6))
    with database.tenant(tenant.id) as session:
        draft = InvoiceDraft(customer.id, once.currency, (*once.lines, recurring))
        return issuing.issue(session, draft, factories.issue_terms(tenant, run))


def _invoices_to_close(database: Database, tenant: Tenant) -> tuple[Invoice, Invoice]:
    customer = factories.make_customer(database, tenant)
    return factories.issue_invoice(database, tenant, customer), factories.issue_invoice(database, tenant, customer)


def _close(session: Session, void: Invoice, lost: Invoice) -> None:
    closing.void(session, invoices.get(session, void.id), "Rudo", NOW, reason="It was issued twice.")
    closing.write_off(session, invoices.get(session, lost.id), "Rudo", NOW, reason="The shop is gone.")


def _chase(session: Session, customer: Customer, invoice: Invoice, payment: Payment) -> None:
    holds.decide_step(session, invoice.id, "0-remind", taken=True, now=NOW)
    holds.place(session, customer.id, HoldReason.MANUAL, NOW, actor="Rudo", note="The licence was not renewed.")
    chasing.block(session, customer.id, until=invoice.due_on, note="Talks about instalments.", actor="Rudo", now=NOW)
    letter = Claim(Letter.PAYMENT_FAILED, "Payment", payment.id, "failed", customer.id, invoice.id, payment.id)
    messages.claim(session, letter, NOW)
    reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", "Look it up at the gateway.", NOW)
    promise = Move(new_id(Prefix.STAFF_MOVE), MoveKind.PAUSE, invoice.due_on)
    moves.request(
        session, promise, invoice_id=invoice.id, customer_id=customer.id, reason="A promise to pay.", actor="Rudo", now=NOW
    )
    run = billing_runs.page(session, after=None, limit=1)[0]
    billing_runs.park(session, run.id, customer.id, "The customer has no e-mail address.", NOW)
    dunning_policies.put(session, default_policy(), customer_id=customer.id, note="As agreed.", actor="Rudo", now=NOW)
    notice = Claim(Letter.OVERDUE_NOTICE, "Customer", customer.id, "2026-11-15.USD", customer.id, invoice.id)
    letter_invoices.add(session, messages.claim(session, notice, NOW) or "", [invoice.id])


def _link_for_a_part(session: Session, invoice: Invoice) -> PaymentLink:
    return links.create(
        session,
        link_type=LinkType.CUSTOM,
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        amount=usd("10"),
        currency="USD",
        description="First instalment",
        expires_at=expiry(NOW, None),
        actor="Rudo",
        now=NOW,
    )


def _paused_schedule(session: Session) -> StoredSchedule:
    """Paused, so that no worker of another test bills by it."""
    terms = ScheduleTerms("Monthly", BillingTimes(1, time(4, 0), -1), catch_up_hours=72)
    made = billing_schedules.create(session, new_id(Prefix.BILLING_SCHEDULE), terms, "Rudo", NOW)
    return billing_schedules.pause(session, made.id, "Prices change.", "Rudo", NOW)


def _payment_by(session: Session, link: PaymentLink, invoice: Invoice) -> Payment:
    return payments.start(
        session,
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        link_id=link.id,
        method=PaymentMethod.PAYNOW_ECOCASH,
        amount=invoice.amount_due,
        payer_phone="0771111111",
        actor=audit.PAYER,
        now=NOW,
    )


def _decide(session: Session, payment: Payment) -> None:
    """A question about money that a person has answered."""
    reviews.open_for(session, payment.id, "MISMATCH", "The gateway received more than was asked for.", NOW)
    question = next(found for found in reviews.unresolved(session, after=None, limit=9) if found.payment_id == payment.id)
    reviews.resolve(session, question.id, "MATCHED", "Rudo", NOW, payment_id=payment.id)
