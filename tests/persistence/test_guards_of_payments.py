"""What the database itself holds about payments: status only climbs, facts stay, every payment is audited, posted and fits."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain import ledger as entries
from domain.allocation import Target
from domain.customer import Tenant
from domain.ledger import Account, Posting
from domain.money import Money
from domain.payment import PaymentMethod, PaymentStatus
from persistence import attempts, ledger, payments
from persistence.database import Database
from persistence.models import AllocationRow, PaymentRow
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW, usd, zar
from tests.persistence.furnished import Furnished
from tests.persistence.refusals import refused_by


def update(session: Session, payment_id: str, assignment: str) -> None:
    session.execute(text(f"UPDATE payments SET {assignment} WHERE id = :id"), {"id": payment_id})


def post(session: Session, payment: Payment, parts: tuple[tuple[str, Money], ...], credit: Money) -> None:
    received_in = Posting(Account.GATEWAY_CLEARING, payment.amount, gateway="paynow")
    entry = entries.payment_settled(payment.id, payment.customer_id, payment.amount, parts, credit, received_in)
    ledger.post(session, entry, NOW)


@pytest.mark.parametrize("lower", ["PENDING", "FAILED"])
def test_a_settled_payment_never_falls_back(database: Database, ours: Furnished, lower: str) -> None:
    with refused_by("payments_status_only_climbs"), database.tenant(ours.tenant.id) as session:
        update(session, ours.payment.id, f"status = '{lower}', settled_at = NULL, allocated = 0, credited = 0")


def reversing(session: Session, payment: Payment, *, is_posted: bool = True) -> None:
    """What a reversal does to the payment and the ledger, and nothing to its invoices."""
    payments.reverse(session, payment.id, "The bank returned it.", NOW)
    if is_posted:
        parts = tuple(payments.allocations(session, payment.id))
        lay_in = Posting(Account.GATEWAY_CLEARING, payment.amount, gateway="paynow")
        entry = entries.payment_reversed(payment.id, payment.customer_id, payment.amount, parts, payment.credited, lay_in)
        ledger.post(session, entry, NOW)


@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_what_never_was_settled_cannot_be_reversed(database: Database, ours: Furnished, status: str) -> None:
    with refused_by("payments_status_only_climbs"), database.tenant(ours.tenant.id) as session:
        if status == "FAILED":
            payments.fail(session, ours.pending.id, "Payment expired after 24 hours", NOW)
        payments.reverse(session, ours.pending.id, "The bank returned it.", NOW)


def test_no_reversal_without_a_reason(database: Database, ours: Furnished) -> None:
    with refused_by("ck_payments_reversed_with_a_reason"), database.tenant(ours.tenant.id) as session:
        update(session, ours.payment.id, "status = 'REVERSED', reversed_at = now()")


def test_no_reversal_outside_the_ledger(database: Database, ours: Furnished) -> None:
    with refused_by("payments_are_posted"), database.tenant(ours.tenant.id) as session:
        reversing(session, ours.payment, is_posted=False)


def test_a_reversal_cannot_leave_its_invoice_paid(database: Database, ours: Furnished) -> None:
    with refused_by("invoices_agree_with_ledger"), database.tenant(ours.tenant.id) as session:
        reversing(session, ours.payment)


def test_credit_that_was_used_meanwhile_cannot_be_taken_back(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    invoice = factories.issue_invoice(database, tenant, customer, amount=usd("40"))
    deposit = factories.start_payment(
        database, tenant, invoice, amount=usd("10"), linked=False, target=Target.CREDIT, method=PaymentMethod.PAYNOW_VISA
    )
    settled = factories.settle_payment(database, tenant, deposit)
    used = factories.start_payment(database, tenant, invoice, amount=usd("0.01"), method=PaymentMethod.CREDIT)
    factories.settle_payment(database, tenant, used)
    with refused_by("customer_credit_never_negative"), database.tenant(tenant.id) as session:
        reversing(session, settled)


def test_more_credit_than_there_is_cannot_be_used(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    payment = factories.start_payment(database, tenant, invoice, amount=usd("5"), method=PaymentMethod.CREDIT)
    with refused_by("customer_credit_never_negative"):
        factories.settle_payment(database, tenant, payment)


def test_a_failed_payment_is_not_pending_again(database: Database, ours: Furnished) -> None:
    with refused_by("payments_status_only_climbs"), database.tenant(ours.tenant.id) as session:
        payments.fail(session, ours.pending.id, "Payment expired after 24 hours", NOW)
        update(session, ours.pending.id, "status = 'PENDING'")


def test_money_that_arrives_after_the_payment_failed_is_settled(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    payment = factories.start_payment(database, tenant, invoice)
    with database.tenant(tenant.id) as session:
        payments.fail(session, payment.id, "Payment expired after 24 hours", NOW)

    factories.settle_payment(database, tenant, payment)

    with database.tenant(tenant.id) as session:
        assert payments.get(session, payment.id).status is PaymentStatus.SETTLED


@pytest.mark.parametrize("assignment", ["amount = amount + 1", "currency = 'ZAR'", "method = 'CASH'"])
def test_amount_currency_and_method_of_a_payment_never_change(database: Database, ours: Furnished, assignment: str) -> None:
    with refused_by("payments_facts_never_change"), database.tenant(ours.tenant.id) as session:
        update(session, ours.pending.id, assignment)


def test_a_payment_never_becomes_another_customers(database: Database, ours: Furnished) -> None:
    other = factories.make_customer(database, ours.tenant)
    with refused_by("payments_facts_never_change"), database.tenant(ours.tenant.id) as session:
        update(session, ours.pending.id, f"customer_id = '{other.id}'")


def test_what_a_settled_payment_was_used_for_never_changes(database: Database, ours: Furnished) -> None:
    with refused_by("payments_facts_never_change"), database.tenant(ours.tenant.id) as session:
        update(session, ours.payment.id, "allocated = allocated - 1, credited = credited + 1")


def test_no_payment_without_an_audit_entry(database: Database, ours: Furnished) -> None:
    with refused_by("payments_are_audited"), database.tenant(ours.tenant.id) as session:
        session.add(
            PaymentRow(
                customer_id=ours.customer.id, method="CASH", amount=100, currency="USD", status="PENDING", initiated_at=NOW
            )
        )


def test_no_settled_payment_outside_the_ledger(database: Database, ours: Furnished) -> None:
    with refused_by("payments_are_posted"), database.tenant(ours.tenant.id) as session:
        payments.settle(session, ours.pending.id, (), ours.pending.amount, NOW)


def test_a_payment_cannot_say_that_it_was_allocated_without_allocations(database: Database, ours: Furnished) -> None:
    with refused_by("allocations_fit_payment"), database.tenant(ours.tenant.id) as session:
        post(session, ours.pending, (), ours.pending.amount)
        update(session, ours.pending.id, "status = 'SETTLED', allocated = amount, settled_at = now()")


def test_a_receivable_cannot_be_posted_without_moving_what_is_due(database: Database, ours: Furnished) -> None:
    parts = ((ours.unpaid.id, ours.pending.amount),)
    with refused_by("invoices_agree_with_ledger"), database.tenant(ours.tenant.id) as session:
        post(session, ours.pending, parts, usd("0"))


def test_the_ledger_cannot_say_that_another_amount_was_received(database: Database, ours: Furnished) -> None:
    with refused_by("payments_are_posted"), database.tenant(ours.tenant.id) as session:
        less = replace(ours.pending, amount=ours.pending.amount - usd("1"))
        post(session, less, (), less.amount)
        payments.settle(session, ours.pending.id, (), ours.pending.amount, NOW)


def test_a_payment_may_be_started_and_settled_in_one_transaction(database: Database, ours: Furnished) -> None:
    with database.tenant(ours.tenant.id) as session:
        payment = payments.start(
            session,
            customer_id=ours.customer.id,
            invoice_id=ours.unpaid.id,
            method=PaymentMethod.CASH,
            amount=usd("1"),
            manual_reference="receipt 7",
            actor="Rudo",
            now=NOW,
        )
        factories.settle(session, payment.id)
    with database.tenant(ours.tenant.id) as session:
        assert payments.get(session, payment.id).allocated == usd("1")


def test_an_attempt_cannot_use_another_tenants_gateway_account(database: Database, ours: Furnished) -> None:
    other = factories.make_account(database, factories.make_tenant(database))
    with refused_by("fk_gateway_transactions_tenant_id_account_id"), database.tenant(ours.tenant.id) as session:
        attempts.add(session, ours.pending, account_id=other.id, gateway="paynow", number=1, now=NOW)


def test_a_payment_cannot_be_allocated_beyond_its_amount(database: Database, ours: Furnished) -> None:
    with refused_by("allocations_fit_payment"), database.tenant(ours.tenant.id) as session:
        session.add(AllocationRow(payment_id=ours.payment.id, invoice_id=ours.unpaid.id, amount=1, allocated_at=NOW))


def test_a_pending_payment_pays_nothing(database: Database, ours: Furnished) -> None:
    with refused_by("allocations_fit_payment"), database.tenant(ours.tenant.id) as session:
        session.add(AllocationRow(payment_id=ours.pending.id, invoice_id=ours.unpaid.id, amount=1, allocated_at=NOW))


def test_a_payment_pays_one_invoice_once(database: Database, ours: Furnished) -> None:
    with refused_by("uq_allocations_payment_id_invoice_id"), database.tenant(ours.tenant.id) as session:
        session.add(AllocationRow(payment_id=ours.payment.id, invoice_id=ours.paid.id, amount=1, allocated_at=NOW))


def test_a_payment_cannot_pay_an_invoice_in_another_currency(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    in_rand = factories.issue_invoice(database, tenant, customer, amount=zar("25"))
    payment = factories.start_payment(database, tenant, in_rand, amount=usd("25"))
    with refused_by("allocations_fit_payment"), database.tenant(tenant.id) as session:
        payments.settle(session, payment.id, ((in_rand.id, usd("25")),), usd("0"), NOW)
        post(session, payment, ((in_rand.id, usd("25")),), usd("0"))


def test_a_payment_cannot_pay_another_customers_invoice(database: Database, tenant: Tenant) -> None:
    mine = factories.issue_invoice(database, tenant, amount=usd("25"))
    somebody_elses = factories.issue_invoice(database, tenant, amount=usd("25"))
    payment = factories.start_payment(database, tenant, mine)
    with refused_by("allocations_fit_payment"), database.tenant(tenant.id) as session:
        payments.settle(session, payment.id, ((somebody_elses.id, usd("25")),), usd("0"), NOW)
        post(session, payment, ((somebody_elses.id, usd("25")),), usd("0"))


def test_an_invoice_cannot_be_paid_beyond_its_total(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    payment = factories.start_payment(database, tenant, invoice, amount=usd("50"))
    with refused_by("allocations_fit_invoice"), database.tenant(tenant.id) as session:
        payments.settle(session, payment.id, ((invoice.id, usd("50")),), usd("0"), NOW)
        post(session, payment, ((invoice.id, usd("50")),), usd("0"))


def test_one_reference_of_a_gateway_account_belongs_to_one_attempt(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    attempts = [factories.make_attempt(database, tenant, factories.start_payment(database, tenant, invoice)) for _ in range(2)]
    with refused_by("uq_gateway_transactions_account_id_gateway_reference"), database.tenant(tenant.id) as session:
        for attempt in attempts:
            session.execute(
                text("UPDATE gateway_transactions SET gateway_reference = '19372' WHERE id = :id"), {"id": attempt.id}
            )


def test_an_attempt_has_its_number_once(database: Database, tenant: Tenant) -> None:
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    factories.make_attempt(database, tenant, payment, number=1)
    with refused_by("uq_gateway_transactions_payment_id_attempt"):
        factories.make_attempt(database, tenant, payment, number=1)


def test_money_recorded_by_hand_is_recorded_once(database: Database, ours: Furnished) -> None:
    with refused_by("uq_payments_manual_reference"), database.tenant(ours.tenant.id) as session:
        session.execute(text("UPDATE payments SET manual_reference = 'RCPT-1'"))
