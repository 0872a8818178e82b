"""Nobody is written to in quiet hours or on a holiday, whatever made a step or its letter late (pains 7; requirements L6)."""

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import text

from domain.calendar import local_day, local_instant
from domain.invoice import Invoice
from persistence.database import Database
from tests import factories
from tests.workflows.bench import Bench, Handle
from tests.workflows.engine import wall_clock
from workflows.invoice_lifecycle import InvoiceLifecycle

SATURDAY = 5
NOTICE_AFTER, WARNING_AFTER = 3, 10


def office_hours(send_at: str) -> dict[str, Any]:
    return {
        "send_at": send_at,
        "send_window": {"from": "08:00", "to": "17:00"},
        "steps": [
            {"offset": f"P{NOTICE_AFTER}D", "action": "overdue_notice"},
            {"offset": f"P{WARNING_AFTER}D", "action": "final_warning"},
        ],
    }


async def begun(bench: Bench, database: Database, policy: dict[str, Any]) -> tuple[Invoice, Handle]:
    bench.tenant = factories.make_tenant(database, dunning_policy=policy)
    _, invoice, lifecycle = await bench.invoice_with_lifecycle()
    return invoice, lifecycle


def at(bench: Bench, invoice: Invoice, days: int, hour: time) -> datetime:
    return local_instant(invoice.due_on + timedelta(days=days), hour, bench.tenant.time_zone)


async def test_a_notice_that_the_mail_server_would_not_take_at_five_is_not_sent_at_half_past(
    bench: Bench, database: Database
) -> None:
    invoice, lifecycle = await begun(bench, database, office_hours("16:50"))
    await bench.letters_are(invoice, "invoice_issued SENT")
    bench.engine.letters.rcpt = "451 4.7.1 greylisted, try later"
    await bench.forward(lifecycle, at(bench, invoice, 3, time(16, 58)))
    bench.engine.letters.rcpt = None
    await bench.forward(lifecycle, at(bench, invoice, 3, time(23, 0)))
    assert bench.letters(invoice) == ["invoice_issued SENT", "overdue_notice QUEUED"]
    await bench.forward(lifecycle, at(bench, invoice, 4, time(8, 5)))
    await bench.letters_are(invoice, "invoice_issued SENT", "overdue_notice SENT")


async def test_a_step_whose_day_closed_after_it_was_planned_is_taken_when_the_next_one_opens(
    bench: Bench, database: Database
) -> None:
    """The plan was made when that Saturday was a day like any other: the calendar is asked again when the step is due."""
    bench.tenant = factories.make_tenant(database, dunning_policy=office_hours("09:00"))
    customer = bench.customer()
    today = local_day(wall_clock(), bench.tenant.time_zone)
    invoice = bench.invoice(customer, due_in_days=(SATURDAY - NOTICE_AFTER - today.weekday()) % 7 + 7)
    assert (invoice.due_on + timedelta(days=NOTICE_AFTER)).weekday() == SATURDAY
    await bench.begin_lifecycles()
    lifecycle = bench.lifecycle(invoice)
    await bench.letters_are(invoice, "invoice_issued SENT")
    with database.system() as system:
        keep_working_days = text("UPDATE invoices SET dunning_policy = dunning_policy || CAST(:days AS jsonb) WHERE id = :id")
        system.execute(keep_working_days, {"days": '{"working_days_only": true}', "id": invoice.id})

    await bench.forward(lifecycle, at(bench, invoice, NOTICE_AFTER + 1, time(23, 0)))
    assert bench.letters(invoice) == ["invoice_issued SENT"], "neither on Saturday nor on Sunday"
    standing = await lifecycle.query(InvoiceLifecycle.standing)
    assert standing.not_before == at(bench, invoice, NOTICE_AFTER + 2, time(8, 0))

    await bench.forward(lifecycle, at(bench, invoice, NOTICE_AFTER + 2, time(8, 5)))
    await bench.letters_are(invoice, "invoice_issued SENT", "overdue_notice SENT")
    await bench.forward(lifecycle, at(bench, invoice, WARNING_AFTER + 5, time(9, 0)))
    assert bench.steps(invoice) == [("0-overdue_notice", "TAKEN"), ("1-final_warning", "TAKEN")]
