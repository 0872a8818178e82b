"""The story of a soak: bill, climb the whole ladder to suspension, pay everything, come back; while workers are killed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.business import MeasuredBusiness, open_business
from benchmarks.soak_verdict import Verdict, judge
from benchmarks.worker_kills import WorkerKills
from dev.demo_business import until
from dev.demo_time import TimeMachine
from dev.stack import Stack, StackError
from domain.dunning_policy import default_policy
from workflows.client import connect

# One billing run a month; a customer who subscribed earlier has more invoices, and all are due on the same day, so that they
# race to suspend and to let back in.
PERIODS = ("2026-09", "2026-10", "2026-11")
INVOICES_A_CUSTOMER = (1, 1, 2, 1, 3)
_PAYMENTS_AT_ONCE = 8
# Lives that move at once. An activity that a dead worker had in hand is waited for until its time-out, up to 40 seconds, and
# the others go on.
_LIVES_AT_ONCE = 48

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """What a soak does.

    Attributes:
        lives: how many invoices there are; each has its lifecycle.
        kills: how often the worker is killed, at points chosen by `seed`.
        one_letter_a_day: as in the dunning policy.
    """

    lives: int
    kills: int
    seed: int
    one_letter_a_day: bool = True
    slug: str = "soak"


async def soak(stack: Stack, plan: SoakPlan, tell: Tell) -> Verdict:
    """Live it through on a running stack and judge what came of it.

    Args:
        tell: hears how far it is, a line at a time.
    """
    policy = replace(default_policy(), one_letter_a_day=plan.one_letter_a_day)
    business = await asyncio.to_thread(open_business, stack, plan.slug, policy, _first_days(plan.lives))
    kills = WorkerKills(stack, kills=plan.kills, work=plan.lives * (len(policy.steps) + 2), seed=plan.seed)
    seconds: dict[str, float] = {}
    client = await connect(stack.describe()["temporal"])
    try:
        async with _stage("billing", seconds, tell):
            await _bill(business, kills)
        machine = TimeMachine(client, at_once=_LIVES_AT_ONCE)
        for step in [step["step"] for step in business.invoices[0]["steps"]]:
            async with _stage(step, seconds, tell):
                await machine.move_past(business.invoices, step, kills.worked)
                await business.wait_for_letters()
        suspended = await business.count_suspended()
        async with _stage("payment", seconds, tell):
            await _pay_everything(business, kills)
        await kills.finished()
        verdict = await judge(business, client, suspended=suspended)
    finally:
        await business.close()
    return replace(verdict, kills=kills.done, seconds=seconds)


def _first_days(lives: int) -> list[str]:
    """When each customer's subscription begins, so that there are `lives` invoices in all."""
    days: list[str] = []
    left = lives
    while left:
        invoices = min(INVOICES_A_CUSTOMER[len(days) % len(INVOICES_A_CUSTOMER)], left)
        days.append(f"{PERIODS[-invoices]}-01")
        left -= invoices
    return days


async def _bill(business: MeasuredBusiness, kills: WorkerKills) -> None:
    for period in PERIODS:
        issued = 0

        def progressed(run: dict[str, Any]) -> None:
            nonlocal issued
            kills.worked(run["issued"] - issued)
            issued = run["issued"]

        await business.start_billing(period)
        await business.follow_billing(progressed)
    await business.wait_for_letters()
    await business.load_details()


async def _pay_everything(business: MeasuredBusiness, kills: WorkerKills) -> None:
    """All that is due arrives: every other customer pays each invoice by itself and at once, the others pay in one sum."""
    gate = asyncio.Semaphore(_PAYMENTS_AT_ONCE)

    async def record(reference: str, body: dict[str, Any], lives: int) -> None:
        async with gate:
            await business.record(reference, body)
            kills.worked(lives)

    owed: dict[str, list[dict[str, Any]]] = {}
    for invoice in business.invoices:
        owed.setdefault(invoice["customer_id"], []).append(invoice)
    payments: list[tuple[str, dict[str, Any], int]] = []
    for number, (customer_id, bills) in enumerate(owed.items()):
        if number % 2:
            amount = sum(bill["amount_due"]["minor"] for bill in bills)
            payments.append((f"ALL-{number}", {"customer_id": customer_id, "amount": amount}, len(bills)))
            continue
        payments += [
            (f"ONE-{bill['number']}", {"invoice_id": bill["id"], "amount": bill["amount_due"]["minor"]}, 1) for bill in bills
        ]
    await asyncio.gather(*(record(*payment) for payment in payments))

    async def all_paid() -> bool:
        left = await business.get("/api/invoices?state=OPEN&limit=1")
        pending = await business.get("/api/payments?status=PENDING&limit=1")
        return not (left["items"] or pending["items"])

    await until(all_paid, "all money to be settled", business.patience)
    await business.wait_for_letters()


@asynccontextmanager
async def _stage(name: str, seconds: dict[str, float], tell: Tell) -> AsyncIterator[None]:
    """A stage of the story, timed; one that does not end would otherwise be waited for for ever."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(MeasuredBusiness.patience):
            yield
    except TimeoutError:
        patience = f"{MeasuredBusiness.patience:.0f} s"
        raise StackError(f"The stage {name} did not end within {patience}: see the logs in the stack's directory.") from None
    seconds[name] = time.monotonic() - begun
    tell(f"{name}: {seconds[name]:.0f} s")
