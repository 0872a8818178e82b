"""Timelines at the API: each thing that happened is told once, in a sentence, with who did it and why."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from domain.customer_moves import CustomerMoveKind
from domain.moves import MoveKind
from domain.payment import PaymentMethod
from domain.standing import HoldReason
from persistence import reviews
from persistence.database import Database
from tests import factories
from tests.api.serving import is_problem, refused_field, token_of
from tests.api.timelines import MOVED, Reader, chased_until_suspended, reading
from tests.persistence.timeline_story import RUDO, Story, at

ACACIA = "accounts@acacia.example"


@pytest.fixture(scope="module")
async def reader(database_url: str) -> AsyncIterator[Reader]:
    async with reading(database_url) as reader:
        yield reader


HAPPENED = [
    ("2026-07-27 10:00", "issued", "Invoice CVT-000001 was issued over $100.00", "system", ""),
    ("2026-07-28 11:00", "link", "Payment link was made: First instalment, $40.00", RUDO, ""),
    ("2026-08-04 11:00", "link", "Payment link expired: First instalment, $40.00", "system", ""),
    ("2026-08-07 09:01", "letter", f"Payment Reminder was sent to {ACACIA}", "system", ""),
    ("2026-08-10 23:59", "due", "The due day, August 10, 2026, ended before all was paid", "system", ""),
    (
        "2026-08-12 09:01", "letter", f"Overdue Notice was sent to {ACACIA}", "system",
        f"{MOVED} public holiday: Zimbabwe Heroes' Day, public holiday: Defense Forces Day",
    ),
    ("2026-08-13 10:00", "payment", "Payment of $40.00 by EcoCash was begun", "payer", ""),
    ("2026-08-13 10:05", "payment", "Payment of $40.00 by EcoCash failed", "system", "The payer did not confirm."),
    ("2026-08-14 10:00", "payment", "Paid: $40.00 by Bank Transfer; $60.00 is left to pay", "system", ""),
    ("2026-08-15 10:00", "pause", "Chasing paused until August 20, 2026", RUDO, "Mr Moyo rang."),
    ("2026-08-21 09:00", "pause", "Chased again: the pause until August 20, 2026 is over", "system", ""),
    ("2026-08-21 10:00", "dispute", "Disputed: not chased until that is resolved", RUDO, "Mr Moyo rang."),
    ("2026-08-22 10:00", "dispute", "Chased again: the dispute is resolved, and the invoice stands", RUDO, "Mr Moyo rang."),
    ("2026-08-24 09:00", "step", "Overdue Notice was left out: the invoice was paused", "system", ""),
    ("2026-08-24 09:02", "letter", f"Final Warning could not be sent to {ACACIA}", "system", "550 No such mailbox."),
    ("2026-08-31 09:00", "suspension", "Suspended for unpaid invoices", "system", "Invoice CVT-000001 is still unpaid."),
    ("2026-08-31 09:01", "letter", f"Suspension Notice was sent to {ACACIA}", "system", ""),
]  # fmt: skip


async def test_all_that_happened_to_an_invoice_is_told_once_in_sentences(reader: Reader, database: Database) -> None:
    story, invoice = chased_until_suspended(database)
    assert await reader.past(story, "2026-09-01 10:00", invoice) == HAPPENED
    story.pay("2026-09-02 10:00", invoice, "70", PaymentMethod.PAYNOW_ECOCASH)
    assert (await reader.past(story, "2026-09-03 10:00", invoice))[len(HAPPENED) :] == [
        ("2026-09-02 10:00", "payment", "Payment of $70.00 by EcoCash was begun", "payer", ""),
        ("2026-09-02 10:00", "payment", "Paid: $60.00 of $70.00 by EcoCash; nothing is left to pay", "system", ""),
        (
            "2026-09-02 10:00", "reactivation", "Active again: no longer held for unpaid invoices", "system",
            "A payment left nothing that suspends.",
        ),
        ("2026-09-02 10:00", "letter", f"Reactivation Confirmation is on its way to {ACACIA}", "system", ""),
    ]  # fmt: skip


async def test_a_promise_that_lets_a_customer_back_is_told_before_that_and_as_the_reason_for_it(
    reader: Reader, database: Database
) -> None:
    story, invoice = chased_until_suspended(database)
    story.move("2026-09-01 10:00", invoice, MoveKind.PAUSE, date(2026, 9, 20))
    assert (await reader.past(story, "2026-09-02 10:00", invoice))[len(HAPPENED) :] == [
        ("2026-09-01 10:00", "pause", "Chasing paused until September 20, 2026", RUDO, "Mr Moyo rang."),
        (
            "2026-09-01 10:00", "reactivation", "Active again: no longer held for unpaid invoices", "system",
            "Chasing of invoice CVT-000001 was paused by Rudo.",
        ),
        ("2026-09-01 10:00", "letter", f"Reactivation Confirmation is on its way to {ACACIA}", "system", ""),
    ]  # fmt: skip


async def test_every_entry_leads_to_what_it_is_about(reader: Reader, database: Database) -> None:
    story, invoice = chased_until_suspended(database)
    shown = (await reader.read(story, "2026-09-01 10:00", invoice))["items"]
    by_kind = {item["kind"]: item for item in shown}
    for kind, reference, prefix in [
        ("link", "link_id", "lnk_"),
        ("letter", "message_id", "msg_"),
        ("payment", "payment_id", "pay_"),
        ("pause", "invoice_id", "inv_"),
        ("dispute", "move_id", "mov_"),
        ("suspension", "hold_id", "hld_"),
    ]:
        assert by_kind[kind]["references"][reference].startswith(prefix), kind
    assert {item["references"]["invoice_number"] for item in shown} == {"CVT-000001"}
    assert by_kind["payment"]["amount"] == {"minor": 4000, "currency": "USD", "text": "40.00"}
    assert by_kind["suspension"]["at"] == "2026-08-31T07:00:00Z"


async def test_a_customers_timeline_says_of_each_entry_which_invoice_it_is_about(reader: Reader, database: Database) -> None:
    story = Story.of(database)
    first, second = story.issue("2026-07-27 10:00"), story.issue("2026-07-28 10:00", amount="50")
    story.move("2026-07-29 10:00", first, MoveKind.PAUSE, date(2026, 8, 20))
    story.move("2026-07-29 11:00", second, MoveKind.VOID)
    story.move_customer("2026-07-29 12:00", CustomerMoveKind.PLACE_HOLD, hold_reason=HoldReason.BREACH)
    story.move_customer("2026-07-29 13:00", CustomerMoveKind.BLOCK_CHASING, day=date(2026, 8, 30))
    story.pay("2026-07-30 10:00", first, "130", linked=False)
    titles = [title for _, _, title, _, _ in await reader.past(story, "2026-08-01 10:00")]
    assert titles == [
        "Invoice CVT-000001 was issued over $100.00",
        "Invoice CVT-000002 was issued over $50.00",
        "Invoice CVT-000001: Chasing paused until August 20, 2026",
        "Invoice CVT-000002: Void: taken back by credit note CVT-CN-000001 over $50.00",
        "Suspended for broken terms",
        f"Suspension Notice is on its way to {ACACIA}",
        "All chasing of the customer blocked until August 30, 2026",
        "Paid: $130.00 by Cash; invoice CVT-000001: nothing is left to pay; $30.00 is kept as credit",
    ]


async def test_money_that_is_on_its_way_is_being_confirmed(reader: Reader, database: Database) -> None:
    story = Story.of(database)
    invoice = story.issue("2026-07-27 10:00")
    payment = story.begin("2026-07-30 10:00", invoice, "25")
    with database.tenant(story.tenant.id) as session:
        reviews.open_for(session, payment.id, "OUTCOME_UNKNOWN", "Look it up at Paynow.", at("2026-07-31 10:00"))
    assert (await reader.past(story, "2026-08-01 10:00", invoice))[1:] == [
        ("2026-07-30 10:00", "payment", "$25.00 by EcoCash is being confirmed", "payer", ""),
        ("2026-07-31 10:00", "review", "Somebody must look at $25.00 by EcoCash", "system", "Look it up at Paynow."),
    ]


async def test_pages_follow_each_other_and_only_the_first_looks_ahead(reader: Reader, database: Database) -> None:
    story, invoice = chased_until_suspended(database)
    whole = await reader.read(story, "2026-09-01 10:00", invoice, limit=200)
    assert whole["next"] is None
    page = await reader.read(story, "2026-09-01 10:00", invoice, limit=5)
    assert page["upcoming"] == whole["upcoming"] != []
    walked = page["items"]
    while page["next"]:
        page = await reader.read(story, "2026-09-01 10:00", invoice, limit=5, after=page["next"])
        assert page["upcoming"] == []
        walked += page["items"]
    assert walked == whole["items"]
    assert len({item["id"] for item in walked}) == len(walked)


@pytest.mark.parametrize("after", ["", "x", "inv_1", "1.", "1", "9" * 18 + ".0aud_1", "1.0aud\x00", "1.0aud'--", "a" * 121])
async def test_a_cursor_that_no_page_gave_is_refused_by_name(reader: Reader, database: Database, after: str) -> None:
    story = Story.of(database)
    path = f"/api/customers/{story.customer.id}/timeline"
    answer = await reader.client.get(path, headers=token_of(database, story.tenant), params={"after": after})
    assert refused_field(answer) == "after"


async def test_nobody_reads_the_timeline_of_anothers_invoice_or_customer(reader: Reader, database: Database) -> None:
    story, stranger = Story.of(database), factories.make_tenant(database)
    invoice = story.issue("2026-07-27 10:00")
    for path in (f"invoices/{invoice.id}", f"customers/{story.customer.id}"):
        is_problem(await reader.client.get(f"/api/{path}/timeline", headers=token_of(database, stranger)), 404)
