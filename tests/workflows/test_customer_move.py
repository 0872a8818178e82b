"""Staff moves on a customer, carried out: once however often asked for, told to the invoices, and stronger than money."""

import asyncio
from datetime import date

import pytest

from domain.customer import Customer
from domain.customer_moves import CustomerMove, CustomerMoveKind
from domain.errors import ConflictError
from domain.ids import Prefix
from domain.invoice import Invoice
from domain.standing import BillingStatus, HoldReason
from persistence import customer_moves, holds, messages
from persistence.columns import new_id
from persistence.database import Database
from tests import factories
from tests.workflows import histories
from tests.workflows.bench import Bench, Handle, eventually, policy
from tests.workflows.engine import Engine, wall_clock
from workflows import names
from workflows.customer_move import CustomerMoveWorkflow
from workflows.invoice_lifecycle import InvoiceLifecycle

NOTE = "Mrs Chikwanha asked for it by phone."


@pytest.fixture
def strict(engine: Engine, database: Database, bench: Bench) -> Bench:
    """The bench's business with a short ladder: warned a day after the due day, suspended a week after it."""
    bench.tenant = factories.make_tenant(database, dunning_policy=policy(("P1D", "final_warning"), ("P7D", "suspend")))
    factories.make_account(database, bench.tenant)
    return bench


def ask(
    bench: Bench,
    customer: Customer,
    kind: CustomerMoveKind,
    *,
    reason: HoldReason | None = None,
    hold_id: str | None = None,
    day: date | None = None,
) -> CustomerMove:
    """Put a move on record, as the API does."""
    move = CustomerMove(new_id(Prefix.STAFF_MOVE), kind, reason, hold_id, day)
    with bench.database.tenant(bench.tenant.id) as session:
        customer_moves.request(session, move, customer_id=customer.id, reason=NOTE, actor="Chipo", now=wall_clock())
    return move


async def make(bench: Bench, customer: Customer, move: CustomerMove) -> Handle:
    handle = bench._seen(names.customer_move_id(customer.id, move.id), CustomerMoveWorkflow.run)
    await bench.engine.workflows.make_customer_move(bench.tenant.id, customer.id, move)
    return handle


async def place(bench: Bench, customer: Customer, reason: HoldReason) -> Handle:
    return await make(bench, customer, ask(bench, customer, CustomerMoveKind.PLACE_HOLD, reason=reason))


async def lift(bench: Bench, customer: Customer, reason: HoldReason) -> Handle:
    hold_id = standing_holds(bench, customer)[reason]
    return await make(bench, customer, ask(bench, customer, CustomerMoveKind.LIFT_HOLD, hold_id=hold_id))


def standing_holds(bench: Bench, customer: Customer) -> dict[HoldReason, str]:
    with bench.database.tenant(bench.tenant.id) as session:
        return holds.standing(session, customer.id)


def account_letters(bench: Bench, customer: Customer) -> list[str]:
    with bench.database.tenant(bench.tenant.id) as session:
        return [f"{found.letter.value} {found.status}" for found in messages.of_entity(session, "Customer", customer.id)]


async def suspended(bench: Bench) -> tuple[Customer, Invoice, Handle]:
    """A customer whose only invoice has reached suspension."""
    customer, invoice, lifecycle = await bench.invoice_with_lifecycle()
    await bench.forward(lifecycle, bench.hour_after_step(invoice, 7))
    assert list(standing_holds(bench, customer)) == [HoldReason.OVERDUE]
    return customer, invoice, lifecycle


async def test_a_hold_that_is_asked_for_three_times_is_placed_once_and_lifted_once(bench: Bench) -> None:
    customer = bench.customer()
    move = ask(bench, customer, CustomerMoveKind.PLACE_HOLD, reason=HoldReason.BREACH)
    await asyncio.gather(*(make(bench, customer, move) for _ in range(2)))
    placed = await make(bench, customer, move)
    assert await bench.ended(placed) is True
    await eventually(lambda: account_letters(bench, customer) == ["suspension_notice SENT"], "the letter")
    assert bench.standing(customer, wall_clock()) is BillingStatus.SUSPENDED

    lifted = await lift(bench, customer, HoldReason.BREACH)
    assert await bench.ended(lifted) is True
    assert bench.standing(customer, wall_clock()) is BillingStatus.ACTIVE
    assert account_letters(bench, customer) == ["suspension_notice SENT", "reactivation_confirmation SENT"]
    assert bench.audited(customer.id) == ["CUSTOMER_SUSPENDED", "CUSTOMER_HOLD_LIFTED"]
    assert len(bench.inbox(customer)) == 2


