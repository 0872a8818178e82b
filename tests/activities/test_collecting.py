"""Steps taken by hand: what was paid meanwhile is not chased, and a step taken twice is one letter and one hold."""

from datetime import time, timedelta

import pytest

from activities.collecting import Collecting, LookRequest, StepRequest
from domain.calendar import local_instant
from domain.customer import Tenant
from domain.dunning_ladder import Action
from domain.invoice import Invoice, InvoiceState
from domain.standing import HoldReason
from persistence import chasing, holds, messages
from persistence.database import Database
from tests import factories


@pytest.fixture
def collecting(database: Database) -> Collecting:
    return Collecting(database)


@pytest.fixture
def invoice(database: Database, tenant: Tenant) -> Invoice:
    return factories.issue_invoice(database, tenant)


# The ladder by default: three days before the due day, on it, 7, 14 and 21 days after it.
LADDER = {
    "0-remind": (Action.REMIND, -3, "payment_reminder"),
    "1-overdue_notice": (Action.OVERDUE_NOTICE, 0, "overdue_notice"),
    "2-overdue_notice": (Action.OVERDUE_NOTICE, 7, "overdue_notice"),
    "3-final_warning": (Action.FINAL_WARNING, 14, "final_warning"),
    "4-suspend": (Action.SUSPEND, 21, "suspension_notice"),
}


def step(tenant: Tenant, invoice: Invoice, key: str) -> StepRequest:
    """A step of the ladder at ten in the morning of its day."""
    action, days, _ = LADDER[key]
    due_at = local_instant(invoice.due_on, time(10), tenant.time_zone)
    return StepRequest(tenant.id, invoice.id, invoice.customer_id, key, action, due_at + timedelta(days=days))


def look(tenant: Tenant, invoice: Invoice) -> LookRequest:
    return LookRequest(tenant.id, invoice.id, invoice.customer_id, factories.NOW)


def paid(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice))


def letters(database: Database, tenant: Tenant, invoice: Invoice) -> list[str]:
    with database.tenant(tenant.id) as session:
        return [message.letter.value for message in messages.of_invoice(session, invoice.id)]


def held(database: Database, tenant: Tenant, invoice: Invoice) -> list[HoldReason]:
    with database.tenant(tenant.id) as session:
        return list(holds.standing(session, invoice.customer_id))


@pytest.mark.parametrize("key", list(LADDER))
def test_a_step_that_was_due_when_the_invoice_was_paid_is_pointless_and_writes_no_letter(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting, key: str
) -> None:
    paid(database, tenant, invoice)
    standing = collecting.take_step(step(tenant, invoice, key))
    assert (standing.state, standing.amount_due) == (InvoiceState.PAID, factories.usd("0.00"))
    assert (standing.is_suspending, standing.message_id) == (False, None)
    assert letters(database, tenant, invoice) == []
    assert held(database, tenant, invoice) == []
    with database.tenant(tenant.id) as session:
        assert [(key, outcome) for key, outcome, _ in holds.steps(session, invoice.id)] == [(key, "POINTLESS")]


@pytest.mark.parametrize("key", list(LADDER))
def test_a_step_whose_answer_was_lost_is_one_letter_and_the_same_answer(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting, key: str
) -> None:
    request = step(tenant, invoice, key)
    first = collecting.take_step(request)
    assert first.message_id is not None
    assert collecting.take_step(request) == first
    assert letters(database, tenant, invoice) == [LADDER[key][2]]


def test_two_overdue_notices_of_one_ladder_are_two_letters(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting
) -> None:
    for key in ("1-overdue_notice", "2-overdue_notice"):
        collecting.take_step(step(tenant, invoice, key))
    assert letters(database, tenant, invoice) == ["overdue_notice", "overdue_notice"]


