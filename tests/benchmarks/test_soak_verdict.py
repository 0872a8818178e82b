"""The judge of a soak names what did not happen, and what happened twice."""

from benchmarks.soak_letters import sort_post
from benchmarks.soak_verdict import faults_in_books
from domain.customer import Tenant
from domain.standing import HoldReason
from persistence import audit, holds
from persistence.database import Database
from tests import factories

PLAN = ["0-remind", "1-overdue_notice", "2-overdue_notice", "3-final_warning", "4-suspend"]
STRANGER = {"MessageID": "ab12.final_warning@acacia.example", "To": [{"Name": "", "Address": "anna@soak.example"}]}


def test_an_invoice_that_was_only_issued_is_named_with_all_that_it_lacks(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    with database.tenant(tenant.id) as session:
        faults = faults_in_books(session, sort_post([]), customers=1)
    assert faults == [
        f"Invoice {invoice.number} took no steps, and its plan is {PLAN}.",
        f"Invoice {invoice.number} is OPEN, not PAID.",
        "CUSTOMER_SUSPENDED stands 0 times in the audit log, for 1 customers.",
        "CUSTOMER_HOLD_LIFTED stands 0 times in the audit log, for 1 customers.",
    ]


def test_a_customer_who_was_suspended_twice_and_a_letter_nobody_logged_are_named(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    with database.tenant(tenant.id) as session:
        hold_id = holds.place(session, customer.id, HoldReason.OVERDUE, factories.NOW)
        for action in ("CUSTOMER_SUSPENDED", "CUSTOMER_SUSPENDED", "CUSTOMER_HOLD_LIFTED"):
            audit.record(session, factories.NOW, audit.SYSTEM, action, "Customer", customer.id, hold_id=hold_id)
        faults = faults_in_books(session, sort_post([STRANGER]), customers=1)
    assert faults == [
        "The inbox has 1 letters that the log does not know.",
        "CUSTOMER_SUSPENDED stands 2 times in the audit log, for 1 customers.",
    ]
