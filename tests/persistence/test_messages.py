"""A letter is claimed once per entity, letter and step; what was sent stays sent (pains 6)."""

import pytest

from domain.customer import Tenant
from domain.errors import NotFoundError
from domain.letters import Letter
from persistence import messages
from persistence.database import Database
from persistence.messages import Claim
from tests import factories
from tests.factories import NOW
from tests.persistence.parallel import at_once


def reminder(database: Database, tenant: Tenant, *, email: str | None = "accounts@acacia.example") -> Claim:
    customer = factories.make_customer(database, tenant, email=email)
    invoice = factories.issue_invoice(database, tenant, customer)
    return Claim(Letter.PAYMENT_REMINDER, "Invoice", invoice.id, "0-remind", customer.id, invoice_id=invoice.id)


def claim(database: Database, tenant: Tenant, decided: Claim) -> str | None:
    with database.tenant(tenant.id) as session:
        return messages.claim(session, decided, NOW)


def test_of_eight_claims_at_once_one_row_is_made_and_all_get_its_id(database: Database, tenant: Tenant) -> None:
    decided = reminder(database, tenant)
    claimed = at_once([lambda: claim(database, tenant, decided)] * 8)
    with database.tenant(tenant.id) as session:
        found = messages.of_entity(session, "Invoice", decided.entity_id)
    assert {message.id for message in found} == set(claimed)
    assert len(found) == 1


def test_a_claim_queues_the_letter_to_the_customers_address(database: Database, tenant: Tenant) -> None:
    decided = reminder(database, tenant)
    claimed = claim(database, tenant, decided)
    assert claimed is not None
    with database.tenant(tenant.id) as session:
        message = messages.get(session, claimed)
        assert messages.by_key(session, f"{decided.entity_id}/payment_reminder/0-remind") == message
    assert (message.to_address, message.status, message.tries) == ("accounts@acacia.example", "QUEUED", 0)
    assert message.message_id.endswith(f".payment_reminder@{tenant.slug}.example>")


def test_another_step_is_another_letter(database: Database, tenant: Tenant) -> None:
    decided = reminder(database, tenant)
    later = Claim(Letter.OVERDUE_NOTICE, "Invoice", decided.entity_id, "1-overdue_notice", decided.customer_id)
    assert claim(database, tenant, decided) != claim(database, tenant, later)


def test_a_customer_without_an_address_gets_no_letter(database: Database, tenant: Tenant) -> None:
    assert claim(database, tenant, reminder(database, tenant, email=None)) is None


def test_what_was_sent_stays_sent_whatever_another_worker_believes(database: Database, tenant: Tenant) -> None:
    claimed = claim(database, tenant, reminder(database, tenant))
    assert claimed is not None
    with database.tenant(tenant.id) as session:
        messages.mark_deferred(session, claimed, "421 Try again later")
        messages.mark_sent(session, claimed, "Payment Reminder: Invoice CVT-000001", NOW)
    with database.tenant(tenant.id) as session:
        messages.mark_failed(session, claimed, "550 No such user", NOW)
        messages.mark_cancelled(session, claimed, "The invoice was paid.")
        messages.mark_deferred(session, claimed, "421 Try again later")
    with database.tenant(tenant.id) as session:
        message = messages.get(session, claimed)
    assert (message.status, message.tries, message.sent_at, message.error) == ("SENT", 2, NOW, None)


def test_a_deferred_letter_is_still_queued_with_its_error(database: Database, tenant: Tenant) -> None:
    claimed = claim(database, tenant, reminder(database, tenant))
    assert claimed is not None
    with database.tenant(tenant.id) as session:
        messages.mark_deferred(session, claimed, "421 Try again later")
    with database.tenant(tenant.id) as session:
        message = messages.get(session, claimed)
    assert (message.status, message.tries, message.error) == ("QUEUED", 1, "421 Try again later")


def test_the_log_is_paged_newest_first_and_filtered_by_status(database: Database, tenant: Tenant) -> None:
    ids = [str(claim(database, tenant, reminder(database, tenant))) for _ in range(3)]
    with database.tenant(tenant.id) as session:
        messages.mark_failed(session, ids[1], "550 No such user", NOW)
    with database.tenant(tenant.id) as session:
        first = messages.page(session, after=None, limit=2)
        rest = messages.page(session, after=first[-1].id, limit=2)
        failed = messages.page(session, after=None, limit=9, status="FAILED")
    assert [message.id for message in (*first, *rest)] == ids[::-1]
    assert [message.id for message in failed] == [ids[1]]


def test_a_message_that_is_not_there_is_named(database: Database, tenant: Tenant) -> None:
    with pytest.raises(NotFoundError, match="message msg_none"), database.tenant(tenant.id) as session:
        messages.get(session, "msg_none")
