"""The checks that anyone can run: silent on good books, and each finds the breakage that it is for."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from persistence import checks
from persistence.checks import CHECKS, Finding
from persistence.database import Database, bind_to_tenant
from tests.persistence.furnished import Furnished

TABLES = ("invoices", "invoice_lines", "ledger_postings", "payments", "audit_log", "messages", "number_series")

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
    "no invoice number is missing or doubled": (
        "UPDATE number_series SET last_number = last_number + 1 WHERE tenant_id = :tenant",
        "invoice: last 4, invoices 3",
    ),
    "an invoice's lines make its totals": (
        "UPDATE invoice_lines SET net = net + 1, gross = gross + 1 WHERE invoice_id = :unpaid AND position = 1",
        "{books.unpaid.number}",
    ),
    "a settled payment is used in full": (
        "DELETE FROM allocations WHERE payment_id = :payment",
        "{books.payment.id}",
    ),
    "every payment has an audit entry": (
        "DELETE FROM audit_log WHERE resource_id = :pending",
        "{books.pending.id}",
    ),
    "a customer gets one letter per step": (
        """INSERT INTO messages (id, key, message_id, letter, entity_type, entity_id, customer_id, to_address, status, tries,
            queued_at, tenant_id) SELECT 'msg_copy', key, 'copy', letter, entity_type, entity_id, customer_id, to_address,
            status, tries, queued_at, tenant_id FROM messages WHERE tenant_id = :tenant""",
        "{books.pending.id}/payment_failed: 2",
    ),
}


def test_every_check_has_a_breakage_here() -> None:
    assert set(BREAKAGES) == set(CHECKS)


def test_good_books_have_no_findings(database: Database, ours: Furnished) -> None:
    with database.tenant(ours.tenant.id) as session:
        assert checks.run(session) == []


@pytest.mark.parametrize("check", BREAKAGES)
def test_a_breakage_is_found_and_named(database: Database, ours: Furnished, check: str) -> None:
    statement, told = BREAKAGES[check]
    with database.system() as session:
        _put_the_guards_to_sleep(session)
        session.execute(
            text(statement),
            {"tenant": ours.tenant.id, "unpaid": ours.unpaid.id, "payment": ours.payment.id, "pending": ours.pending.id},
        )
        bind_to_tenant(session, ours.tenant.id)
        found = {finding.check: finding for finding in checks.run(session)}
        session.rollback()
    assert told.format(books=ours) in found[check].rows[0]
    assert found[check] == Finding(check, found[check].rows[:1])


def _put_the_guards_to_sleep(session: Session) -> None:
    """As somebody with the rights of the tables' owner could, for the length of this transaction."""
    for table in (*TABLES, "allocations"):
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    session.execute(text("ALTER TABLE messages DROP CONSTRAINT uq_messages_tenant_id_key"))
