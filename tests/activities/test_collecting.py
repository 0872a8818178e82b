"""Steps taken by hand: what was paid meanwhile is not chased, and a step taken twice is one letter and one hold."""

import pytest

from activities.collecting import Collecting, LookRequest, Standing, StepRequest
from domain.customer import Tenant
from domain.dunning import Action
from domain.invoice import Invoice, InvoiceState
from domain.standing import HoldReason
from persistence import holds, messages
from persistence.database import Database
from tests import factories


@pytest.fixture
def collecting(database: Database) -> Collecting:
    return Collecting(database)


@pytest.fixture
def invoice(database: Database, tenant: Tenant) -> Invoice:
    return factories.issue_invoice(database, tenant)


def step(tenant: Tenant, invoice: Invoice, key: str, action: Action) -> StepRequest:
    return StepRequest(tenant.id, invoice.id, invoice.customer_id, key, action, factories.NOW)


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


@pytest.mark.parametrize("action", list(Action))
def test_a_step_that_was_due_when_the_invoice_was_paid_is_pointless_and_writes_no_letter(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting, action: Action
) -> None:
    paid(database, tenant, invoice)
    standing = collecting.take_step(step(tenant, invoice, f"1-{action.value}", action))
    assert standing == Standing(InvoiceState.PAID, factories.usd("0.00"), is_suspending=False, message_id=None)
    assert letters(database, tenant, invoice) == []
    assert held(database, tenant, invoice) == []
    with database.tenant(tenant.id) as session:
        assert [(key, outcome) for key, outcome, _ in holds.steps(session, invoice.id)] == [(f"1-{action.value}", "POINTLESS")]


@pytest.mark.parametrize("action", list(Action))
def test_a_step_whose_answer_was_lost_is_one_letter_and_the_same_answer(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting, action: Action
) -> None:
    request = step(tenant, invoice, f"1-{action.value}", action)
    first = collecting.take_step(request)
    assert first.message_id is not None
    assert collecting.take_step(request) == first
    assert letters(database, tenant, invoice) == [action.letter.value]


def test_two_overdue_notices_of_one_ladder_are_two_letters(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting
) -> None:
    for key in ("1-overdue_notice", "2-overdue_notice"):
        collecting.take_step(step(tenant, invoice, key, Action.OVERDUE_NOTICE))
    assert letters(database, tenant, invoice) == ["overdue_notice", "overdue_notice"]


def test_the_second_late_invoice_finds_the_customer_suspended_and_writes_no_second_letter(
    database: Database, tenant: Tenant, collecting: Collecting
) -> None:
    customer = factories.make_customer(database, tenant)
    first, second = (factories.issue_invoice(database, tenant, customer) for _ in range(2))
    assert collecting.take_step(step(tenant, first, "4-suspend", Action.SUSPEND)).message_id is not None
    standing = collecting.take_step(step(tenant, second, "4-suspend", Action.SUSPEND))
    assert (standing.is_suspending, standing.message_id) == (True, None)
    assert held(database, tenant, second) == [HoldReason.OVERDUE]


def test_a_look_whose_answer_was_lost_gives_the_reactivation_letter_again(
    database: Database, tenant: Tenant, invoice: Invoice, collecting: Collecting
) -> None:
    collecting.take_step(step(tenant, invoice, "4-suspend", Action.SUSPEND))
    paid(database, tenant, invoice)
    first = collecting.look_again(look(tenant, invoice))
    assert first.message_id is not None
    assert collecting.look_again(look(tenant, invoice)) == first
    assert letters(database, tenant, invoice) == ["suspension_notice", "reactivation_confirmation"]
    assert held(database, tenant, invoice) == []


def test_a_look_lifts_nothing_while_another_invoice_suspends(
    database: Database, tenant: Tenant, collecting: Collecting
) -> None:
    customer = factories.make_customer(database, tenant)
    first, second = (factories.issue_invoice(database, tenant, customer) for _ in range(2))
    for invoice in (first, second):
        collecting.take_step(step(tenant, invoice, "4-suspend", Action.SUSPEND))
    paid(database, tenant, first)
    assert collecting.look_again(look(tenant, first)).message_id is None
    assert held(database, tenant, first) == [HoldReason.OVERDUE]


def test_a_customer_without_an_address_is_suspended_without_a_letter(
    database: Database, tenant: Tenant, collecting: Collecting
) -> None:
    invoice = factories.issue_invoice(database, tenant, factories.make_customer(database, tenant, email=None))
    standing = collecting.take_step(step(tenant, invoice, "4-suspend", Action.SUSPEND))
    assert (standing.is_suspending, standing.message_id) == (True, None)
    assert held(database, tenant, invoice) == [HoldReason.OVERDUE]


def test_a_customer_suspended_twice_is_told_each_time_and_let_back_in_each_time(
    database: Database, tenant: Tenant, collecting: Collecting
) -> None:
    customer = factories.make_customer(database, tenant)
    for _ in range(2):
        invoice = factories.issue_invoice(database, tenant, customer)
        suspended = collecting.take_step(step(tenant, invoice, "4-suspend", Action.SUSPEND))
        paid(database, tenant, invoice)
        lifted = collecting.look_again(look(tenant, invoice))
        assert suspended.message_id is not None
        assert lifted.message_id is not None
        assert letters(database, tenant, invoice) == ["suspension_notice", "reactivation_confirmation"]
