"""What a customer is written whom staff suspended: the reason in their words, no amount, and no button to pay with."""

import pytest

from activities.letter_facts import is_wanted, letter_facts
from domain.customer import Tenant
from domain.letters import SuspensionNoticeFacts
from domain.standing import HoldReason
from mail.letters import RenderedLetter, render
from persistence import links, messages, tenants
from persistence.database import Database
from tests import factories
from tests.activities.test_customer_moving import NOTE, Desk
from tests.factories import NOW

STAFFS = [reason for reason in HoldReason if reason not in {HoldReason.OVERDUE, HoldReason.CLOSED}]


@pytest.fixture
def desk(database: Database, tenant: Tenant) -> Desk:
    return Desk(database, tenant, factories.make_customer(database, tenant))


def written(desk: Desk, message_id: str) -> tuple[SuspensionNoticeFacts, RenderedLetter]:
    with desk.database.tenant(desk.tenant.id) as session:
        message = messages.get(session, message_id)
        assert is_wanted(session, message, NOW)
        facts = letter_facts(session, message, lambda token: f"https://pay.example/{token}", NOW)
        assert isinstance(facts, SuspensionNoticeFacts)
        return facts, render(facts, tenants.branding(session))


@pytest.mark.parametrize("reason", STAFFS)
def test_the_letter_tells_the_reason_and_asks_for_no_money(desk: Desk, reason: HoldReason) -> None:
    desk.invoice()
    (message_id,) = desk.place(reason).message_ids
    facts, letter = written(desk, message_id)
    assert (facts.reason, facts.amount_overdue, facts.payment_link) == (reason.in_words, None, None)
    assert f"Reason: {reason.in_words}" in letter.text
    assert "Pay now" not in letter.text
    assert "Pay Now" not in letter.html
    assert NOTE not in letter.text + letter.html, "what staff note is for staff"


def test_who_is_held_over_debt_is_asked_to_pay_whatever_else_holds_them(desk: Desk) -> None:
    invoice = desk.invoice()
    desk.suspend(invoice)
    with desk.database.tenant(desk.tenant.id) as session:
        (message,) = messages.of_entity(session, "Customer", desk.customer.id)
    desk.place(HoldReason.MANUAL)
    facts, letter = written(desk, message.id)
    assert facts.reason == f"Invoice {invoice.number} is still unpaid after our final warning."
    assert facts.amount_overdue == invoice.total
    assert f"Pay now: {facts.payment_link}" in letter.text


def test_a_letter_is_not_sent_once_its_hold_is_lifted(desk: Desk) -> None:
    (message_id,) = desk.place(HoldReason.MANUAL).message_ids
    desk.place(HoldReason.BREACH)
    desk.lift(HoldReason.MANUAL)
    with desk.database.tenant(desk.tenant.id) as session:
        assert not is_wanted(session, messages.get(session, message_id), NOW)


def test_where_several_invoices_suspend_the_letter_names_them_and_its_button_pays_all(desk: Desk) -> None:
    first, second = desk.invoice(), desk.invoice()
    desk.suspend(first)
    desk.suspend(second)
    with desk.database.tenant(desk.tenant.id) as session:
        (message,) = messages.of_entity(session, "Customer", desk.customer.id)
    facts, _ = written(desk, message.id)
    assert facts.reason == f"Invoices {first.number} and {second.number} are still unpaid after our final warning."
    assert facts.amount_overdue == first.total + second.total
    with desk.database.tenant(desk.tenant.id) as session:
        everything = links.outstanding_of(session, desk.customer.id, "USD", until=NOW)
    assert everything is not None
    assert facts.payment_link == f"https://pay.example/{everything.code}", "one invoice's link would let nobody back in"


def test_who_is_still_held_when_the_account_is_opened_again_is_told_so(desk: Desk) -> None:
    assert desk.place(HoldReason.CLOSED).message_ids == (), "closing is no suspension"
    assert desk.place(HoldReason.ON_REQUEST).message_ids == ()
    (message_id,) = desk.lift(HoldReason.CLOSED).message_ids
    facts, _ = written(desk, message_id)
    assert facts.reason == HoldReason.ON_REQUEST.in_words
