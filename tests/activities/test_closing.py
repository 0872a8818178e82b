"""Invoices closed otherwise than by payment: the ledger adds up, the links are shut, and whom they suspended is back."""

import pytest

from domain.customer import Tenant
from domain.errors import InvariantError
from domain.invoice import Invoice, InvoiceState
from domain.ledger import Account
from domain.moves import MoveKind
from domain.payment import PaymentMethod
from domain.payment_link import LinkStatus, LinkType
from domain.standing import HoldReason
from persistence import credit_notes, invoices, link_details
from persistence.credit_notes import CreditNote
from persistence.database import Database
from tests import factories
from tests.activities.moving_bench import ACTOR, LATER, REASON, MovingBench
from tests.factories import usd
from tests.linking import make_link

CLOSING = [(MoveKind.VOID, InvoiceState.VOID), (MoveKind.WRITE_OFF, InvoiceState.WRITTEN_OFF)]


@pytest.fixture
def bench(database: Database, tenant: Tenant) -> MovingBench:
    """USD 100.00 of which 13.04 are tax."""
    return MovingBench.of(database, tenant)


def note(bench: MovingBench) -> CreditNote:
    with bench.database.tenant(bench.tenant.id) as session:
        found = credit_notes.of_invoice(session, bench.invoice.id)
    assert found is not None
    return found


def test_a_void_invoice_leaves_nothing_in_the_books(bench: MovingBench) -> None:
    standing = bench.move(MoveKind.VOID)
    assert (standing.state, standing.amount_due, standing.waiting) == (InvoiceState.VOID, usd("0"), None)
    assert bench.balances() == {}
    issued = note(bench)
    assert (issued.number, issued.total, issued.net, issued.tax, issued.credited) == (
        "CVT-CN-000001", usd("100"), usd("86.96"), usd("13.04"), usd("0")
    )  # fmt: skip
    assert (issued.reason, issued.issued_by, issued.issued_at) == (REASON, ACTOR, LATER)
    who, details = bench.audited("INVOICE_VOIDED")
    assert (who, details["credit_note"], details["reason"]) == (ACTOR, "CVT-CN-000001", REASON)


def test_what_was_paid_of_a_void_invoice_is_the_customers_credit_and_can_be_used(bench: MovingBench) -> None:
    bench.pay("40")
    bench.move(MoveKind.VOID)
    assert note(bench).credited == usd("40")
    assert bench.balances() == {Account.CASH: usd("40"), Account.CUSTOMER_CREDIT: usd("-40")}
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer, amount=usd("25"))
    bench.pay("25", invoice=other, method=PaymentMethod.CREDIT)
    assert bench.balances()[Account.CUSTOMER_CREDIT] == usd("-15")


def test_credit_that_had_paid_a_void_invoice_is_credit_again(bench: MovingBench) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer, amount=usd("10"))
    bench.pay("40", invoice=other)
    bench.pay("30", method=PaymentMethod.CREDIT)
    bench.move(MoveKind.VOID)
    assert bench.balances()[Account.CUSTOMER_CREDIT] == usd("-30")


def test_what_is_left_of_a_written_off_invoice_is_bad_debt_and_what_was_paid_stays_paid(bench: MovingBench) -> None:
    bench.pay("40")
    bench.move(MoveKind.WRITE_OFF)
    assert bench.balances() == {
        Account.CASH: usd("40"),
        Account.BAD_DEBT: usd("60"),
        Account.REVENUE: usd("-86.96"),
        Account.TAX_PAYABLE: usd("-13.04"),
    }
    who, details = bench.audited("INVOICE_WRITTEN_OFF")
    assert (who, details["amount"], details["reason"]) == (ACTOR, "USD 60.00", REASON)


@pytest.mark.parametrize(("kind", "state"), CLOSING)
def test_all_links_for_a_closed_invoice_are_shut_and_money_goes_elsewhere(
    bench: MovingBench, kind: MoveKind, state: InvoiceState
) -> None:
    make_link(bench.database, bench.tenant, LinkType.CUSTOM, invoice=bench.invoice, amount=usd("10"))
    late = factories.start_payment(bench.database, bench.tenant, bench.invoice, method=PaymentMethod.CASH)
    bench.move(kind)
    with bench.database.tenant(bench.tenant.id) as session:
        found = link_details.page(session, after=None, limit=9, invoice_id=bench.invoice.id)
    assert [detail.link.status for detail in found] == [LinkStatus.CANCELLED] * 2
    factories.settle_payment(bench.database, bench.tenant, late)
    assert bench.balances()[Account.CUSTOMER_CREDIT] == usd("-100")
    assert bench.detail().invoice.state is state


@pytest.mark.parametrize(("kind", "state"), CLOSING)
def test_the_customer_whom_it_suspended_is_back_with_a_letter_and_what_set_it_aside_is_over(
    bench: MovingBench, kind: MoveKind, state: InvoiceState
) -> None:
    bench.suspend()
    bench.move(MoveKind.DISPUTE)
    bench.move(MoveKind.RESOLVE)
    move = bench.ask(kind)
    first = bench.make(move)
    assert (first.state, first.message_id is not None) == (state, True)
    assert bench.make(move) == first
    assert bench.held() == []
    assert bench.letters()[-1] == "reactivation_confirmation"
    assert bench.detail().disputed_at is None


@pytest.mark.parametrize(("kind", "state"), CLOSING)
def test_a_customer_whom_another_invoice_suspends_stays_suspended(
    bench: MovingBench, kind: MoveKind, state: InvoiceState
) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer)
    bench.suspend()
    bench.suspend(invoice=other)
    standing = bench.move(kind)
    assert (standing.state, standing.message_id) == (state, None)
    assert bench.held() == [HoldReason.OVERDUE]


@pytest.mark.parametrize(("kind", "state"), CLOSING)
def test_an_invoice_is_closed_once(bench: MovingBench, kind: MoveKind, state: InvoiceState) -> None:
    bench.move(kind)
    told = bench.refused(MoveKind.VOID).message
    assert told.startswith(f"Invoice {bench.invoice.number} is {state}")
    assert len([row for row in bench.balances().values() if row.minor < 0]) == (0 if kind is MoveKind.VOID else 2)


def test_a_paid_invoice_is_not_voided_before_its_payment_is_reversed(bench: MovingBench) -> None:
    bench.pay("100")
    assert "reverse its payment first" in bench.refused(MoveKind.VOID).message


def test_an_invoice_of_which_nothing_is_left_cannot_be_closed_behind_the_rules(bench: MovingBench) -> None:
    bench.move(MoveKind.VOID)
    closed: Invoice = bench.detail().invoice
    with pytest.raises(InvariantError), bench.database.tenant(bench.tenant.id) as session:
        invoices.pay(session, closed, usd("1"), LATER)
