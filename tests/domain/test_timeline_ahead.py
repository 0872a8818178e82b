"""What is foreseen of an invoice: the very steps that its lifecycle would take, and none while it is set aside."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import local_day
from domain.chasing import SetAside
from domain.dunning import TakenStep, plan_steps
from domain.dunning_policy import default_policy
from domain.happenings import Kind
from domain.money import Money
from domain.payment_link import LinkStatus, LinkType, PaymentLink
from domain.sending_calendar import SendingCalendar
from domain.standing import HoldReason
from domain.timeline_ahead import (
    Chased,
    Wish,
    chased_again_at,
    end_of_day,
    foresee,
    soonest_first,
    tell_block,
    tell_due,
    tell_holds,
    tell_links,
    tell_steps,
)
from tests.domain.dunning_cases import DAY, EVERY_DAY, Case, cases, climb, every_day, local
from tests.domain.plain_words import PlainWords

DUE_ON = date(2026, 11, 15)
ISSUED_AT = local(date(2026, 11, 1), 10)
WORDS = PlainWords()
PROMISE = Wish("Rudo", "He pays on Friday.")
EVERY_WEEKDAY = SendingCalendar.of(default_policy(), "Africa/Harare", {})


def chased(
    *,
    set_aside: SetAside | None = None,
    taken: tuple[TakenStep, ...] = (),
    case: Case | None = None,
    since: datetime = ISSUED_AT,
) -> Chased:
    """An invoice that is due on 15 November 2026, chased on all days at nine in Harare, unless told otherwise."""
    case = case or Case(EVERY_DAY, DUE_ON, every_day())
    plan = plan_steps(case.policy, case.due_on, case.calendar, since)
    return Chased("inv_1", "CVT-000007", case.due_on, plan, taken, case.policy.send_at, set_aside, case.calendar)


@given(cases(), st.integers(-70, 60), st.integers(0, 24 * 60))
def test_the_steps_that_are_foreseen_are_those_that_the_lifecycle_takes(case: Case, days: int, minutes: int) -> None:
    now = datetime(case.due_on.year, case.due_on.month, case.due_on.day, tzinfo=UTC) + days * DAY + timedelta(minutes=minutes)
    invoice = chased(case=case, since=now - 5 * DAY)
    foreseen = [(step.key, step.at) for step in foresee(invoice, now)]
    assert foreseen == [(step.key, at) for step, at in climb(invoice.plan, case.calendar, now, timedelta)]


@given(cases(), st.integers(0, 60), st.integers(-20, 40))
def test_no_step_is_foreseen_for_a_day_on_which_the_invoice_is_set_aside(case: Case, pause: int, day: int) -> None:
    now = local(case.due_on + day * DAY, 10, zone=case.calendar.zone)
    until = local_day(now, case.calendar.zone) + pause * DAY
    invoice = chased(case=case, since=now - 30 * DAY, set_aside=SetAside(f"paused until {until}", until))
    foreseen = list(foresee(invoice, now))
    assert all(local_day(step.at, case.calendar.zone) > until for step in foreseen)
    assert all(before.at < after.at for before, after in pairwise(foreseen))
    again = chased_again_at(invoice)
    assert again is not None
    assert all(step.at >= again for step in foreseen)


def titles(invoice: Chased, now: datetime) -> list[str]:
    return [entry.title for entry in tell_steps(invoice, WORDS, now)]


def test_the_first_step_is_next_and_the_others_follow() -> None:
    assert titles(chased(), ISSUED_AT) == [
        "Next: Payment Reminder on 2026-11-12 07:00",
        "Then: Overdue Notice on 2026-11-15 07:00",
        "Then: Overdue Notice on 2026-11-22 07:00",
        "Then: Final Warning on 2026-11-29 07:00",
        "Then: Suspension on 2026-12-06 07:00",
    ]


def test_a_late_warning_pushes_what_stays_behind_it() -> None:
    late = TakenStep("3-final_warning", local(date(2026, 12, 3), 9))
    (entry,) = tell_steps(chased(taken=(late,)), WORDS, late.at)
    assert entry.title == "Next: Suspension on 2026-12-10 07:00"
    assert entry.reason == "7 days after the final warning of Thursday 2026-12-03"


def test_what_waits_for_a_late_warning_says_so_and_not_why_it_was_planned_for_another_day() -> None:
    """Due on Sunday 9 August 2026, in weeks without holidays: after the pause the suspension waits for the warning."""
    case = Case(default_policy(), date(2026, 8, 9), EVERY_WEEKDAY)
    taken = tuple(TakenStep(step.key, step.at) for step in chased(case=case, since=local(date(2026, 7, 1), 10)).plan[:3])
    invoice = chased(case=case, since=local(date(2026, 7, 1), 10), taken=taken)
    assert [entry.reason for entry in tell_steps(invoice, WORDS, local(date(2026, 8, 18), 10))] == [
        "Moved from Sunday 2026-08-23 to Monday 2026-08-24: weekend",
        "Moved from Sunday 2026-08-30 to Monday 2026-08-31: weekend",
    ]
    paused = replace(invoice, set_aside=SetAside("paused until 2026-08-25", date(2026, 8, 25)))
    first, suspension = tell_steps(paused, WORDS, local(date(2026, 8, 18), 10))
    assert first.title == "Paused until day 2026-08-25, then Final Warning on 2026-08-26 07:00"
    assert suspension.reason == "7 days after the final warning of Wednesday 2026-08-26"


def test_what_is_set_aside_says_until_when_and_what_comes_then() -> None:
    paused = SetAside("paused until 2026-11-20", date(2026, 11, 20))
    assert titles(chased(set_aside=paused), ISSUED_AT)[:2] == [
        # The notice of the due day, which the pause held up, stands for the reminder before it.
        "Paused until day 2026-11-20, then Overdue Notice on 2026-11-21 07:00; Payment Reminder is left out",
        "Then: Overdue Notice on 2026-11-22 07:00",
    ]
    disputed = SetAside("disputed; paused until 2026-11-20", None)
    (entry,) = tell_steps(chased(set_aside=disputed), WORDS, ISSUED_AT)
    assert entry.title == "Disputed; paused until day 2026-11-20: not chased until staff end that, then Payment Reminder"
    assert (entry.kind, entry.at) == (Kind.DISPUTE, None)


def test_what_is_set_aside_names_who_did_that_and_why() -> None:
    paused = replace(chased(set_aside=SetAside("paused until 2026-11-20", date(2026, 11, 20))), wishes=(PROMISE,))
    entry = tell_steps(paused, WORDS, ISSUED_AT)[0]
    assert (entry.actor, entry.reason) == ("Rudo", "He pays on Friday.")
    twice = replace(paused, wishes=(PROMISE, Wish("Tendai", "Talks."), Wish("Rudo", "")))
    entry = tell_steps(twice, WORDS, ISSUED_AT)[0]
    assert (entry.actor, entry.reason) == ("Rudo and Tendai", "He pays on Friday. Talks.")
    block = tell_block(PROMISE)
    assert (block.actor, block.reason) == ("Rudo", "He pays on Friday.")


def test_steps_that_a_pause_will_leave_out_are_told_beforehand() -> None:
    paused = chased(set_aside=SetAside("paused until 2026-11-30", date(2026, 11, 30)))
    assert titles(paused, ISSUED_AT)[0] == (
        "Paused until day 2026-11-30, then Final Warning on 2026-12-01 07:00; "
        "Payment Reminder and 2 Overdue Notices are left out"
    )


def test_a_ladder_at_its_end_plans_nothing_further() -> None:
    taken = tuple(TakenStep(step.key, step.at) for step in chased().plan)
    long_after = local(date(2027, 1, 1), 10)
    assert titles(chased(taken=taken), long_after) == []
    paused = SetAside("paused until 2027-01-05", date(2027, 1, 5))
    (entry,) = tell_steps(chased(taken=taken, set_aside=paused), WORDS, long_after)
    assert entry.title == "Paused until day 2027-01-05, and nothing further is planned"
    assert entry.at == local(date(2027, 1, 6), 9)
    disputed = SetAside("disputed", None)
    assert titles(chased(taken=taken, set_aside=disputed), long_after) == [
        "Disputed: not chased until staff end that, and nothing further is planned"
    ]


def test_what_suspended_before_it_was_set_aside_suspends_again() -> None:
    taken = tuple(TakenStep(step.key, step.at) for step in chased().plan)
    paused = SetAside("paused until 2027-01-05", date(2027, 1, 5))
    (entry,) = tell_steps(replace(chased(taken=taken, set_aside=paused), suspends=True), WORDS, local(date(2027, 1, 1), 10))
    assert entry.title == "Paused until day 2027-01-05, then suspended again on 2027-01-06 07:00 unless it is paid"
    assert entry.at == local(date(2027, 1, 6), 9)
    disputed = replace(chased(taken=taken, set_aside=SetAside("disputed", None)), suspends=True)
    assert titles(disputed, local(date(2027, 1, 1), 10)) == [
        "Disputed, then suspended again when staff end that, unless it is paid"
    ]


def test_the_due_day_lasts_until_midnight_by_the_business_clocks() -> None:
    ends = end_of_day(DUE_ON, "Africa/Harare")
    assert ends == datetime(2026, 11, 15, 21, 59, 59, tzinfo=UTC)
    (entry,) = tell_due(chased(), WORDS, ends)
    assert (entry.title, entry.at) == ("Due on Sunday 2026-11-15", ends)
    assert tell_due(chased(), WORDS, ends + timedelta(seconds=1)) == []


def link(expires_at: datetime | None) -> PaymentLink:
    return PaymentLink(
        id="lnk_1",
        code="pay_1",
        type=LinkType.CUSTOM,
        status=LinkStatus.ACTIVE,
        customer_id="cus_1",
        invoice_id="inv_1",
        amount=Money(1000, "USD"),
        currency="USD",
        description="",
        expires_at=expires_at,
        created_at=ISSUED_AT,
        created_by="Rudo",
    )


def test_only_links_that_will_end_are_told() -> None:
    found = [link(None), link(ISSUED_AT), link(ISSUED_AT + DAY)]
    (entry,) = tell_links(found, "CVT-000007", WORDS, ISSUED_AT)
    assert entry.title == "Payment link ends on 2026-11-02 08:00: Invoice CVT-000007"


def test_what_holds_a_customer_says_how_it_ends() -> None:
    reasons = {
        HoldReason.OVERDUE: "Suspended until the unpaid invoices are paid",
        HoldReason.CHARGEBACK: "Suspended for a payment taken back at the bank until staff lift the hold",
        HoldReason.MANUAL: "Suspended by the accounts team until staff lift the hold",
        HoldReason.CLOSED: "The account is closed until staff open it again",
    }
    told = tell_holds([(reason, f"hld_{reason}") for reason in reasons])
    assert [entry.title for entry in told] == list(reasons.values())


def test_holds_come_first_then_the_soonest_then_what_waits_for_staff() -> None:
    entries = [
        tell_block(PROMISE),
        *tell_steps(chased(), WORDS, ISSUED_AT)[::-1],
        *tell_holds([(HoldReason.OVERDUE, "hld_1")]),
    ]
    ordered = soonest_first(entries, 20)
    assert [entry.kind for entry in ordered] == [Kind.SUSPENSION, *[Kind.STEP] * 5, Kind.PAUSE]
    assert ordered[1].title.startswith("Next: ")
    assert soonest_first(entries, 2) == ordered[:2]
