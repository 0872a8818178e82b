"""Reversals of payments whose invoice was closed since: credit from a void one is taken back, a written-off one stands."""

import pytest
from temporalio.exceptions import ApplicationError

from activities.reversing import Reversal
from domain.customer import Tenant
from domain.invoice import InvoiceState
from domain.ledger import Account
from domain.moves import MoveKind
from domain.payment import PaymentMethod, PaymentStatus
from persistence import audit, payments
from persistence.database import Database
from persistence.payments import Payment
from tests import factories
from tests.activities.moving_bench import MovingBench
from tests.factories import usd
from tests.reversals import reverse_payment


@pytest.fixture
def bench(database: Database, tenant: Tenant) -> MovingBench:
    """An invoice over USD 100.00."""
    return MovingBench.of(database, tenant)


def refusal(bench: MovingBench, payment: Payment) -> str:
    with pytest.raises(ApplicationError) as refused:
        reverse_payment(bench.database, bench.tenant, payment)
    assert (refused.value.type, refused.value.non_retryable) == ("ConflictError", True)
    with bench.database.tenant(bench.tenant.id) as session:
        assert payments.get(session, payment.id).status is PaymentStatus.SETTLED
    return refused.value.message


def test_what_it_had_paid_of_a_void_invoice_was_credit_and_is_taken_back(bench: MovingBench) -> None:
    payment = bench.pay("40")
    bench.move(MoveKind.VOID)
    first = reverse_payment(bench.database, bench.tenant, payment)
    assert first == Reversal(()), "nothing is owed again, so nobody is chased"
    assert reverse_payment(bench.database, bench.tenant, payment) == first
    assert bench.balances() == {}
    assert bench.detail().invoice.state is InvoiceState.VOID
    with bench.database.tenant(bench.tenant.id) as session:
        _, details = audit.last_of(session, "PAYMENT_REVERSED", payment.id) or ("", {})
    assert (details["owed_again"], details["credit_taken_back"]) == ({}, "USD 40.00")


def test_a_payment_over_a_void_invoice_and_one_that_stands_owes_the_second_again(bench: MovingBench) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer, amount=usd("25"), due_in_days=1)
    both = factories.start_payment(
        bench.database, bench.tenant, bench.invoice, amount=usd("65"), method=PaymentMethod.CASH, linked=False
    )
    factories.settle_payment(bench.database, bench.tenant, both)
    bench.move(MoveKind.VOID)
    assert reverse_payment(bench.database, bench.tenant, both) == Reversal((other.id,))
    assert bench.detail(other).invoice.amount_due == usd("25")
    assert bench.balances()[Account.ACCOUNTS_RECEIVABLE] == usd("25")
    assert Account.CUSTOMER_CREDIT not in bench.balances()


def test_credit_from_a_void_invoice_that_was_used_must_be_freed_first(bench: MovingBench) -> None:
    payment = bench.pay("40")
    bench.move(MoveKind.VOID)
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer, amount=usd("25"))
    used = bench.pay("25", invoice=other, method=PaymentMethod.CREDIT)
    assert refusal(bench, payment) == (
        f"Payment {payment.id} left USD 40.00 as credit, and USD 25.00 of it was used meanwhile: "
        f"reverse {used.id} over USD 25.00 first."
    )
    for each in (used, payment):
        reverse_payment(bench.database, bench.tenant, each)
    assert bench.detail(other).invoice.amount_due == usd("25")
    assert Account.CUSTOMER_CREDIT not in bench.balances()


def test_a_use_of_credit_whose_invoice_was_voided_is_not_named_as_one_to_reverse(bench: MovingBench) -> None:
    """USD 40.00 were left as credit: 30.00 came back with the void invoice, 35.00 are in use on another one."""
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer, amount=usd("10"))
    payment = bench.pay("50", invoice=other)
    bench.pay("30", method=PaymentMethod.CREDIT)
    bench.move(MoveKind.VOID)
    third = factories.issue_invoice(bench.database, bench.tenant, bench.customer, amount=usd("35"))
    used = bench.pay("35", invoice=third, method=PaymentMethod.CREDIT)
    assert refusal(bench, payment).endswith(f"reverse {used.id} over USD 35.00 first.")


def test_credit_applied_to_a_void_invoice_is_back_already(bench: MovingBench) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer, amount=usd("10"))
    bench.pay("40", invoice=other)
    applied = bench.pay("30", method=PaymentMethod.CREDIT)
    bench.move(MoveKind.VOID)
    assert "is VOID: that credit is the customer's again already" in refusal(bench, applied)
    assert bench.balances()[Account.CUSTOMER_CREDIT] == usd("-30")


def test_a_payment_of_a_written_off_invoice_stands_and_the_refusal_names_the_way_out(bench: MovingBench) -> None:
    payment = bench.pay("40")
    bench.move(MoveKind.WRITE_OFF)
    told = refusal(bench, payment)
    assert f"Invoice {bench.invoice.number}" in told
    assert "WRITTEN_OFF" in told
    assert "as a charge" in told
    assert bench.balances()[Account.CASH] == usd("40")
