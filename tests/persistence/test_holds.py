"""A customer is held once per reason, however many invoices are late; a step of a ladder is decided once (pains 6, 15)."""

from datetime import timedelta

from domain.customer import Customer, Tenant
from domain.standing import BillingStatus, HoldReason
from persistence import customers, holds
from persistence.database import Database
from tests import factories
from tests.factories import NOW
from tests.persistence.parallel import at_once


def place(database: Database, tenant: Tenant, customer: Customer, reason: HoldReason = HoldReason.OVERDUE) -> str | None:
    with database.tenant(tenant.id) as session:
        return holds.place(session, customer.id, reason, NOW)


def status(database: Database, tenant: Tenant, customer: Customer) -> BillingStatus:
    with database.tenant(tenant.id) as session:
        return customers.standing(session, customer.id, NOW.date()).billing_status


def test_of_eight_holds_placed_at_once_one_stands(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    placed = at_once([lambda: place(database, tenant, customer)] * 8)
    with database.tenant(tenant.id) as session:
        assert [hold for hold in placed if hold] == [holds.standing(session, customer.id)[HoldReason.OVERDUE]]


def test_lifting_one_reason_leaves_the_hold_that_staff_placed(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    overdue = place(database, tenant, customer)
    by_hand = place(database, tenant, customer, HoldReason.MANUAL)
    assert overdue is not None

    with database.tenant(tenant.id) as session:
        holds.lift(session, overdue, NOW + timedelta(days=1))

    with database.tenant(tenant.id) as session:
        assert holds.standing(session, customer.id) == {HoldReason.MANUAL: by_hand}
    assert status(database, tenant, customer) is BillingStatus.SUSPENDED


def test_a_customer_whose_last_hold_was_lifted_is_active_and_can_be_held_again(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    first = place(database, tenant, customer)
    assert first is not None
    with database.tenant(tenant.id) as session:
        holds.lift(session, first, NOW)
    assert status(database, tenant, customer) is BillingStatus.ACTIVE

    second = place(database, tenant, customer)
    assert second not in {None, first}
    assert status(database, tenant, customer) is BillingStatus.SUSPENDED


def test_a_hold_is_never_lifted_before_it_was_placed(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    hold = place(database, tenant, customer)
    assert hold is not None
    with database.tenant(tenant.id) as session:
        holds.lift(session, hold, NOW - timedelta(days=1))
        assert holds.standing(session, customer.id) == {}


def test_who_placed_and_lifted_a_hold_and_why_stays_on_record(database: Database, tenant: Tenant) -> None:
    customer, other = (factories.make_customer(database, tenant) for _ in range(2))
    overdue = place(database, tenant, customer)
    with database.tenant(tenant.id) as session:
        breach = holds.place(session, customer.id, HoldReason.BREACH, NOW, actor="Rudo", note="A till was opened.")
        holds.place(session, other.id, HoldReason.CLOSED, NOW)
        assert overdue is not None
        holds.lift(session, overdue, NOW + timedelta(days=1), actor="Chipo")
    with database.tenant(tenant.id) as session:
        assert [
            (hold.id, hold.reason, hold.note, hold.placed_by, hold.lifted_by)
            for hold in holds.page(session, customer.id, limit=9)
        ] == [(breach, "BREACH", "A till was opened.", "Rudo", None), (overdue, "OVERDUE", "", "system", "Chipo")]
        assert [hold.id for hold in holds.page(session, customer.id, after=breach, limit=9)] == [overdue]
        assert [hold.id for hold in holds.page(session, customer.id, limit=9, only_standing=True)] == [breach]
        assert holds.reasons_of(session, [customer.id, other.id, "cus_of_nobody"]) == {
            customer.id: {HoldReason.BREACH},
            other.id: {HoldReason.CLOSED},
        }


def test_what_became_of_a_step_is_decided_once(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)

    def decide() -> bool:
        with database.tenant(tenant.id) as session:
            return holds.decide_step(session, invoice.id, "0-remind", taken=True, now=NOW)

    assert sorted(at_once([decide] * 4)) == [False, False, False, True]
    with database.tenant(tenant.id) as session:
        assert not holds.decide_step(session, invoice.id, "0-remind", taken=False, now=NOW + timedelta(days=1))
        assert holds.decide_step(session, invoice.id, "1-overdue_notice", taken=False, now=NOW + timedelta(days=3))
        assert holds.steps(session, invoice.id) == [
            ("0-remind", "TAKEN", NOW),
            ("1-overdue_notice", "POINTLESS", NOW + timedelta(days=3)),
        ]
