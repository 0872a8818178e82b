"""What the database itself holds of staff moves: what closes an invoice is on record, and a move is decided once, as asked."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from activities import closing
from domain import ledger as entries
from domain.customer import Tenant
from domain.ids import Prefix
from domain.invoice import Invoice, InvoiceState
from domain.moves import Move, MoveKind
from persistence import credit_notes, invoices, ledger, moves
from persistence.columns import new_id
from persistence.database import Database
from tests import factories
from tests.factories import NOW, usd
from tests.persistence.furnished import Furnished
from tests.persistence.refusals import NO_RIGHT, refused_by, refused_with


@pytest.fixture
def invoice(database: Database, tenant: Tenant) -> Invoice:
    return factories.issue_invoice(database, tenant)


def post_void(session: Session, invoice: Invoice) -> None:
    detail = invoices.get(session, invoice.id)
    ledger.post(session, entries.invoice_voided(invoice, detail.net, detail.tax), NOW)


def issue_note(session: Session, invoice: Invoice) -> None:
    credit_notes.issue(
        session,
        invoices.get(session, invoice.id),
        prefix="CVT-",
        reason="It was issued twice.",
        actor="Rudo",
        now=NOW,
        issued_on=date(2026, 11, 1),
    )


def test_an_invoice_cannot_be_voided_without_a_credit_note(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    with refused_by("invoices_void_by_credit_note"), database.tenant(tenant.id) as session:
        post_void(session, invoice)
        invoices.close(session, invoice.id, InvoiceState.VOID, NOW)


def test_a_credit_note_must_be_over_the_whole_invoice(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    with refused_by("invoices_void_by_credit_note"), database.system() as system:
        system.execute(text("SELECT set_config('dunlin.tenant_id', :t, true)"), {"t": tenant.id})
        post_void(system, invoice)
        issue_note(system, invoice)
        half = text("UPDATE credit_notes SET net = net / 2, total = total / 2, credited = 0 WHERE invoice_id = :i")
        system.execute(half, {"i": invoice.id})
        invoices.close(system, invoice.id, InvoiceState.VOID, NOW)


def test_an_invoice_with_a_credit_note_cannot_be_closed_as_something_else(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    with refused_by("invoices_void_by_credit_note"), database.tenant(tenant.id) as session:
        ledger.post(session, entries.invoice_written_off(invoice), NOW)
        issue_note(session, invoice)
        invoices.close(session, invoice.id, InvoiceState.WRITTEN_OFF, NOW)


def test_an_invoice_is_written_off_with_its_bad_debt_in_the_ledger_only(
    database: Database, tenant: Tenant, invoice: Invoice
) -> None:
    with refused_by("invoices_written_off_in_ledger"), database.tenant(tenant.id) as session:
        post_void(session, invoice)
        invoices.close(session, invoice.id, InvoiceState.WRITTEN_OFF, NOW)


def test_what_was_written_off_is_not_paid(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    with refused_by("invoices_written_off_in_ledger"), database.tenant(tenant.id) as session:
        ledger.post(session, entries.invoice_written_off(invoice), NOW)
        invoices.close(session, invoice.id, InvoiceState.PAID, NOW)


@pytest.mark.parametrize("state", ["OPEN", "PAID"])
@pytest.mark.parametrize("which", ["void", "lost"])
def test_what_was_voided_or_written_off_stays_so(database: Database, ours: Furnished, which: str, state: str) -> None:
    closed: Invoice = getattr(ours, which)
    with refused_by("invoices_closed_stays_closed"), database.tenant(ours.tenant.id) as session:
        change = text("UPDATE invoices SET state = :state, amount_due = :due, closed_at = :closed_at WHERE id = :id")
        is_open = state == "OPEN"
        session.execute(change, {"state": state, "due": int(is_open), "closed_at": None if is_open else NOW, "id": closed.id})


def test_an_invoice_has_one_credit_note(database: Database, ours: Furnished) -> None:
    with refused_by("uq_credit_notes_invoice_id"), database.tenant(ours.tenant.id) as session:
        issue_note(session, ours.void)


def test_a_credit_note_stays_as_it_was_issued(database: Database, ours: Furnished) -> None:
    with refused_with(NO_RIGHT, "permission denied for table credit_notes"), database.tenant(ours.tenant.id) as session:
        session.execute(text("UPDATE credit_notes SET reason = 'Another one.'"))


def test_credit_notes_and_invoices_are_numbered_apart_and_without_a_gap(database: Database, tenant: Tenant) -> None:
    numbers = []
    for _ in range(2):
        issued = factories.issue_invoice(database, tenant)
        with database.tenant(tenant.id) as session:
            closing.void(session, invoices.get(session, issued.id), "Rudo", NOW, reason="It was issued twice.")
            note = credit_notes.of_invoice(session, issued.id)
            assert note is not None
            numbers += [issued.number, note.number]
    assert numbers == ["CVT-000001", "CVT-CN-000001", "CVT-000002", "CVT-CN-000002"]


def ask(database: Database, tenant: Tenant, invoice: Invoice) -> Move:
    move = Move(new_id(Prefix.STAFF_MOVE), MoveKind.PAUSE, invoice.due_on)
    with database.tenant(tenant.id) as session:
        moves.request(
            session, move, invoice_id=invoice.id, customer_id=invoice.customer_id, reason="A promise.", actor="Rudo", now=NOW
        )
    return move


@pytest.mark.parametrize(
    "assignment",
    [
        "kind = 'VOID'",
        "invoice_id = NULL",
        "details = '{}'",
        "reason = 'Another one.'",
        "actor = 'Somebody else'",
        "requested_at = requested_at - interval '1 day'",
    ],
)
def test_what_staff_asked_for_never_changes(database: Database, tenant: Tenant, invoice: Invoice, assignment: str) -> None:
    move = ask(database, tenant, invoice)
    with refused_by("staff_moves_facts_never_change"), database.tenant(tenant.id) as session:
        session.execute(text(f"UPDATE staff_moves SET {assignment} WHERE id = :id"), {"id": move.id})


@pytest.mark.parametrize("status", ["REQUESTED", "REFUSED"])
def test_a_move_that_was_made_stays_made(database: Database, tenant: Tenant, invoice: Invoice, status: str) -> None:
    move = ask(database, tenant, invoice)
    with database.tenant(tenant.id) as session:
        moves.mark_done(session, move.id, NOW)
    with refused_by("staff_moves_decided_once"), database.tenant(tenant.id) as session:
        back = text("UPDATE staff_moves SET status = :s, decided_at = :at WHERE id = :id")
        session.execute(back, {"s": status, "at": None if status == "REQUESTED" else NOW, "id": move.id})


def test_what_is_given_up_is_what_is_left(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    """A bad debt over more than is due would leave a receivable below zero."""
    with refused_by("invoices_agree_with_ledger"), database.tenant(tenant.id) as session:
        part = factories.start_payment(database, tenant, invoice, amount=usd("5"))
        factories.settle_payment(database, tenant, part)
        ledger.post(session, entries.invoice_written_off(invoice), NOW)
        invoices.close(session, invoice.id, InvoiceState.WRITTEN_OFF, NOW)
