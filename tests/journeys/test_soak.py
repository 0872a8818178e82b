"""The soak that `make soak` runs with a thousand lives, with so few that it fits between other stories."""

import pytest

from benchmarks.soak_story import SoakPlan, soak
from dev.stack import Stack
from domain.letters import Letter

pytestmark = pytest.mark.timeout(600)


async def test_each_customer_gets_one_letter_a_step_and_is_back_however_often_the_worker_dies(stack: Stack) -> None:
    """24 invoices of 15 customers: a third of them have two or three, which suspend and pay at the same moment."""
    told: list[str] = []
    plan = SoakPlan(lives=24, kills=2, seed=27)
    verdict = await soak(stack, plan, told.append)

    assert verdict.faults == (), f"{plan}: {told}"
    assert (verdict.lives, verdict.customers, verdict.kills) == (24, 15, 2)
    assert verdict.suspended == verdict.active == 15
    counted = {letter: sum(n for (_, of), n in verdict.post.letters.items() if of is letter) for letter in Letter}
    assert counted[Letter.INVOICE_ISSUED] == 24
    assert counted[Letter.PAYMENT_REMINDER] == 15, "one for all invoices of a customer that are due on the same day"
    assert counted[Letter.OVERDUE_NOTICE] == 30
    assert counted[Letter.SUSPENSION_NOTICE] == counted[Letter.REACTIVATION_CONFIRMATION] == 15
