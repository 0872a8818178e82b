"""What timelines at the API look ahead to: of an invoice in any state, and of a customer with many."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from domain.customer_moves import CustomerMoveKind
from domain.invoice import Invoice
from domain.moves import MoveKind
from domain.standing import HoldReason
from persistence.database import Database
from tests.api.timelines import MOVED, Reader, chased_until_suspended, reading
from tests.persistence.timeline_story import RUDO, Story


@pytest.fixture(scope="module")
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with reading(database_url) as reader:
        yield reader


LEFT_OUT = "Payment Reminder and 2 Overdue Notices are left out"
WHOLE_LADDER = [
    "Next: Payment Reminder on Friday, August 7, 2026 at 09:00",
    "Due on Monday, August 10, 2026",
    "Then: Overdue Notice on Wednesday, August 12, 2026 at 09:00",
    "Then: Overdue Notice on Monday, August 17, 2026 at 09:00",
    "Then: Final Warning on Monday, August 24, 2026 at 09:00",
    "Then: Suspension on Monday, August 31, 2026 at 09:00",
]


@pytest.fixture
def story(database: Database) -> Story:
    return Story.of(database)


@pytest.fixture
def invoice(story: Story) -> Invoice:
    """Due on Monday, 10 August 2026, which is a holiday."""
    return story.issue("2026-07-27 10:00")


async def test_an_invoice_looks_ahead_to_its_steps_its_due_day_and_the_end_of_its_links(
    reader: Reader, story: Story, invoice: Invoice
) -> None:
    shown = await reader.read(story, "2026-07-27 11:00", invoice)
    assert [entry["title"] for entry in shown["upcoming"]] == WHOLE_LADDER
    moved = shown["upcoming"][2]
    assert (moved["local_day"], moved["local_time"], moved["kind"]) == ("2026-08-12", "09:00", "step")
    assert moved["reason"].startswith(MOVED)
    story.make_link("2026-07-28 11:00", invoice, "40")
    assert (await reader.ahead(story, "2026-07-28 12:00", invoice))[0] == (
        "Payment link ends on Tuesday, August 4, 2026 at 11:00: First instalment"
    )


async def test_a_paused_invoice_promises_no_step_within_the_pause(reader: Reader, story: Story, invoice: Invoice) -> None:
    story.move("2026-08-05 10:00", invoice, MoveKind.PAUSE, date(2026, 8, 22))
    assert await reader.ahead(story, "2026-08-05 11:00", invoice) == [
        "Due on Monday, August 10, 2026",
        # 22 August is a Saturday: chased again on Monday, when the notices of the pause are stood for by the latest of them.
        f"Paused until August 22, 2026, then Final Warning on Monday, August 24, 2026 at 09:00; {LEFT_OUT}",
        "Then: Suspension on Monday, August 31, 2026 at 09:00",
    ]
    assert (await reader.ahead(story, "2026-08-05 11:00"))[0].startswith("Invoice CVT-000001: Paused until August 22, 2026")
    shown = (await reader.read(story, "2026-08-05 11:00", invoice))["upcoming"]
    assert [(entry["actor"], entry["reason"]) for entry in shown] == [
        ("system", ""),
        (RUDO, "Mr Moyo rang."),
        ("system", ""),
    ]


async def test_a_suspension_behind_a_warning_that_a_pause_holds_up_says_what_it_keeps_its_distance_from(
    reader: Reader, story: Story, invoice: Invoice
) -> None:
    story.move("2026-08-05 10:00", invoice, MoveKind.PAUSE, date(2026, 8, 25))
    suspension = (await reader.read(story, "2026-08-05 11:00", invoice))["upcoming"][-1]
    assert suspension["title"] == "Then: Suspension on Wednesday, September 2, 2026 at 09:00"
    assert suspension["reason"] == "7 days after the final warning of Wednesday, August 26, 2026"


async def test_a_disputed_invoice_promises_no_day_at_all(reader: Reader, story: Story, invoice: Invoice) -> None:
    story.move("2026-08-05 10:00", invoice, MoveKind.DISPUTE)
    shown = (await reader.read(story, "2026-08-05 11:00", invoice))["upcoming"]
    assert [entry["title"] for entry in shown] == [
        "Due on Monday, August 10, 2026",
        "Disputed: not chased until staff end that, then Payment Reminder",
    ]
    assert (shown[1]["at"], shown[1]["local_day"], shown[1]["kind"]) == (None, None, "dispute")


async def test_a_blocked_customers_invoices_are_chased_again_after_the_block(
    reader: Reader, story: Story, invoice: Invoice
) -> None:
    story.move_customer("2026-08-05 10:00", CustomerMoveKind.BLOCK_CHASING, day=date(2026, 8, 18))
    first = (
        "Chasing of the customer is blocked until August 18, 2026, then Overdue Notice on Wednesday, August 19, 2026 at 09:00; "
        "Payment Reminder and Overdue Notice are left out"
    )
    assert (await reader.ahead(story, "2026-08-05 11:00", invoice))[1] == first
    assert await reader.ahead(story, "2026-08-05 11:00") == [f"Invoice CVT-000001: {first}"]
    story.move_customer("2026-08-06 10:00", CustomerMoveKind.RESUME_CHASING)
    story.move_customer("2026-08-06 11:00", CustomerMoveKind.BLOCK_CHASING)
    (entry,) = (await reader.read(story, "2026-08-06 12:00"))["upcoming"]
    assert (entry["title"], entry["actor"], entry["reason"]) == (
        "All chasing of the customer is blocked until staff resume it",
        RUDO,
        "Mr Moyo rang.",
    )


async def test_what_sets_an_invoice_aside_today_names_who_did_and_not_who_did_before(
    reader: Reader, story: Story, invoice: Invoice
) -> None:
    story.move("2026-08-05 10:00", invoice, MoveKind.PAUSE, date(2026, 8, 6))
    story.resume("2026-08-07 09:00", invoice)
    story.reason = "The meter is broken."
    story.move("2026-08-07 10:00", invoice, MoveKind.DISPUTE)
    (entry,) = [entry for entry in (await reader.read(story, "2026-08-07 11:00", invoice))["upcoming"] if entry["at"] is None]
    assert (entry["actor"], entry["reason"]) == (RUDO, "The meter is broken.")


async def test_a_suspended_customer_is_told_what_ends_it(reader: Reader, database: Database) -> None:
    story, invoice = chased_until_suspended(database)
    assert await reader.ahead(story, "2026-09-01 10:00", invoice) == ["Suspended until the unpaid invoices are paid"]
    story.move_customer("2026-09-01 11:00", CustomerMoveKind.PLACE_HOLD, hold_reason=HoldReason.BREACH)
    assert set(await reader.ahead(story, "2026-09-01 12:00")) == {
        "Suspended until the unpaid invoices are paid",
        "Suspended for broken terms until staff lift the hold",
    }


async def test_nothing_is_ahead_of_a_paid_invoice(reader: Reader, story: Story, invoice: Invoice) -> None:
    story.pay("2026-08-05 10:00", invoice, "100")
    assert await reader.ahead(story, "2026-08-05 11:00", invoice) == []
    assert await reader.ahead(story, "2026-08-05 11:00") == []


async def test_a_letter_that_is_late_waits_for_office_hours_or_the_next_letter_stands_for_it(
    reader: Reader, story: Story, invoice: Invoice
) -> None:
    at_night = await reader.ahead(story, "2026-08-12 22:30", invoice)
    assert at_night[0] == "Next: Overdue Notice on Thursday, August 13, 2026 at 08:00"
    # The offices open on Wednesday, when the notice comes an hour later: the customer is not written to twice for it.
    over_the_holidays = await reader.ahead(story, "2026-08-07 22:30", invoice)
    assert over_the_holidays[:2] == [
        "Due on Monday, August 10, 2026",
        "Next: Overdue Notice on Wednesday, August 12, 2026 at 09:00",
    ]


async def test_a_customers_next_steps_are_the_soonest_of_all_open_invoices_at_most_twenty(
    reader: Reader, database: Database
) -> None:
    story = Story.of(database)
    for day in range(1, 23):
        story.issue(f"2026-07-{day:02} 10:00", due_in_days=30)
    shown = (await reader.read(story, "2026-07-22 11:00"))["upcoming"]
    assert len(shown) == 20
    assert [entry["at"] for entry in shown] == sorted(entry["at"] for entry in shown)
    assert shown[0]["references"]["invoice_number"] == "CVT-000001"
    assert all(entry["title"].startswith(f"Invoice {entry['references']['invoice_number']}: Next: ") for entry in shown)
