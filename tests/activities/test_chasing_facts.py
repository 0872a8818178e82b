"""What a letter about late invoices tells: all that it lists and that is still chased when it is sent, as of then."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from activities.chasing_facts import ChasingFacts, chasing_facts
from activities.mailing import Delivery
from domain.calendar import local_instant
from domain.dunning_policy import DunningPolicy
from domain.letters import FinalWarningFacts, OverdueNoticeFacts, PaymentReminderFacts
from domain.listed_invoice import ListedInvoice
from domain.payment_link import LinkType
from persistence import chasing, invoices, link_details, links
from persistence.database import Database
from persistence.messages import Message
from tests import factories
from tests.activities.letter_desk import PAGE, LetterDesk, open_desk
from tests.factories import EVERY_DAY, usd

DUE_ON = date(2026, 11, 15)
REMINDER, NOTICE, SECOND_NOTICE, WARNING = "0-remind", "1-overdue_notice", "2-overdue_notice", "3-final_warning"
WITHOUT_SUSPENSION = replace(EVERY_DAY, steps=EVERY_DAY.steps[:-1], one_letter_a_day=True)


@pytest.fixture
def desk(database: Database) -> Iterator[LetterDesk]:
    policy = replace(EVERY_DAY, one_letter_a_day=True)
    with open_desk(database, factories.make_tenant(database, dunning_policy=policy.to_data())) as desk:
        yield desk


def told(desk: LetterDesk, letter: Message, *, at: datetime | None = None) -> ChasingFacts:
    with desk.session() as session:
        return chasing_facts(session, letter, lambda code: f"{PAGE}{code}", at or letter.queued_at)


def own_page(desk: LetterDesk, invoice_id: str) -> str:
    with desk.session() as session:
        return PAGE + invoices.get(session, invoice_id).payment_token


def page_for_all(desk: LetterDesk) -> str:
    """The page of the newest open link for all that is owed."""
    with desk.session() as session:
        found = link_details.page(session, after=None, limit=100, status="ACTIVE", customer_id=desk.customer.id)
    return PAGE + next(detail.link.code for detail in found if detail.link.type is LinkType.OUTSTANDING)


def test_several_are_told_oldest_first_with_the_total_and_a_link_for_all(desk: LetterDesk) -> None:
    younger, older = desk.invoice(usd("40")), desk.invoice(usd("25"), due_in_days=7)
    desk.pay(younger, usd("15.50"))
    facts = told(desk, desk.claim(younger, NOTICE))
    assert facts == OverdueNoticeFacts(
        customer_name="Acacia Traders",
        invoice_number=older.number,
        amount=usd("49.50"),
        due_on=date(2026, 11, 8),
        payment_link=page_for_all(desk),
        invoices=(
            ListedInvoice(older.number, usd("25"), date(2026, 11, 8), 7, own_page(desk, older.id)),
            ListedInvoice(younger.number, usd("24.50"), DUE_ON, 0, own_page(desk, younger.id)),
        ),
        days_overdue=7,
        suspends_on=date(2026, 11, 29),
    )


def test_a_letter_with_one_invoice_in_it_is_the_same_as_one_about_that_invoice(desk: LetterDesk) -> None:
    listed, separate = desk.invoice(), desk.invoice(policy=EVERY_DAY)
    for key in (REMINDER, NOTICE, WARNING):
        in_a_list, own = told(desk, desk.claim(listed, key)), told(desk, desk.claim(separate, key))
        as_own = replace(in_a_list, invoice_number=separate.number, payment_link=own_page(desk, separate.id))
        assert as_own == own
        assert in_a_list.payment_link == own_page(desk, listed.id)


def test_amounts_are_those_of_the_moment_when_it_is_sent(desk: LetterDesk) -> None:
    first, second = desk.invoices(2)
    letter = desk.claim(first, REMINDER)
    desk.pay(second, usd("5"))
    facts = told(desk, letter)
    assert isinstance(facts, PaymentReminderFacts)
    assert (facts.amount, facts.days_until_due) == (usd("45"), 3)
    assert [line.amount for line in facts.invoices] == [usd("25"), usd("20")]


@pytest.mark.parametrize("why", ["paid", "paused", "disputed"])
@pytest.mark.parametrize("who", ["the one that claimed it", "another"])
def test_what_is_paid_or_set_aside_meanwhile_is_left_out(desk: LetterDesk, why: str, who: str) -> None:
    first, second, third = desk.invoices(3)
    letter = desk.claim(first, NOTICE)
    gone, *left = (first, second, third) if who == "the one that claimed it" else (second, first, third)
    with desk.session() as session:
        if why == "paused":
            chasing.pause(session, gone.id, DUE_ON)
        if why == "disputed":
            chasing.mark_disputed(session, gone.id, factories.NOW)
    if why == "paid":
        desk.pay(gone)
    assert [line.invoice_number for line in told(desk, letter).invoices] == [each.number for each in left]
    assert desk.deliver(letter) is Delivery.SENT
    assert desk.subjects == ["OVERDUE: 2 invoices"]


def test_when_one_is_left_the_letter_is_about_that_one(desk: LetterDesk) -> None:
    first, second = desk.invoices(2)
    letter = desk.claim(first, NOTICE)
    desk.pay(first)
    facts = told(desk, letter)
    assert (facts.invoices, facts.invoice_number, facts.amount) == ((), second.number, usd("25"))
    assert desk.deliver(letter) is Delivery.SENT
    assert desk.subjects == [f"OVERDUE: Invoice {second.number}"]


def test_when_nothing_is_left_there_is_no_letter(desk: LetterDesk) -> None:
    first, second, third = desk.invoices(3)
    letter = desk.claim(first, NOTICE)
    desk.pay(first)
    with desk.session() as session:
        chasing.mark_disputed(session, second.id, factories.NOW)
        chasing.pause(session, third.id, DUE_ON)
    assert desk.deliver(letter) is Delivery.CANCELLED
    assert desk.subjects == []


def test_nobody_is_chased_whose_customer_was_blocked_before_it_was_sent(desk: LetterDesk) -> None:
    first, _ = desk.invoices(2)
    letter = desk.claim(first, WARNING)
    with desk.session() as session:
        chasing.block(session, desk.customer.id, until=None, note="In hospital.", actor="Rudo", now=factories.NOW)
    assert desk.deliver(letter) is Delivery.CANCELLED


def test_a_link_that_asks_for_more_than_is_listed_is_told_with_what_it_asks_for(desk: LetterDesk) -> None:
    first, _ = desk.invoices(2)
    desk.invoice(usd("100"), due_in_days=30)
    letter = desk.claim(first, NOTICE)
    assert (told(desk, letter).amount, told(desk, letter).outstanding) == (usd("50"), usd("150"))


def test_a_link_that_was_closed_before_the_letter_was_sent_is_replaced(desk: LetterDesk) -> None:
    first, _ = desk.invoices(2)
    letter = desk.claim(first, NOTICE)
    closed = page_for_all(desk)
    with desk.session() as session:
        found = link_details.page(session, after=None, limit=1, customer_id=desk.customer.id)[0]
        links.cancel(session, found.link.id, "Rudo", factories.NOW)
    facts = told(desk, letter)
    assert facts.payment_link != closed
    assert facts.payment_link == page_for_all(desk)


def test_the_threatened_suspension_is_the_earliest_of_all_that_are_listed(desk: LetterDesk) -> None:
    first, _ = desk.invoice(), desk.invoice(due_in_days=7)
    assert threatened_day(told(desk, desk.claim(first, NOTICE))) == date(2026, 11, 29)


def test_where_no_listed_invoice_suspends_nothing_is_threatened(database: Database) -> None:
    tenant = factories.make_tenant(database, dunning_policy=WITHOUT_SUSPENSION.to_data())
    with open_desk(database, tenant) as desk:
        first, _ = desk.invoices(2)
        facts = told(desk, desk.claim(first, NOTICE))
    assert isinstance(facts, OverdueNoticeFacts)
    assert (facts.warns_of_suspension, facts.suspends_on) == (False, None)


@pytest.mark.parametrize("policy", [None, EVERY_DAY], ids=["in a list", "alone"])
def test_the_threatened_suspension_keeps_the_policys_distance_from_a_final_warning_that_is_late(
    desk: LetterDesk, policy: DunningPolicy | None
) -> None:
    """Planned for the 29th and given on 10 December, because of a pause: seven days later is the 17th, not the 6th."""
    invoice = desk.invoice(policy=policy)
    late = local_instant(date(2026, 12, 10), time(9), "Africa/Harare")
    letter = desk.claim(invoice, WARNING, at=late)
    assert threatened_day(told(desk, letter)) == date(2026, 12, 17)
    assert threatened_day(told(desk, letter, at=late + timedelta(days=1))) == date(2026, 12, 17)


def test_the_threatened_suspension_is_a_day_on_which_people_are_written_to(database: Database) -> None:
    """A week after a warning on Friday, 18 December is Christmas Day; Monday, the 28th is the next working day."""
    policy = replace(EVERY_DAY, one_letter_a_day=True, working_days_only=True)
    with open_desk(database, factories.make_tenant(database, dunning_policy=policy.to_data())) as desk:
        letter = desk.claim(desk.invoice(), WARNING, at=local_instant(date(2026, 12, 18), time(9), "Africa/Harare"))
        assert threatened_day(told(desk, letter)) == date(2026, 12, 28)


def threatened_day(facts: ChasingFacts) -> date | None:
    assert isinstance(facts, OverdueNoticeFacts | FinalWarningFacts)
    return facts.suspends_on
