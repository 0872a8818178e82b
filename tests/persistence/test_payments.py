"""Payments and their attempts: what was received is used in full, at once from many sides, and known words are kept."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from domain.customer import Tenant
from domain.errors import NotFoundError
from domain.invoice import InvoiceState
from domain.ledger import Account
from domain.payment import Outcome, PaymentMethod, PaymentStatus
from persistence import attempts, audit, checks, invoices, ledger, payments
from persistence.attempts import Attempt
from persistence.database import Database
from persistence.models import AuditRow, PaymentRow
from tests import factories
from tests.factories import NOW, usd
from tests.persistence.parallel import at_once
from tests.reversals import reverse_payment

REDIRECT = {"kind": "redirect", "url": "https://www.paynow.co.zw/Payment/1"}


def answer(
    database: Database, tenant: Tenant, attempt: Attempt, outcome: Outcome, *, at_hour: int = 0, brand: str | None = None
) -> None:
    with database.tenant(tenant.id) as session:
        attempts.record_answer(
            session,
            attempt.id,
            outcome=outcome,
            gateway_reference="19372",
            gateway_status=outcome.value.title(),
            poll_url=None,
            raw=f"status={outcome.value}",
            card_brand=brand,
            now=NOW + timedelta(hours=at_hour),
        )


def stored(database: Database, tenant: Tenant, attempt: Attempt) -> Attempt:
    with database.tenant(tenant.id) as session:
        found = attempts.last(session, attempt.payment_id)
    assert found is not None
    return found


@pytest.fixture
def attempt(database: Database, tenant: Tenant) -> Attempt:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    return factories.make_attempt(database, tenant, factories.start_payment(database, tenant, invoice))


def test_a_payment_begins_pending_with_its_audit_entry(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    payment = factories.start_payment(database, tenant, invoice)
    with database.tenant(tenant.id) as session:
        assert payments.get(session, payment.id) == payment
        entry = session.query(AuditRow).filter_by(resource_id=payment.id).one()
    assert (payment.status, payment.amount, payment.invoice_id) == (PaymentStatus.PENDING, usd("40"), invoice.id)
    assert (entry.actor, entry.action, entry.details["amount"]) == (audit.PAYER, "PAYMENT_INITIATED", "USD 40.00")


def test_a_payers_phone_is_kept_and_never_printed(database: Database, tenant: Tenant) -> None:
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    assert payment.payer_phone == "0771111111"
    assert "0771111111" not in repr(payment)


def test_what_is_over_becomes_the_customers_credit(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    payment = factories.start_payment(database, tenant, invoice, amount=usd("50"))
    factories.settle_payment(database, tenant, payment)
    with database.tenant(tenant.id) as session:
        settled = payments.get(session, payment.id)
        assert payments.allocations(session, payment.id) == [(invoice.id, usd("40"))]
        balances = ledger.balances(session, invoice.customer_id)
        assert checks.run(session) == []
    assert (settled.allocated, settled.credited) == (usd("40"), usd("10"))
    assert balances == {(Account.ACCOUNTS_RECEIVABLE, "USD"): usd("0"), (Account.CUSTOMER_CREDIT, "USD"): usd("-10")}


def test_payments_that_settle_at_once_pay_oldest_first_and_lose_no_cent(database: Database, tenant: Tenant) -> None:
    """Six payments of 25.00 on three invoices of 40.00: 120.00 is paid, 30.00 is credit, and nothing waits in a circle."""
    customer = factories.make_customer(database, tenant)
    issued = [factories.issue_invoice(database, tenant, customer, amount=usd("40"), due_in_days=days) for days in (30, 14, 7)]
    started = [factories.start_payment(database, tenant, issued[0], amount=usd("25"), linked=False) for _ in range(6)]

    settled = at_once([partial(factories.settle_payment, database, tenant, payment) for payment in started])

    assert sorted(payment.credited for payment in settled) == [usd("0")] * 4 + [usd("5"), usd("25")]
    with database.tenant(tenant.id) as session:
        assert {invoices.get(session, invoice.id).invoice.state for invoice in issued} == {InvoiceState.PAID}
        assert checks.run(session) == []


def test_one_payment_settled_by_two_doors_at_once_is_settled_once(database: Database, tenant: Tenant) -> None:
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant, amount=usd("40")))

    def settle_unless_settled() -> bool:
        with database.tenant(tenant.id) as session:
            if payments.lock(session, payment.id).status is PaymentStatus.SETTLED:
                return False
            factories.settle(session, payment.id)
            return True

    assert sorted(at_once([settle_unless_settled] * 4)) == [False, False, False, True]
    with database.tenant(tenant.id) as session:
        assert payments.allocations(session, payment.id) == [(payment.invoice_id, usd("40"))]
        assert checks.run(session) == []


def test_an_attempt_is_unknown_until_the_gateway_answers(attempt: Attempt) -> None:
    assert (attempt.outcome, attempt.number, attempt.checkout, attempt.poll_url) == (Outcome.UNKNOWN, 1, None, None)


def test_the_first_poll_address_is_kept(database: Database, tenant: Tenant, attempt: Attempt) -> None:
    for poll_url in ("https://www.paynow.co.zw/poll/1", "https://www.paynow.co.zw/poll/2"):
        with database.tenant(tenant.id) as session:
            attempts.record_checkout(
                session,
                attempt.id,
                outcome=Outcome.PENDING,
                checkout=REDIRECT,
                poll_url=poll_url,
                gateway_reference=None,
                gateway_status="Ok",
                raw="status=Ok",
                now=NOW,
            )
    found = stored(database, tenant, attempt)
    assert (found.poll_url, found.checkout, found.outcome) == ("https://www.paynow.co.zw/poll/1", REDIRECT, Outcome.PENDING)


@pytest.mark.parametrize("late", [Outcome.PENDING, Outcome.DECLINED, Outcome.UNKNOWN])
def test_an_old_answer_that_arrives_late_does_not_unpay_an_attempt(
    database: Database, tenant: Tenant, attempt: Attempt, late: Outcome
) -> None:
    answer(database, tenant, attempt, Outcome.PAID)
    answer(database, tenant, attempt, late, at_hour=1)
    assert stored(database, tenant, attempt).outcome is Outcome.PAID


@pytest.mark.parametrize("later", [Outcome.DISPUTED, Outcome.REFUNDED])
def test_a_dispute_or_a_refund_of_a_paid_attempt_is_recorded(
    database: Database, tenant: Tenant, attempt: Attempt, later: Outcome
) -> None:
    answer(database, tenant, attempt, Outcome.PAID)
    answer(database, tenant, attempt, later, at_hour=1)
    assert stored(database, tenant, attempt).outcome is later


@pytest.mark.parametrize("early", [Outcome.PENDING, Outcome.DECLINED, Outcome.UNKNOWN])
def test_money_is_recorded_whatever_was_said_before(
    database: Database, tenant: Tenant, attempt: Attempt, early: Outcome
) -> None:
    answer(database, tenant, attempt, early)
    answer(database, tenant, attempt, Outcome.PAID, at_hour=1)
    assert stored(database, tenant, attempt).outcome is Outcome.PAID


def test_a_fee_is_an_estimate_until_the_gateway_tells(database: Database, tenant: Tenant, attempt: Attempt) -> None:
    for fee, is_estimate in ((usd("1.40"), True), (usd("1.25"), False)):
        with database.tenant(tenant.id) as session:
            attempts.record_fee(session, attempt.id, fee, is_estimate=is_estimate)
        found = stored(database, tenant, attempt)
        assert (found.fee, found.fee_is_estimate) == (fee, is_estimate)


def test_the_first_word_about_a_card_is_kept(database: Database, tenant: Tenant, attempt: Attempt) -> None:
    answer(database, tenant, attempt, Outcome.PAID, brand="visa")
    answer(database, tenant, attempt, Outcome.PAID)
    assert stored(database, tenant, attempt).card_brand == "visa"


def test_our_reference_finds_the_tenant_and_payment_of_an_attempt(database: Database, tenant: Tenant, attempt: Attempt) -> None:
    with database.system() as system:
        assert attempts.tenant_of(system, attempt.id) == (tenant.id, attempt.payment_id, attempt.account_id)
        assert attempts.tenant_of(system, "gtx_none") is None


def test_attempts_are_listed_in_order_and_the_last_is_the_last(database: Database, tenant: Tenant, attempt: Attempt) -> None:
    with database.tenant(tenant.id) as session:
        payment = payments.get(session, attempt.payment_id)
    second = factories.make_attempt(database, tenant, payment, number=2)
    with database.tenant(tenant.id) as session:
        assert attempts.of_payment(session, payment.id) == [attempt, second]
        assert attempts.last(session, payment.id) == second
        assert attempts.last(session, "pay_none") is None
        assert attempts.last_of_each(session, [payment.id, "pay_none"]) == {payment.id: second}


def test_payments_are_paged_newest_first_and_filtered(database: Database, tenant: Tenant) -> None:
    invoice, other = (factories.issue_invoice(database, tenant) for _ in range(2))
    made = [factories.start_payment(database, tenant, of) for of in (invoice, invoice, other)]
    factories.settle_payment(database, tenant, made[0])
    with database.tenant(tenant.id) as session:
        assert [item.id for item in payments.page(session, after=None, limit=2)] == [made[2].id, made[1].id]
        assert [item.id for item in payments.page(session, after=made[1].id, limit=2)] == [made[0].id]
        assert [item.id for item in payments.page(session, after=None, limit=9, status="SETTLED")] == [made[0].id]
        assert [item.id for item in payments.page(session, after=None, limit=9, invoice_id=other.id)] == [made[2].id]


def test_a_payment_that_is_not_there_is_named(database: Database, tenant: Tenant) -> None:
    with pytest.raises(NotFoundError, match="payment pay_none"), database.tenant(tenant.id) as session:
        payments.lock(session, "pay_none")


def test_a_failed_payment_says_why(database: Database, tenant: Tenant) -> None:
    payment = factories.start_payment(
        database, tenant, factories.issue_invoice(database, tenant), method=PaymentMethod.PAYNOW_VISA
    )
    with database.tenant(tenant.id) as session:
        payments.fail(session, payment.id, "Payment expired after 24 hours", NOW)
    with database.tenant(tenant.id) as session:
        failed = payments.get(session, payment.id)
    assert (failed.status, failed.failure_reason) == (PaymentStatus.FAILED, "Payment expired after 24 hours")


def test_money_recorded_by_hand_is_found_by_method_and_reference(database: Database, tenant: Tenant) -> None:
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant), method=PaymentMethod.CASH)
    with database.tenant(tenant.id) as session:
        session.get_one(PaymentRow, payment.id).manual_reference = "RCPT-7"
    with database.tenant(tenant.id) as session:
        found = payments.by_manual_reference(session, PaymentMethod.CASH, "RCPT-7")
        assert found == replace(payment, manual_reference="RCPT-7")
        assert payments.by_manual_reference(session, PaymentMethod.BANK_TRANSFER, "RCPT-7") is None
        assert payments.by_manual_reference(session, PaymentMethod.CASH, "RCPT-8") is None


def test_the_reference_of_a_reversed_payment_may_be_recorded_again(database: Database, tenant: Tenant) -> None:
    """What was recorded on the wrong account is reversed, and recorded on the right one under the bank's one reference."""
    wrong = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant), method=PaymentMethod.CASH)
    right = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant), method=PaymentMethod.CASH)
    with database.tenant(tenant.id) as session:
        session.get_one(PaymentRow, wrong.id).manual_reference = "RCPT-7"
    factories.settle_payment(database, tenant, wrong)
    reverse_payment(database, tenant, wrong)
    with database.tenant(tenant.id) as session:
        assert payments.by_manual_reference(session, PaymentMethod.CASH, "RCPT-7") is None
        session.get_one(PaymentRow, right.id).manual_reference = "RCPT-7"
    with database.tenant(tenant.id) as session:
        assert payments.by_manual_reference(session, PaymentMethod.CASH, "RCPT-7") == replace(right, manual_reference="RCPT-7")