async def test_what_staff_hold_by_hand_survives_payment(strict: Bench) -> None:
    customer, invoice, lifecycle = await suspended(strict)
    await strict.ended(await place(strict, customer, HoldReason.MANUAL))
    await strict.pay(invoice)
    assert await strict.ended(lifecycle) == "PAID"
    assert list(standing_holds(strict, customer)) == [HoldReason.MANUAL]
    assert account_letters(strict, customer) == ["suspension_notice SENT"]
    await strict.ended(await lift(strict, customer, HoldReason.MANUAL))
    assert account_letters(strict, customer) == ["suspension_notice SENT", "reactivation_confirmation SENT"]


async def test_a_refusal_is_told_and_stays_the_answer(bench: Bench) -> None:
    customer = bench.customer()
    moves = [ask(bench, customer, CustomerMoveKind.PLACE_HOLD, reason=HoldReason.MANUAL) for _ in range(2)]
    await make(bench, customer, moves[0])
    for _ in range(2):
        with pytest.raises(ConflictError, match="is held for MANUAL already"):
            await make(bench, customer, moves[1])
    refused = bench.seen[names.customer_move_id(customer.id, moves[1].id)]
    assert await bench.ended(refused) is False
    assert bench.audited(customer.id) == ["CUSTOMER_SUSPENDED"]


async def test_a_blocked_customer_is_not_chased_and_is_chased_again_by_itself_after_the_day(strict: Bench) -> None:
    customer, invoice, lifecycle = await strict.invoice_with_lifecycle()
    last_day = strict.hour_after_step(invoice, 10).date()
    blocked = await make(strict, customer, ask(strict, customer, CustomerMoveKind.BLOCK_CHASING, day=last_day))
    assert await strict.ended(blocked) is True
    histories.keep("customer_move", await blocked.fetch_history())
    await strict.forward(lifecycle, strict.hour_after_step(invoice, 10))
    assert strict.steps(invoice) == []
    assert strict.letters(invoice) == ["invoice_issued SENT"]
    waiting = (await lifecycle.query(InvoiceLifecycle.standing)).waiting
    assert waiting is not None
    assert waiting.why == f"chasing of the customer is blocked until {last_day}"

    await strict.forward(lifecycle, strict.hour_after_step(invoice, 11))
    assert strict.steps(invoice) == [("0-final_warning", "TAKEN")]
    assert strict.audited(customer.id) == ["CUSTOMER_CHASING_BLOCKED", "CUSTOMER_CHASING_RESUMED"]
    await strict.forward(lifecycle, strict.hour_after_step(invoice, 17))
    assert list(standing_holds(strict, customer)) == [HoldReason.OVERDUE]


async def test_blocking_lets_a_suspended_customer_back_and_resuming_suspends_again_at_once(strict: Bench) -> None:
    customer, invoice, lifecycle = await suspended(strict)
    await strict.ended(await make(strict, customer, ask(strict, customer, CustomerMoveKind.BLOCK_CHASING)))
    assert strict.standing(customer, wall_clock()) is BillingStatus.ACTIVE
    await strict.ended(await make(strict, customer, ask(strict, customer, CustomerMoveKind.RESUME_CHASING)))
    assert list(standing_holds(strict, customer)) == [HoldReason.OVERDUE]
    assert account_letters(strict, customer) == [
        "suspension_notice SENT",
        "reactivation_confirmation SENT",
        "suspension_notice SENT",
    ]
    await strict.pay(invoice)
    assert await strict.ended(lifecycle) == "PAID"
    assert standing_holds(strict, customer) == {}


async def test_after_staff_lift_a_hold_over_debt_a_part_payment_does_not_suspend_again(strict: Bench) -> None:
    customer, invoice, lifecycle = await suspended(strict)
    await strict.ended(await lift(strict, customer, HoldReason.OVERDUE))
    await strict.pay(invoice, "10.00")
    await strict.forward(lifecycle, strict.hour_after_step(invoice, 9))
    assert standing_holds(strict, customer) == {}
    assert not (await lifecycle.query(InvoiceLifecycle.standing)).is_suspending
    assert await strict.is_running(lifecycle)


async def test_what_staff_write_does_not_come_into_the_history(bench: Bench) -> None:
    customer = bench.customer()
    placed = await place(bench, customer, HoldReason.MANUAL)
    await bench.ended(placed)
    assert histories.holding([await placed.fetch_history()], [NOTE, "Chipo"]) == []
