"""Invoices that are set aside while something is under way: nobody is suspended unwarned, and refusals leave no trace."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from domain.calendar import local_day, local_instant
from domain.customer import Customer
from domain.errors import InvalidInputError
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.moves import Move, MoveKind
from domain.standing import BillingStatus
from persistence import dunning_policies, moves
from persistence.columns import new_id
from persistence.database import Database
from tests import factories
from tests.workflows.bench import Bench, Handle, policy
from tests.workflows.engine import wall_clock

WARNED_THEN_SUSPENDED = policy(("P1D", "final_warning"), ("P8D", "suspend"))


async def ask(bench: Bench, invoice: Invoice, kind: MoveKind, day: date | None = None) -> None:
    """A staff move as the API hands it over."""
    move = Move(new_id(Prefix.STAFF_MOVE), kind, day)
    about = {"invoice_id": invoice.id, "customer_id": invoice.customer_id}
    with bench.database.tenant(bench.tenant.id) as session:
        moves.request(session, move, **about, reason="on the telephone", actor="Rudo", now=wall_clock())
    await bench.engine.workflows.move_invoice(bench.tenant.id, invoice.id, move)


async def begun(bench: Bench, database: Database) -> tuple[Customer, Invoice, Handle]:
    bench.tenant = factories.make_tenant(database, dunning_policy=WARNED_THEN_SUSPENDED)
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.letters_are(invoice, "invoice_issued SENT")
    return customer, invoice, lifecycle


async def test_a_warning_that_a_pause_caught_before_it_went_out_is_given_again_before_the_suspension(
    bench: Bench, database: Database
) -> None:
    customer, invoice, lifecycle = await begun(bench, database)
    bench.engine.letters.rcpt = "451 4.7.1 greylisted, try later"
    await bench.forward(lifecycle, local_instant(invoice.due_on + timedelta(days=1), time(9, 1), bench.tenant.time_zone))
    assert bench.letters(invoice) == ["invoice_issued SENT", "final_warning QUEUED"]
    await ask(bench, invoice, MoveKind.PAUSE, invoice.due_on + timedelta(days=12))
    bench.engine.letters.rcpt = None
    await bench.forward(lifecycle, bench.hour_after_step(invoice, 12))
    assert bench.letters(invoice) == ["invoice_issued SENT", "final_warning CANCELLED"]

    await bench.forward(lifecycle, bench.hour_after_step(invoice, 13))
    await bench.letters_are(invoice, "invoice_issued SENT", "final_warning CANCELLED", "final_warning SENT")
    await bench.forward(lifecycle, bench.hour_after_step(invoice, 19))
    assert bench.standing(customer, bench.hour_after_step(invoice, 19)) is not BillingStatus.SUSPENDED
    await bench.forward(lifecycle, bench.hour_after_step(invoice, 20))
    assert bench.standing(customer, bench.hour_after_step(invoice, 20)) is BillingStatus.SUSPENDED


async def test_after_another_policy_is_applied_its_longest_pause_counts(bench: Bench, database: Database) -> None:
    _, invoice, _ = await begun(bench, database)
    until = local_day(wall_clock(), bench.tenant.time_zone) + timedelta(days=60)
    with pytest.raises(InvalidInputError, match="30 days") as refusal:
        await ask(bench, invoice, MoveKind.PAUSE, until)
    assert refusal.value.field == "until"
    with database.tenant(bench.tenant.id) as session:
        patient = replace(dunning_policies.of_business(session).in_force, longest_pause_days=90)
        dunning_policies.put(session, patient, actor="Rudo", now=wall_clock())
    await ask(bench, invoice, MoveKind.REAPPLY_POLICY)
    await ask(bench, invoice, MoveKind.PAUSE, until)
    assert bench.detail(invoice).paused_until == until


async def test_what_is_refused_is_no_event_in_the_history(bench: Bench, database: Database) -> None:
    _, invoice, lifecycle = await begun(bench, database)
    await bench.forward(lifecycle, timedelta(minutes=1))
    before = await bench.events(lifecycle)
    with pytest.raises(InvalidInputError):
        await lifecycle_refuses(bench, invoice)
    assert await bench.events(lifecycle) == before


async def lifecycle_refuses(bench: Bench, invoice: Invoice) -> None:
    yesterday = invoice.due_on - timedelta(days=40)
    await bench.engine.workflows.move_invoice(bench.tenant.id, invoice.id, Move("mov_none", MoveKind.EXTEND, yesterday))
