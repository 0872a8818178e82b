"""Another policy for an invoice that is being chased: what was said is not said again, and what still stands stands."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.customer import Tenant
from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import DunningPolicy
from domain.moves import MoveKind
from domain.standing import HoldReason
from persistence import dunning_policies
from persistence.database import Database
from tests.activities.moving_bench import ACTOR, MovingBench
from tests.factories import EVERY_DAY, NOW

DUE = NOW.replace(day=15, hour=7)  # 15 November, nine in the morning in Harare
PATIENT = replace(
    EVERY_DAY,
    steps=(
        DunningStep.usual(0, Action.OVERDUE_NOTICE),
        DunningStep.usual(20, Action.FINAL_WARNING),
        DunningStep.usual(40, Action.SUSPEND),
    ),
)


@pytest.fixture
def bench(database: Database, tenant: Tenant) -> MovingBench:
    return MovingBench.of(database, tenant)


def change(bench: MovingBench, policy: DunningPolicy, *, of_customer: bool = False) -> str:
    with bench.database.tenant(bench.tenant.id) as session:
        customer_id = bench.customer.id if of_customer else None
        newest = dunning_policies.own_of(session, [bench.customer.id]).get(bench.customer.id) if of_customer else None
        follows = newest.version if newest else (0 if of_customer else dunning_policies.of_business(session).version)
        return dunning_policies.put(session, policy, customer_id=customer_id, follows=follows, actor=ACTOR, now=NOW).id


def test_a_changed_policy_touches_an_issued_invoice_only_when_staff_re_apply_it(bench: MovingBench) -> None:
    before = bench.plan()
    changed = change(bench, PATIENT)
    assert bench.plan() == before
    standing = bench.move(MoveKind.REAPPLY_POLICY)
    assert standing.plan == bench.plan()
    assert [(step.key, step.nominal_on) for step in bench.plan()] == [
        ("r2.0-overdue_notice", DUE.date()),
        ("r2.1-final_warning", DUE.date() + timedelta(days=20)),
        ("r2.2-suspend", DUE.date() + timedelta(days=40)),
    ]
    assert (bench.detail().policy, bench.detail().policy_id) == (PATIENT, changed)
    assert bench.audited("INVOICE_POLICY_REAPPLIED")[1]["version"] == 2


def test_a_customers_own_policy_comes_before_the_business(bench: MovingBench) -> None:
    change(bench, EVERY_DAY)
    own = change(bench, PATIENT, of_customer=True)
    bench.move(MoveKind.REAPPLY_POLICY)
    assert bench.detail().policy_id == own


def test_the_policy_by_which_it_is_chased_already_is_nothing_to_re_apply(bench: MovingBench) -> None:
    assert "nothing to re-apply" in bench.refused(MoveKind.REAPPLY_POLICY).message
    change(bench, PATIENT)
    bench.move(MoveKind.REAPPLY_POLICY)
    assert "version 2" in bench.refused(MoveKind.REAPPLY_POLICY).message


def test_what_was_said_is_not_said_again_and_the_suspension_keeps_its_distance_from_the_warning(bench: MovingBench) -> None:
    """The warning went out on day 14; the new policy suspends ten days after its warning, so on day 24 and not on day 16."""
    bench.take("3-final_warning", Action.FINAL_WARNING, now=DUE + timedelta(days=14))
    steps = (DunningStep.usual(6, Action.FINAL_WARNING), DunningStep.usual(16, Action.SUSPEND))
    change(bench, replace(PATIENT, steps=steps))
    bench.move(MoveKind.REAPPLY_POLICY, now=DUE + timedelta(days=15))
    assert [(step.action, step.at) for step in bench.plan()] == [(Action.SUSPEND, DUE + timedelta(days=24))]


def test_an_invoice_that_suspends_goes_on_suspending_and_is_not_reminded_again(bench: MovingBench) -> None:
    bench.suspend(now=DUE + timedelta(days=21))
    change(bench, PATIENT)
    standing = bench.move(MoveKind.REAPPLY_POLICY, now=DUE + timedelta(days=22))
    assert standing.is_suspending
    assert bench.plan() == ()
    assert bench.held() == [HoldReason.OVERDUE]


def test_what_was_said_before_an_extension_may_be_said_again(bench: MovingBench) -> None:
    bench.take("3-final_warning", Action.FINAL_WARNING, now=DUE + timedelta(days=14))
    new_due = (DUE + timedelta(days=30)).date()
    bench.move(MoveKind.EXTEND, new_due, now=DUE + timedelta(days=15))
    change(bench, PATIENT)
    bench.move(MoveKind.REAPPLY_POLICY, now=DUE + timedelta(days=16))
    assert [(step.key, step.nominal_on) for step in bench.plan()] == [
        ("r3.0-overdue_notice", new_due),
        ("r3.1-final_warning", new_due + timedelta(days=20)),
        ("r3.2-suspend", new_due + timedelta(days=40)),
    ]


def test_a_policy_that_lifts_below_what_is_left_brings_the_customer_back(bench: MovingBench) -> None:
    """USD 30.00 are left, and the new policy suspends for USD 50.00 and more only."""
    bench.suspend()
    bench.pay("70")
    assert bench.held() == [HoldReason.OVERDUE]
    change(bench, replace(EVERY_DAY, lift_below={"USD": 5000}))
    move = bench.ask(MoveKind.REAPPLY_POLICY)
    standing = bench.make(move)
    assert (bench.held(), standing.message_id is not None) == ([], True)
    assert bench.make(move) == standing


def test_a_stricter_policy_suspends_for_what_the_old_one_had_let_go(bench: MovingBench) -> None:
    change(bench, replace(EVERY_DAY, lift_below={"USD": 5000}))
    bench.move(MoveKind.REAPPLY_POLICY)
    bench.suspend(key="r2.4-suspend")
    bench.pay("70")
    assert bench.held() == []
    change(bench, EVERY_DAY)
    move = bench.ask(MoveKind.REAPPLY_POLICY)
    standing = bench.make(move)
    assert (bench.held(), standing.message_id is not None) == ([HoldReason.OVERDUE], True)
    assert bench.make(move) == standing
