"""The checks that anyone can run: silent on good books, and each finds the breakage that it is for."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.customer import Tenant
from domain.ledger import Account
from domain.payment import PaymentMethod
from persistence import checks, ledger
from persistence.checks import CHECKS, Finding
from persistence.database import Database, bind_to_tenant
from tests import factories
from tests.factories import usd
from tests.persistence.furnished import Furnished
from tests.reversals import reverse_payment

TABLES = (
    "allocations", "audit_log", "credit_notes", "gateway_transactions", "invoice_lines", "invoices", "ledger_postings",
    "messages", "number_series", "payment_links", "payments", "staff_moves",
)  # fmt: skip

# Check → (how to break it behind the triggers' back, what it then says of which thing).
BREAKAGES: dict[str, tuple[str, str]] = {
    "the ledger sums to zero per entry and currency": (
        "UPDATE ledger_postings SET amount = amount + 1 WHERE account = 'gateway_clearing' AND tenant_id = :tenant",
        ": USD 1",
    ),
    "receivables equal what is due on open invoices": (
        "UPDATE invoices SET amount_due = amount_due - 1 WHERE id = :unpaid",
        "{books.unpaid.number}: due 4999, ledger 5000",
    ),
    "receivables less credit equal open invoices less credit": (
        "UPDATE payments SET allocated = amount - 5, credited = 5 WHERE id = :payment",
        "USD: ledger 7500, books 7495",
    ),
    "no number of an invoice or a credit note is missing or doubled": (
        "UPDATE number_series SET last_number = last_number + 1 WHERE tenant_id = :tenant AND series = 'credit_note'",
        "credit_note: last 2, numbers 1",
    ),
    "an invoice's lines make its totals": (
        "UPDATE invoice_lines SET net = net + 1, gross = gross + 1 WHERE invoice_id = :unpaid AND position = 1",
        "{books.unpaid.number}",
    ),
    "a settled payment is used in full": (
        "DELETE FROM allocations WHERE payment_id = :payment",
        "{books.payment.id}",
    ),
    "a customer's credit is never below zero": (
        "UPDATE ledger_postings SET account = 'customer_credit' WHERE invoice_id = :unpaid AND customer_id IS NOT NULL",
        "{books.customer.id}: USD -5000",
    ),
    "an invoice is paid by settled payments and by nothing else": (
        "UPDATE allocations SET amount = amount - 1 WHERE payment_id = :payment",
        "{books.paid.number}: paid 4000, allocated 3999",
    ),
    "a reversed payment is in the ledger twice, there and back": (
        "UPDATE payments SET status = 'REVERSED', reversed_at = now(), reversal_reason = 'typo' WHERE id = :payment",
        "{books.payment.id}: 1 entries",
    ),
    "a void invoice has its credit note, and the ledger what that credits": (
        "UPDATE credit_notes SET credited = credited + 1 WHERE invoice_id = :void",
        "{books.void.number}: VOID over 2500, credit note over 2500 credits 1, ledger 0",
    ),
    "a written-off invoice is bad debt but for what was paid": (
        "UPDATE invoices SET state = 'PAID' WHERE id = :lost",
        "{books.lost.number}: PAID over 2500, paid 0, bad debt 2500",
    ),
    "nobody can pay by a link for a closed invoice": (
        "UPDATE payment_links SET status = 'ACTIVE', closed_at = NULL WHERE invoice_id = :void",
        "{books.void.number}: lnk_",
    ),
    "a move that was made is in the audit log": (
        "UPDATE staff_moves SET status = 'DONE', decided_at = now() WHERE invoice_id = :unpaid",
        ": PAUSE",
    ),
    "what a gateway leaves is the amount less its fee": (
        "UPDATE gateway_transactions SET fee = 100, net = amount WHERE payment_id = :payment",
        ": 4000 less 100 is not 4000",
    ),
    "the ledger has the fees that the gateways' transactions tell": (
        "UPDATE gateway_transactions SET fee = 100, net = amount - 100 WHERE payment_id = :payment",
        "{books.payment.id}: told 100, ledger 0",
    ),
    "every payment has an audit entry": (
        "DELETE FROM audit_log WHERE resource_id = :pending",
        "{books.pending.id}",
    ),
    "a customer gets one letter per step": (
        """INSERT INTO messages (id, key, message_id, letter, entity_type, entity_id, customer_id, to_address, status, tries,
            queued_at, tenant_id) SELECT 'msg_copy', key, 'copy', letter, entity_type, entity_id, customer_id, to_address,
            status, tries, queued_at, tenant_id FROM messages WHERE tenant_id = :tenant AND letter = 'payment_failed'""",
        "{books.pending.id}/payment_failed: 2",
    ),
}


def test_every_check_has_a_breakage_here() -> None:
    assert set(BREAKAGES) == set(CHECKS)


def test_good_books_have_no_findings(database: Database, ours: Furnished) -> None:
    with database.tenant(ours.tenant.id) as session:
        assert checks.run(session) == []


def test_the_books_are_good_after_an_overpayment_credit_that_was_used_and_reversals(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    first, second = (factories.issue_invoice(database, tenant, customer, amount=usd("40")) for _ in range(2))
    overpaid = factories.start_payment(database, tenant, first, amount=usd("60"), method=PaymentMethod.CASH)
    from_credit = factories.start_payment(database, tenant, second, amount=usd("20"), method=PaymentMethod.CREDIT)
    for payment in (overpaid, from_credit):
        factories.settle_payment(database, tenant, payment)
    reverse_payment(database, tenant, from_credit)
    reverse_payment(database, tenant, overpaid)
    with database.tenant(tenant.id) as session:
        assert checks.run(session) == []
        assert ledger.balances(session, customer.id) == {
            (Account.ACCOUNTS_RECEIVABLE, "USD"): usd("80"),
            (Account.CUSTOMER_CREDIT, "USD"): usd("0"),
        }


@pytest.mark.parametrize("check", BREAKAGES)
def test_a_breakage_is_found_and_named(database: Database, ours: Furnished, check: str) -> None:
    statement, told = BREAKAGES[check]
    with database.system() as session:
        _put_the_guards_to_sleep(session)
        session.execute(
            text(statement),
            {
                "tenant": ours.tenant.id,
                "paid": ours.paid.id,
                "unpaid": ours.unpaid.id,
                "payment": ours.payment.id,
                "pending": ours.pending.id,
                "void": ours.void.id,
                "lost": ours.lost.id,
            },
        )
        bind_to_tenant(session, ours.tenant.id)
        found = {finding.check: finding for finding in checks.run(session)}
        session.rollback()
    assert told.format(books=ours) in found[check].rows[0]
    assert found[check] == Finding(check, found[check].rows[:1])


def _put_the_guards_to_sleep(session: Session) -> None:
    """As somebody with the rights of the tables' owner could, for the length of this transaction."""
    for table in TABLES:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    session.execute(text("ALTER TABLE messages DROP CONSTRAINT uq_messages_tenant_id_key"))
    session.execute(text("ALTER TABLE gateway_transactions DROP CONSTRAINT ck_gateway_transactions_net_is_amount_less_fee"))
