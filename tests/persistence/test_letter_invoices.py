"""A letter to a customer with several late invoices lists each of them once, and each of them shows it."""

import pytest

from domain.customer import Tenant
from domain.invoice import Invoice
from domain.letters import Letter
from persistence import letter_invoices, messages
from persistence.database import Database
from persistence.messages import Claim
from tests import factories
from tests.factories import NOW
from tests.persistence.parallel import at_once


@pytest.fixture
def late(database: Database, tenant: Tenant) -> list[Invoice]:
    """Three invoices of one customer."""
    customer = factories.make_customer(database, tenant)
    return [factories.issue_invoice(database, tenant, customer) for _ in range(3)]


def claim(database: Database, tenant: Tenant, sender: Invoice, day: str = "2026-11-15") -> str:
    decided = Claim(
        Letter.OVERDUE_NOTICE, "Customer", sender.customer_id, f"{day}.USD", sender.customer_id, invoice_id=sender.id
    )
    with database.tenant(tenant.id) as session:
        claimed = messages.claim(session, decided, NOW)
    assert claimed is not None
    return claimed


def test_an_invoice_is_on_a_list_once_however_often_it_is_put_there(
    database: Database, tenant: Tenant, late: list[Invoice]
) -> None:
    letter = claim(database, tenant, late[0])

    def put() -> None:
        with database.tenant(tenant.id) as session:
            letter_invoices.add(session, letter, [invoice.id for invoice in late[:2]])

    at_once([put] * 4)
    with database.tenant(tenant.id) as session:
        letter_invoices.add(session, letter, [late[2].id, late[0].id])
        assert letter_invoices.of_message(session, letter) == sorted(invoice.id for invoice in late)


def test_every_invoice_shows_the_letters_that_list_it_in_the_order_of_time(
    database: Database, tenant: Tenant, late: list[Invoice]
) -> None:
    first, second = (claim(database, tenant, late[0], day) for day in ("2026-11-15", "2026-11-22"))
    with database.tenant(tenant.id) as session:
        letter_invoices.add(session, first, [late[0].id, late[1].id])
        letter_invoices.add(session, second, [late[0].id, late[1].id, late[2].id])
        shown = [[message.id for message in messages.of_invoice(session, invoice.id)] for invoice in late]
    assert shown == [[first, second], [first, second], [second]]


def test_a_letter_about_one_thing_lists_nothing(database: Database, tenant: Tenant, late: list[Invoice]) -> None:
    letter = claim(database, tenant, late[0])
    with database.tenant(tenant.id) as session:
        assert letter_invoices.of_message(session, letter) == []
        assert [message.id for message in messages.of_invoice(session, late[0].id)] == [letter]


def test_a_letter_that_was_written_has_its_subject_before_it_is_sent(
    database: Database, tenant: Tenant, late: list[Invoice]
) -> None:
    letter = claim(database, tenant, late[0])
    with database.tenant(tenant.id) as session:
        messages.mark_written(session, letter, "OVERDUE: 3 invoices")
    with database.tenant(tenant.id) as session:
        written = messages.get(session, letter)
        messages.mark_sent(session, letter, "OVERDUE: 2 invoices", NOW)
    with database.tenant(tenant.id) as session:
        messages.mark_written(session, letter, "OVERDUE: 1 invoice")
        sent = messages.get(session, letter)
    assert (written.status, written.subject, written.tries) == ("QUEUED", "OVERDUE: 3 invoices", 0)
    assert (sent.status, sent.subject) == ("SENT", "OVERDUE: 2 invoices")
