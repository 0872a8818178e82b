"""A customer with several late invoices gets one letter a day of each kind (pains 6), and no invoice is left out of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from activities.mailing import Delivery
from activities.standing import Standing
from domain.calendar import local_instant
from domain.customer import Tenant
from domain.invoice import Invoice
from persistence import chasing, dunning_plans, holds, invoices
from persistence.database import Database
from tests import factories
from tests.activities.letter_desk import LetterDesk, open_desk
from tests.factories import EVERY_DAY, zar
from tests.persistence.parallel import at_once

ONE_A_DAY = replace(EVERY_DAY, one_letter_a_day=True)
DUE_ON = date(2026, 11, 15)
REMINDER, NOTICE, SECOND_NOTICE, WARNING = "0-remind", "1-overdue_notice", "2-overdue_notice", "3-final_warning"


@pytest.fixture
def desk(database: Database) -> Iterator[LetterDesk]:
    """A business whose customers get one letter a day of each kind."""
    with open_desk(database, factories.make_tenant(database, dunning_policy=ONE_A_DAY.to_data())) as desk:
        yield desk


def hour(day: date, at: time = time(9)) -> datetime:
    return local_instant(day, at, "Africa/Harare")


def dispute(desk: LetterDesk, invoice: Invoice) -> None:
    with desk.session() as session:
        chasing.mark_disputed(session, invoice.id, factories.NOW)


def resolve(desk: LetterDesk, invoice: Invoice) -> None:
    with desk.session() as session:
        chasing.mark_disputed(session, invoice.id, None)


def test_three_invoices_are_one_letter_that_the_first_one_sends(desk: LetterDesk) -> None:
    first, second, third = desk.invoices(3)
    claimed = [desk.take(each, NOTICE).message_id for each in (second, first, third)]
    assert claimed[1:] == [None, None]
    assert claimed[0] is not None
    letter = desk.message(claimed[0])
    assert letter.key == f"{first.customer_id}/overdue_notice/2026-11-15.USD"
    assert (letter.entity_type, letter.invoice_id) == ("Customer", second.id)
    assert desk.listed(letter) == {first.id, second.id, third.id}
    assert all(desk.is_taken(each, NOTICE) for each in (first, second, third))


def test_every_invoice_in_a_letter_shows_it(desk: LetterDesk) -> None:
    first, second = desk.invoices(2)
    letter = desk.take(first, NOTICE).message_id
    assert [message.id for message in desk.letters(first)] == [letter]
    assert [message.id for message in desk.letters(second)] == [letter]


def test_kinds_days_and_currencies_are_letters_of_their_own(desk: LetterDesk) -> None:
    first, second = desk.invoices(2)
    rand = desk.invoice(zar("40"))
    for key in (REMINDER, NOTICE, SECOND_NOTICE, WARNING):
        for invoice in (first, second, rand):
            desk.take(invoice, key)
    keys = [message.key.partition("/")[2] for message in desk.letters(first)]
    assert keys == [
        "payment_reminder/2026-11-12.USD",
        "overdue_notice/2026-11-15.USD",
        "overdue_notice/2026-11-22.USD",
        "final_warning/2026-11-29.USD",
    ]
    assert [message.key.partition("/")[2] for message in desk.letters(rand)] == [key.replace("USD", "ZAR") for key in keys]


def test_a_step_whose_answer_was_lost_gets_the_same_letter_again(desk: LetterDesk) -> None:
    first, second = desk.invoices(2)
    claimed = desk.take(first, NOTICE).message_id
    assert claimed is not None
    assert desk.take(first, NOTICE, at=hour(DUE_ON, time(9, 5))).message_id == claimed
    assert desk.take(second, NOTICE).message_id is None
    assert desk.take(second, NOTICE).message_id is None
    next_day = hour(DUE_ON + timedelta(days=1))
    assert desk.take(first, NOTICE, at=next_day).message_id == claimed, "no letter of another day"
    assert desk.take(second, NOTICE, at=next_day).message_id is None
    assert len(desk.letters(first)) == 1


@pytest.mark.parametrize("tries", range(3))
def test_of_lifecycles_at_the_same_moment_one_has_the_letter_to_send(desk: LetterDesk, tries: int) -> None:
    late = desk.invoices(4)
    standings = at_once([lambda each=each: desk.take(each, NOTICE) for each in late])  # type: ignore[misc]  # bound in the loop
    claimed = [standing.message_id for standing in standings if standing.message_id]
    assert len(claimed) == 1
    assert all(standing.was_taken for standing in standings)
    assert desk.listed(desk.message(claimed[0])) == {each.id for each in late}


def test_who_has_something_else_to_say_today_or_nothing_is_not_listed(desk: LetterDesk) -> None:
    first, warned, later = (desk.invoice(due_in_days=days) for days in (14, 0, 20))
    paid, disputed, paused, told = (desk.invoice() for _ in range(4))
    separate = desk.invoice(policy=EVERY_DAY)
    desk.pay(paid)
    with desk.session() as session:
        chasing.mark_disputed(session, disputed.id, factories.NOW)
        chasing.pause(session, paused.id, DUE_ON)
        holds.decide_step(session, told.id, NOTICE, taken=True, now=hour(DUE_ON))
    letter = desk.claim(first, NOTICE)
    assert desk.listed(letter) == {first.id}
    assert warned.due_on + timedelta(days=14) == DUE_ON, "its final warning is of this day"
    assert later.due_on > DUE_ON
    own = desk.claim(separate, NOTICE)
    assert (own.key, own.entity_type) == (f"{separate.id}/overdue_notice/{NOTICE}", "Invoice")


def test_invoices_on_different_rungs_share_the_letter_when_it_is_of_one_kind(desk: LetterDesk) -> None:
    older, younger = desk.invoice(due_in_days=7), desk.invoice(due_in_days=14)
    letter = desk.claim(younger, NOTICE)
    assert desk.listed(letter) == {older.id, younger.id}
    assert desk.take(older, SECOND_NOTICE).message_id is None
    assert desk.is_taken(older, SECOND_NOTICE)


def test_an_invoice_that_is_late_itself_is_listed_with_the_next_one(desk: LetterDesk) -> None:
    """Its pause ended yesterday, and its lifecycle has not woken up yet."""
    first, promised = desk.invoice(due_in_days=14), desk.invoice(due_in_days=12)
    with desk.session() as session:
        chasing.pause(session, promised.id, DUE_ON - timedelta(days=1))
    letter = desk.claim(first, NOTICE)
    assert desk.listed(letter) == {first.id, promised.id}


def test_who_comes_late_joins_a_letter_that_is_not_written_yet(desk: LetterDesk) -> None:
    first, disputed = desk.invoices(2)
    dispute(desk, disputed)
    letter = desk.claim(first, NOTICE)
    resolve(desk, disputed)
    joined = desk.take(disputed, NOTICE, at=hour(DUE_ON, time(11)))
    assert (joined.was_taken, joined.message_id) == (True, None)
    assert desk.listed(letter) == {first.id, disputed.id}
    assert desk.deliver(letter) is Delivery.SENT
    assert desk.subjects == ["OVERDUE: 2 invoices"]


@pytest.mark.parametrize("tries", range(3))
def test_who_comes_while_the_letter_is_written_is_told_in_it_or_waits(desk: LetterDesk, tries: int) -> None:
    first, disputed = desk.invoices(2)
    dispute(desk, disputed)
    letter = desk.claim(first, NOTICE)
    resolve(desk, disputed)
    _, standing = at_once([lambda: desk.deliver(letter), lambda: desk.take(disputed, NOTICE)])
    assert isinstance(standing, Standing)
    told = 2 if standing.was_taken else 1
    assert desk.subjects == ["OVERDUE: 2 invoices" if told == 2 else f"OVERDUE: Invoice {first.number}"]
    assert len(desk.listed(letter)) == told
    assert (standing.not_before is None) == standing.was_taken


@pytest.mark.parametrize("is_taken_by_the_server", [True, False], ids=["sent", "put off by the mail server"])
def test_who_comes_after_the_letter_was_written_waits_for_the_next_day_and_is_told_then(
    desk: LetterDesk, *, is_taken_by_the_server: bool
) -> None:
    first, disputed = desk.invoices(2)
    dispute(desk, disputed)
    letter = desk.claim(first, NOTICE)
    desk.post.data = None if is_taken_by_the_server else "451 Try again later"
    desk.deliver(letter)
    resolve(desk, disputed)

    waits = desk.take(disputed, NOTICE, at=hour(DUE_ON, time(11)))

    next_day = hour(DUE_ON + timedelta(days=1))
    assert (waits.was_taken, waits.message_id, waits.not_before) == (False, None, next_day)
    assert not desk.is_taken(disputed, NOTICE)
    assert desk.listed(desk.claim(disputed, NOTICE, at=next_day)) == {disputed.id}


def test_a_step_that_waited_is_listed_by_whoever_claims_the_next_letter(desk: LetterDesk) -> None:
    first, disputed, tomorrow = desk.invoice(), desk.invoice(), desk.invoice(due_in_days=15)
    dispute(desk, disputed)
    desk.deliver(desk.claim(first, NOTICE))
    resolve(desk, disputed)
    desk.take(disputed, NOTICE)
    letter = desk.claim(tomorrow, NOTICE)
    assert desk.listed(letter) == {disputed.id, tomorrow.id}
    assert desk.take(disputed, NOTICE, at=hour(DUE_ON + timedelta(days=1))).was_taken


def test_a_postponed_step_waits_for_the_hour_and_the_day_of_its_own_policy(database: Database) -> None:
    """2026-11-13 is a Friday: on working days the next one is Monday, at ten."""
    policy = replace(ONE_A_DAY, working_days_only=True, send_at=time(10))
    with open_desk(database, factories.make_tenant(database, dunning_policy=policy.to_data())) as desk:
        first, disputed = (desk.invoice(due_in_days=12) for _ in range(2))
        dispute(desk, disputed)
        desk.deliver(desk.claim(first, NOTICE))
        resolve(desk, disputed)
        assert desk.take(disputed, NOTICE).not_before == hour(date(2026, 11, 16), time(10))


def test_a_letter_that_was_cancelled_stands_in_nobodys_way(desk: LetterDesk) -> None:
    first, second = desk.invoices(2)
    cancelled = desk.claim(first, NOTICE)
    with desk.session() as session:
        chasing.pause(session, first.id, DUE_ON)
        chasing.pause(session, second.id, DUE_ON)
    assert desk.deliver(cancelled) is Delivery.CANCELLED
    with desk.session() as session:
        chasing.pause(session, second.id, None)
    told = desk.claim(second, NOTICE)
    assert told.key.endswith("/2026-11-15.USD.2")
    assert desk.listed(told) == {second.id}
    assert desk.take(second, NOTICE).message_id == told.id
    assert desk.take(first, NOTICE).message_id == cancelled.id, "the answer to the first invoice stays what it was"


def test_a_reminder_that_comes_after_the_due_day_says_that_it_is_overdue(desk: LetterDesk) -> None:
    invoice = desk.invoice()
    late = desk.claim(invoice, REMINDER, at=hour(DUE_ON + timedelta(days=1)))
    assert late.letter.value == "overdue_notice"


def test_steps_are_taken_for_a_customer_whom_nobody_can_write_to(desk: LetterDesk) -> None:
    desk.customer = factories.make_customer(desk.database, desk.tenant, email=None)
    first, second = desk.invoices(2)
    for invoice in (first, second):
        standing = desk.take(invoice, NOTICE)
        assert (standing.was_taken, standing.message_id) == (True, None)
        assert desk.is_taken(invoice, NOTICE)


def test_without_the_switch_each_invoice_has_its_own_letter(database: Database, tenant: Tenant) -> None:
    with open_desk(database, tenant) as desk:
        for invoice in desk.invoices(2):
            letter = desk.claim(invoice, NOTICE)
            assert letter.key == f"{invoice.id}/overdue_notice/{NOTICE}"
            assert desk.listed(letter) == set()


def test_the_letter_of_an_invoice_that_was_paid_before_the_answer_came_is_sent_for_the_others(desk: LetterDesk) -> None:
    first, second = desk.invoices(2)
    claimed = desk.take(first, NOTICE).message_id
    desk.pay(first)
    assert claimed in desk.take(first, NOTICE).more_message_ids
    assert desk.take(second, NOTICE).message_id is None


def test_the_letter_of_an_invoice_that_got_another_plan_before_the_answer_came_is_sent(desk: LetterDesk) -> None:
    first, second = desk.invoices(2)
    step, claimed = desk.step(first, NOTICE), desk.take(first, NOTICE).message_id
    with desk.session() as session:
        plan = dunning_plans.of(session, invoices.get(session, second.id))[-1:]
        chasing.replan(session, first.id, plan=plan, round_=2)
    answer = desk.take(first, step)
    assert (answer.message_id, answer.was_taken) == (claimed, False)
