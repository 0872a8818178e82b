"""What the database itself holds about links, reversals and credit, whoever writes to it."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.customer import Tenant
from domain.ledger import Account, Cause, Entry, Posting
from domain.payment import PaymentMethod, PaymentStatus
from domain.payment_link import LinkStatus, LinkType
from persistence import checks, invoices, ledger, links, payments
from persistence.database import Database
from tests import factories
from tests.factories import NOW, usd
from tests.linking import link_now, make_link, own_link
from tests.persistence.furnished import Furnished
from tests.persistence.refusals import refused_by
from tests.reversals import reverse_payment


def update(session: Session, link_id: str, assignment: str) -> None:
    session.execute(text(f"UPDATE payment_links SET {assignment} WHERE id = :id"), {"id": link_id})


@pytest.mark.parametrize(
    "assignment",
    [
        "code = 'pay_anotheronethat'",
        "type = 'DEPOSIT', invoice_id = NULL",
        "amount = amount + 1",
        "currency = 'ZAR'",
        "created_at = created_at - interval '1 day'",
        "created_by = 'somebody else'",
    ],
)
def test_what_a_link_asks_for_never_changes(database: Database, ours: Furnished, assignment: str) -> None:
    with refused_by("payment_links_facts_never_change"), database.tenant(ours.tenant.id) as session:
        update(session, ours.link.id, assignment)


def test_a_link_never_becomes_another_customers_or_invoices(database: Database, ours: Furnished) -> None:
    other = factories.make_customer(database, ours.tenant)
    for assignment in (f"customer_id = '{other.id}'", f"invoice_id = '{ours.paid.id}'"):
        with refused_by("payment_links_facts_never_change"), database.tenant(ours.tenant.id) as session:
            update(session, ours.link.id, assignment)


@pytest.mark.parametrize("status", ["EXPIRED", "CANCELLED"])
@pytest.mark.parametrize("later", ["ACTIVE", "PAID"])
def test_an_expired_or_cancelled_link_stays_so(database: Database, tenant: Tenant, status: str, later: str) -> None:
    link = make_link(database, tenant)
    with database.tenant(tenant.id) as session:
        update(session, link.id, f"status = '{status}', closed_at = now()")
    closed = "NULL" if later == "ACTIVE" else "now()"
    with refused_by("payment_links_closed_stays_closed"), database.tenant(tenant.id) as session:
        update(session, link.id, f"status = '{later}', closed_at = {closed}")


@pytest.mark.parametrize("later", ["EXPIRED", "CANCELLED"])
def test_a_paid_link_is_neither_expired_nor_cancelled(database: Database, tenant: Tenant, later: str) -> None:
    link = make_link(database, tenant)
    with database.tenant(tenant.id) as session:
        links.mark_paid(session, link.id, [], NOW)
    with refused_by("payment_links_closed_stays_closed"), database.tenant(tenant.id) as session:
        update(session, link.id, f"status = '{later}'")


def test_a_code_is_given_once(database: Database, ours: Furnished, theirs: Furnished) -> None:
    """Not even to another business: the code alone says whose link it is."""
    with refused_by("uq_payment_links_code"), database.tenant(ours.tenant.id) as session:
        links.add_own(
            session,
            code=theirs.link.code,
            customer_id=ours.customer.id,
            invoice_id=ours.unpaid.id,
            currency="USD",
            now=NOW,
        )


@pytest.mark.parametrize("early", [PaymentStatus.PENDING, PaymentStatus.FAILED])
def test_only_what_was_settled_is_reversed(database: Database, ours: Furnished, early: PaymentStatus) -> None:
    with refused_by("payments_status_only_climbs"), database.tenant(ours.tenant.id) as session:
        if early is PaymentStatus.FAILED:
            payments.fail(session, ours.pending.id, "The payment was refused.", NOW)
        payments.reverse(session, ours.pending.id, "Never came.", NOW)


def test_a_reversal_outside_the_ledger_is_refused(database: Database, ours: Furnished) -> None:
    with refused_by("payments_are_posted"), database.tenant(ours.tenant.id) as session:
        payments.reverse(session, ours.payment.id, "The cheque bounced.", NOW)


def test_a_reversed_payment_is_not_settled_again(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    payment = factories.start_payment(database, tenant, invoice, method=PaymentMethod.CASH)
    factories.settle_payment(database, tenant, payment)
    reverse_payment(database, tenant, payment)
    with refused_by("payments_status_only_climbs"), database.tenant(tenant.id) as session:
        session.execute(
            text("UPDATE payments SET status = 'SETTLED', reversed_at = NULL, reversal_reason = NULL WHERE id = :id"),
            {"id": payment.id},
        )


def test_a_reversal_opens_the_invoice_and_its_own_link_again_and_leaves_others_closed(
    database: Database, tenant: Tenant
) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    own, instalment = own_link(database, tenant, invoice), make_link(database, tenant, LinkType.CUSTOM, invoice=invoice)
    payment = factories.start_payment(database, tenant, invoice, method=PaymentMethod.CASH)
    factories.settle_payment(database, tenant, payment)

    reverse_payment(database, tenant, payment)

    assert link_now(database, tenant, own) == own
    assert link_now(database, tenant, instalment).status is LinkStatus.PAID
    with database.tenant(tenant.id) as session:
        assert invoices.get(session, invoice.id).invoice == invoice
        assert checks.run(session) == []


def test_nobody_uses_more_credit_than_there_is(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice, amount=usd("45")))
    spend(database, tenant, invoice.customer_id, "5")
    with refused_by("customer_credit_never_negative"):
        spend(database, tenant, invoice.customer_id, "0.01")


def spend(database: Database, tenant: Tenant, customer_id: str, amount: str) -> None:
    """Take credit out of the books as if it were paid out; each amount is a cause of its own."""
    postings = (
        Posting(Account.CUSTOMER_CREDIT, usd(amount), customer_id=customer_id),
        Posting(Account.BANK, -usd(amount)),
    )
    with database.tenant(tenant.id) as session:
        ledger.post(session, Entry(Cause.FEE_CORRECTED, f"paid out {amount}", postings), NOW)
