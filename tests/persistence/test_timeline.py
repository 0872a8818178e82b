"""The past as it is stored: each event found once, in order, page after page, and nothing of anybody else."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from sqlalchemy import event

from domain.customer_moves import CustomerMoveKind
from domain.dunning_policy import default_policy
from domain.happenings import Event, LetterWritten, MoveAsked, PaymentMoved, Recorded, StepDecided
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.letters import Letter
from domain.moves import Move, MoveKind
from domain.payment import PaymentMethod
from domain.standing import HoldReason
from domain.timeline import Position
from persistence import dunning_policies, links, messages, moves, timeline
from persistence.columns import new_id
from persistence.database import Database
from tests import factories
from tests.persistence.timeline_story import LONG_AFTER, RUDO, Story, at


def names(events: list[Event]) -> list[str]:
    """What happened, oldest first, by kind and action."""
    return [getattr(found.what, "action", type(found.what).__name__) for found in reversed(events)]


def letters(events: list[Event]) -> list[Letter]:
    return [found.what.letter for found in reversed(events) if isinstance(found.what, LetterWritten)]


@pytest.fixture(scope="module")
def busy(database: Database) -> tuple[Story, Invoice]:
    """Two invoices and much of what can happen, a good part of it at the same instant."""
    story = Story.of(database, working_days_only=False)
    first, second = story.issue("2026-07-27 10:00"), story.issue("2026-07-27 10:00", amount="50")
    link = story.make_link("2026-07-27 10:00", first, "40")
    for when in ("2026-07-27 10:00", "2026-07-27 10:00", "2026-07-28 10:00"):
        story.fail(when, story.begin(when, first, "10"), "The payer did not confirm.")
        story.move(when, second, MoveKind.DISPUTE)
        story.move(when, second, MoveKind.RESOLVE)
    with database.tenant(story.tenant.id) as session:
        links.cancel(session, link.id, RUDO, at("2026-07-28 10:00"))
    story.take("2026-08-07 09:00", first, "0-remind")
    story.take("2026-08-10 09:00", second, "1-overdue_notice")
    story.reverse("2026-08-12 10:00", story.pay("2026-08-11 10:00", first, "120"))
    story.take("2026-08-24 09:00", first, "3-final_warning")
    story.take("2026-08-31 09:00", first, "4-suspend")
    story.send_all("2026-08-31 09:00")
    story.pay("2026-08-31 09:00", second, "150", PaymentMethod.PAYNOW_ECOCASH, linked=False)
    return story, first


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 40])
@pytest.mark.parametrize("is_invoices", [True, False])
def test_pages_of_any_size_hold_each_event_once_and_in_order(busy: tuple[Story, Invoice], size: int, is_invoices: bool) -> None:
    story, first = busy
    invoice = first if is_invoices else None
    whole = story.events(invoice)
    assert len(whole) > 20
    walked: list[Event] = []
    while page := story.events(invoice, after=Position(walked[-1].at, walked[-1].place) if walked else None, limit=size):
        assert len(page) <= size
        walked += page
    assert walked == whole
    assert all((newer.at, newer.place) > (older.at, older.place) for newer, older in pairwise(whole))


def test_another_business_finds_nothing(database: Database, busy: tuple[Story, Invoice]) -> None:
    story, first = busy
    stranger = factories.make_tenant(database)
    for about in (story.about(), story.about(first)):
        with database.tenant(stranger.id) as session:
            assert timeline.page(session, about, limit=500, now=LONG_AFTER) == []


@pytest.fixture
def story(database: Database) -> Story:
    return Story.of(database, working_days_only=False)


@pytest.fixture
def invoice(story: Story) -> Invoice:
    """USD 100.00, due on 10 August 2026."""
    return story.issue("2026-07-27 10:00")


def test_a_page_of_many_events_takes_as_many_statements_as_one_of_few(
    database: Database, story: Story, invoice: Invoice
) -> None:
    statements: list[str] = []

    def note(*executed: object) -> None:
        statements.append(str(executed[2]))

    def statements_of_a_page() -> int:
        statements.clear()
        story.events()
        return len(statements)

    def pay_and_dispute(day: int) -> None:
        story.pay(f"2026-08-{day:02} 10:00", invoice, "1", PaymentMethod.PAYNOW_ECOCASH)
        story.move(f"2026-08-{day:02} 11:00", invoice, MoveKind.DISPUTE)
        story.move(f"2026-08-{day:02} 12:00", invoice, MoveKind.RESOLVE)

    pay_and_dispute(1)
    event.listen(database.engine, "before_cursor_execute", note)
    try:
        few = statements_of_a_page()
        for day in range(2, 12):
            pay_and_dispute(day)
        assert statements_of_a_page() == few
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_what_staff_record_is_told_once_and_what_a_payer_begins_when_it_begins_and_when_it_ends(
    story: Story, invoice: Invoice
) -> None:
    story.pay("2026-08-01 10:00", invoice, "10", PaymentMethod.CASH)
    story.pay("2026-08-02 10:00", invoice, "20", PaymentMethod.PAYNOW_ECOCASH)
    told = names(story.events(invoice, now=at("2026-08-03 10:00")))
    assert told == ["Issued", "MANUAL_PAYMENT_RECORDED", "PAYMENT_INITIATED", "ONLINE_PAYMENT_RECEIVED"]


def test_a_reversal_is_told_once_and_what_was_left_when_each_payment_came(story: Story, invoice: Invoice) -> None:
    first = story.pay("2026-07-28 10:00", invoice, "40")
    story.pay("2026-07-29 10:00", invoice, "10")
    story.reverse("2026-07-30 10:00", first)
    story.pay("2026-07-31 10:00", invoice, "90")
    events = story.events(invoice)
    assert names(events)[1:] == [
        "MANUAL_PAYMENT_RECORDED", "MANUAL_PAYMENT_RECORDED", "PAYMENT_REVERSED", "MANUAL_PAYMENT_RECORDED",
    ]  # fmt: skip
    assert (events[1].actor, events[1].reason) == (RUDO, "The bank returned it.")
    left = [
        found.what.parts[0].left.decimal()
        for found in reversed(events)
        if isinstance(found.what, PaymentMoved) and found.what.action == "MANUAL_PAYMENT_RECORDED"
    ]
    assert left == ["60.00", "50.00", "0.00"]


def test_a_step_with_its_letter_is_one_entry(story: Story, invoice: Invoice) -> None:
    story.take("2026-08-07 09:00", invoice, "0-remind")
    assert names(story.events(invoice, now=at("2026-08-07 10:00")))[1:] == ["LetterWritten"]


def test_a_step_is_told_when_nobody_can_be_written_to_and_when_it_had_become_pointless(database: Database) -> None:
    story = Story.of(database, email=None, working_days_only=False)
    invoice = story.issue("2026-07-27 10:00")
    story.take("2026-08-07 09:00", invoice, "0-remind")
    story.pay("2026-08-08 10:00", invoice, "100")
    story.take("2026-08-10 09:00", invoice, "1-overdue_notice")
    silent, pointless = [found.what for found in reversed(story.events(invoice)) if isinstance(found.what, StepDecided)]
    assert (silent.letter, silent.was_taken) == (Letter.PAYMENT_REMINDER, True)
    assert (pointless.letter, pointless.was_taken, pointless.state.value) == (Letter.OVERDUE_NOTICE, False, "PAID")


def test_a_suspension_and_its_letter_are_told_and_not_the_step_again(story: Story, invoice: Invoice) -> None:
    story.take("2026-08-31 09:00", invoice, "4-suspend")
    assert names(story.events(invoice))[2:] == ["LeftOut", "CUSTOMER_SUSPENDED", "LetterWritten"]


def test_a_letter_that_lists_several_invoices_is_in_the_timeline_of_each_and_once_in_the_customers(
    story: Story, invoice: Invoice
) -> None:
    other = story.issue("2026-07-27 11:00")
    story.take("2026-08-10 09:00", invoice, "1-overdue_notice")
    story.take("2026-08-10 09:00", other, "1-overdue_notice")
    for about in (invoice, other, None):
        written = [found for found in story.events(about) if isinstance(found.what, LetterWritten)]
        assert [found.what.numbers for found in written if isinstance(found.what, LetterWritten)] == [
            ("CVT-000001", "CVT-000002")
        ]
        assert written[0].references.invoice_id == (about.id if about else None)
        assert not [found for found in story.events(about) if isinstance(found.what, StepDecided)]


def test_what_concerns_the_customer_is_in_an_invoices_timeline_while_it_is_open(story: Story, invoice: Invoice) -> None:
    story.move_customer("2026-08-01 10:00", CustomerMoveKind.BLOCK_CHASING)
    story.pay("2026-08-02 10:00", invoice, "100")
    story.move_customer("2026-08-03 10:00", CustomerMoveKind.RESUME_CHASING)
    story.move_customer("2026-08-04 10:00", CustomerMoveKind.PLACE_HOLD, hold_reason=HoldReason.MANUAL)
    later = story.issue("2026-08-05 10:00")
    assert names(story.events(invoice)) == ["Issued", "CUSTOMER_CHASING_BLOCKED", "MANUAL_PAYMENT_RECORDED"]
    assert names(story.events(later, now=at("2026-08-06 10:00"))) == ["Issued"]
    assert names(story.events(now=at("2026-08-06 10:00"))) == [
        "Issued", "CUSTOMER_CHASING_BLOCKED", "MANUAL_PAYMENT_RECORDED", "CUSTOMER_CHASING_RESUMED", "CUSTOMER_SUSPENDED",
        "LetterWritten", "Issued",
    ]  # fmt: skip


def test_a_payment_for_several_invoices_is_in_the_timeline_of_each_with_its_own_share(story: Story, invoice: Invoice) -> None:
    other = story.issue("2026-07-28 11:00", amount="50")
    story.pay("2026-08-01 10:00", invoice, "120", linked=False)
    for about, shares in ((invoice, ["100.00"]), (other, ["20.00"]), (None, ["100.00", "20.00"])):
        (found,) = [found for found in story.events(about, now=at("2026-08-02 10:00")) if isinstance(found.what, PaymentMoved)]
        assert isinstance(found.what, PaymentMoved)
        assert [part.amount.decimal() for part in found.what.parts] == shares


def test_a_move_that_was_refused_or_waits_is_told_and_one_that_was_made_is_told_once(
    database: Database, story: Story, invoice: Invoice
) -> None:
    assert story.move_customer("2026-08-01 10:00", CustomerMoveKind.RESUME_CHASING) is not None
    story.move("2026-08-02 10:00", invoice, MoveKind.PAUSE, date(2026, 8, 20))
    with database.tenant(story.tenant.id) as session:
        waiting = Move(new_id(Prefix.STAFF_MOVE), MoveKind.VOID)
        moves.request(
            session,
            waiting,
            invoice_id=invoice.id,
            customer_id=story.customer.id,
            reason="It was a test.",
            actor=RUDO,
            now=at("2026-08-03 10:00"),
        )
    asked, made, refused, _ = story.events(invoice, now=at("2026-08-04 10:00"))
    assert (asked.what, asked.reason) == (MoveAsked("VOID", None), "It was a test.")
    assert isinstance(made.what, Recorded)
    assert made.references.move_id is not None
    assert made.references.move_id.startswith("mov_")
    assert isinstance(refused.what, MoveAsked)
    assert "is not blocked" in str(refused.what.refusal)


def test_a_link_that_was_mailed_is_told_by_its_letter_with_who_had_it_sent(
    database: Database, story: Story, invoice: Invoice
) -> None:
    link = story.make_link("2026-07-28 10:00", invoice, "40")
    with database.tenant(story.tenant.id) as session:
        claim = messages.Claim(Letter.PAYMENT_LINK, "PaymentLink", link.id, "2026-07-28", story.customer.id, invoice.id)
        message_id = messages.claim(session, claim, at("2026-07-28 11:00"))
        story.record(session, "2026-07-28 11:00", "PAYMENT_LINK_SENT", "PaymentLink", link.id, message_id=message_id)
    sent, made, _ = story.events(invoice, now=at("2026-07-29 10:00"))
    assert (names([sent]), sent.actor, sent.references.link_id) == (["LetterWritten"], RUDO, link.id)
    assert (names([made]), made.actor) == (["PAYMENT_LINK_CREATED"], RUDO)


def test_a_link_that_expired_stays_expired_though_its_invoice_is_paid_afterwards(story: Story, invoice: Invoice) -> None:
    story.make_link("2026-07-28 10:00", invoice, "40")
    story.make_link("2026-07-28 11:00", invoice, "40", days=30)
    story.pay("2026-08-08 10:00", invoice, "100")
    assert names(story.events(invoice))[1:] == [
        "PAYMENT_LINK_CREATED", "PAYMENT_LINK_CREATED", "PAYMENT_LINK_EXPIRED", "MANUAL_PAYMENT_RECORDED", "LeftOut",
    ]  # fmt: skip


def test_a_customers_own_policy_is_told_and_not_that_of_all_customers(database: Database, story: Story) -> None:
    with database.tenant(story.tenant.id) as session:
        softer = replace(default_policy(), longest_pause_days=60)
        when = "2026-11-02 10:00"
        for action, resource, owner in (
            ("DUNNING_POLICY_CHANGED", "Tenant", None),
            ("CUSTOMER_DUNNING_POLICY_CHANGED", "Customer", story.customer.id),
        ):
            changed = dunning_policies.put(session, softer, customer_id=owner, note="Softer.", actor=RUDO, now=at(when))
            about = {"policy_id": changed.id, "version": changed.version}
            story.record(session, when, action, resource, owner or story.tenant.id, **about)
    (told,) = story.events()
    assert (told.at, told.reason, told.references.policy_id) == (at(when), "Softer.", changed.id)
    assert isinstance(told.what, Recorded)
    assert told.what.is_own_policy


def test_who_had_an_invoice_issued_is_told(database: Database, story: Story, invoice: Invoice) -> None:
    with database.tenant(story.tenant.id) as session:
        story.record(session, "2026-07-27 10:00", "INVOICE_ISSUED", "Invoice", invoice.id, number=invoice.number)
    (issued,) = story.events(invoice, now=at("2026-07-28 10:00"))
    assert (issued.actor, issued.amount) == (RUDO, factories.usd("100"))