def test_the_second_late_invoice_finds_the_customer_suspended_and_writes_no_second_letter(
    database: Database, tenant: Tenant, collecting: Collecting
) -> None:
    customer = factories.make_customer(database, tenant)
    first, second = (factories.issue_invoice(database, tenant, customer) for _ in range(2))
    assert collecting.take_step(step(tenant, first, "4-suspend")).message_id is not None
    standing = collecting.take_step(step(tenant, second, "4-suspend"))
    assert (standing.is_suspending, standing.message_id) == (True, None)
    assert held(database, tenant, second) == [HoldReason.OVERDUE]


def test_the_transaction_that_settles_the_money_lifts_the_suspension_and_a_look_finds_nothing_left_to_do(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting
) -> None:
    collecting.take_step(step(tenant, invoice, "4-suspend"))
    paid(database, tenant, invoice)
    assert held(database, tenant, invoice) == []
    assert letters(database, tenant, invoice) == ["suspension_notice", "reactivation_confirmation"]
    assert collecting.look_again(look(tenant, invoice)).message_id is None, "the payment's workflow sends that letter"
    assert letters(database, tenant, invoice) == ["suspension_notice", "reactivation_confirmation"]


def test_a_look_whose_answer_was_lost_gives_the_reactivation_letter_again(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting
) -> None:
    collecting.take_step(step(tenant, invoice, "4-suspend"))
    with database.tenant(tenant.id) as session:
        chasing.mark_disputed(session, invoice.id, factories.NOW)
    first = collecting.look_again(look(tenant, invoice))
    assert first.message_id is not None
    assert collecting.look_again(look(tenant, invoice)) == first
    assert letters(database, tenant, invoice) == ["suspension_notice", "reactivation_confirmation"]
    assert held(database, tenant, invoice) == []


def test_a_customer_whom_staff_hold_already_is_not_told_of_a_suspension_over_debt(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting
) -> None:
    with database.tenant(tenant.id) as session:
        holds.place(session, invoice.customer_id, HoldReason.MANUAL, factories.NOW, actor="Rudo")
    assert collecting.take_step(step(tenant, invoice, "4-suspend")).message_id is None
    assert sorted(held(database, tenant, invoice)) == [HoldReason.MANUAL, HoldReason.OVERDUE]
    paid(database, tenant, invoice)
    assert held(database, tenant, invoice) == [HoldReason.MANUAL]
    assert letters(database, tenant, invoice) == []


def test_a_look_lifts_nothing_while_another_invoice_suspends(
    database: Database, tenant: Tenant, collecting: Collecting
) -> None:
    customer = factories.make_customer(database, tenant)
    first, second = (factories.issue_invoice(database, tenant, customer) for _ in range(2))
    for invoice in (first, second):
        collecting.take_step(step(tenant, invoice, "4-suspend"))
    paid(database, tenant, first)
    assert collecting.look_again(look(tenant, first)).message_id is None
    assert held(database, tenant, first) == [HoldReason.OVERDUE]


def test_a_customer_without_an_address_is_suspended_without_a_letter(
    database: Database, tenant: Tenant, collecting: Collecting
) -> None:
    invoice = factories.issue_invoice(database, tenant, factories.make_customer(database, tenant, email=None))
    standing = collecting.take_step(step(tenant, invoice, "4-suspend"))
    assert (standing.is_suspending, standing.message_id) == (True, None)
    assert held(database, tenant, invoice) == [HoldReason.OVERDUE]


def test_a_customer_suspended_twice_is_told_each_time_and_let_back_in_each_time(
    database: Database, tenant: Tenant, collecting: Collecting
) -> None:
    customer = factories.make_customer(database, tenant)
    for _ in range(2):
        invoice = factories.issue_invoice(database, tenant, customer)
        assert collecting.take_step(step(tenant, invoice, "4-suspend")).message_id is not None
        paid(database, tenant, invoice)
        assert letters(database, tenant, invoice) == ["suspension_notice", "reactivation_confirmation"]
