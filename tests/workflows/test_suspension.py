"""Suspension is of a customer, not of an invoice: placed once, lifted once, and never lifted when staff placed it by hand."""

import asyncio

import pytest

from domain.customer import Customer
from domain.invoice import Invoice
from domain.standing import BillingStatus, HoldReason
from persistence import holds
from persistence.database import Database
from tests import factories
from tests.workflows.bench import Bench, policy
from tests.workflows.engine import Engine


@pytest.fixture
def strict(engine: Engine, database: Database, bench: Bench) -> Bench:
    """The bench's business with a short ladder: warned a day after the due day, suspended a week after it."""
    tenant = factories.make_tenant(database, dunning_policy=policy(("P1D", "final_warning"), ("P7D", "suspend")))
    factories.make_account(database, tenant)
    bench.tenant = tenant
    return bench


async def suspended(bench: Bench, *, invoices: int) -> tuple[Customer, list[Invoice]]:
    """A customer whose invoices have all reached suspension."""
    customer = bench.customer()
    late = [bench.invoice(customer, "25.00") for _ in range(invoices)]
    await bench.begin_lifecycles()
    await asyncio.gather(*(bench.forward(bench.lifecycle(one), bench.hour_after_step(one, 7)) for one in late))
    return customer, late


def notices(bench: Bench, invoices: list[Invoice], letter: str) -> list[str]:
    return [found for invoice in invoices for found in bench.letters(invoice) if found.startswith(letter)]


async def test_two_late_invoices_suspend_once_and_only_the_last_payment_lifts_it(strict: Bench) -> None:
    customer, (first, second) = await suspended(strict, invoices=2)
    week_later = strict.hour_after_step(first, 8)
    assert notices(strict, [first, second], "suspension_notice") == ["suspension_notice SENT"]
    assert strict.standing(customer, week_later) is BillingStatus.SUSPENDED

    await strict.pay(first)
    assert await strict.ended(strict.lifecycle(first)) == "PAID"
    assert strict.standing(customer, week_later) is BillingStatus.SUSPENDED
    assert notices(strict, [first, second], "reactivation") == []

    await strict.pay(second)
    assert await strict.ended(strict.lifecycle(second)) == "PAID"
    assert strict.standing(customer, week_later) is BillingStatus.ACTIVE
    assert notices(strict, [first, second], "reactivation") == ["reactivation_confirmation SENT"]
    assert strict.audited(customer.id) == ["CUSTOMER_SUSPENDED", "CUSTOMER_HOLD_LIFTED"]


async def test_a_hold_that_staff_placed_survives_payment_and_nobody_is_told_of_a_reactivation(strict: Bench) -> None:
    customer, (invoice,) = await suspended(strict, invoices=1)
    with strict.database.tenant(strict.tenant.id) as session:
        holds.place(session, customer.id, HoldReason.MANUAL, factories.NOW)
    await strict.pay(invoice)
    assert await strict.ended(strict.lifecycle(invoice)) == "PAID"
    assert strict.standing(customer, strict.hour_after_step(invoice, 8)) is BillingStatus.SUSPENDED
    with strict.database.tenant(strict.tenant.id) as session:
        assert list(holds.standing(session, customer.id)) == [HoldReason.MANUAL]
    assert notices(strict, [invoice], "reactivation") == []


async def test_part_of_what_is_due_does_not_lift_a_suspension(strict: Bench) -> None:
    customer, (invoice,) = await suspended(strict, invoices=1)
    await strict.pay(invoice, "24.99")
    await strict.forward(strict.lifecycle(invoice), strict.hour_after_step(invoice, 8))
    assert strict.standing(customer, strict.hour_after_step(invoice, 8)) is BillingStatus.SUSPENDED
    assert await strict.is_running(strict.lifecycle(invoice))
    await strict.pay(invoice, "0.01")
    assert await strict.ended(strict.lifecycle(invoice)) == "PAID"
    assert strict.standing(customer, strict.hour_after_step(invoice, 8)) is BillingStatus.ACTIVE
