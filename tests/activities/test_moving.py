"""Staff moves that leave an invoice open: chased, set aside and suspending as they say; made once, by whoever asked."""

from datetime import date, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.lifecycles import Waiting
from activities.moving import MoveRequest, Moving
from domain.customer import Tenant
from domain.dunning_ladder import Action
from domain.moves import MoveKind
from domain.standing import HoldReason
from persistence.database import Database
from tests import factories
from tests.activities.moving_bench import ACTOR, LATER, REASON, MovingBench
from tests.factories import NOW

PROMISED = date(2026, 11, 20)
NEXT_YEAR = date(2027, 1, 15)
SUSPENDED = [HoldReason.OVERDUE]
ASIDE = [(MoveKind.PAUSE, PROMISED), (MoveKind.DISPUTE, None)]
BACK = {MoveKind.PAUSE: MoveKind.RESUME, MoveKind.DISPUTE: MoveKind.RESOLVE}


@pytest.fixture
def bench(database: Database, tenant: Tenant) -> MovingBench:
    return MovingBench.of(database, tenant)


def test_a_promise_to_pay_waits_for_all_of_its_last_day(bench: MovingBench) -> None:
    standing = bench.move(MoveKind.PAUSE, PROMISED)
    assert standing.paused_until == PROMISED
    # Nine in the morning in Harare on the day after.
    assert standing.waiting == Waiting("paused until 2026-11-20", NOW.replace(day=21, hour=7))
    assert bench.detail().paused_until == PROMISED
    assert bench.audited("INVOICE_PAUSED") == (
        ACTOR, {"number": "CVT-000001", "from": None, "until": "2026-11-20", "reason": REASON}
    )  # fmt: skip


def test_a_second_promise_replaces_the_day_of_the_first(bench: MovingBench) -> None:
    bench.move(MoveKind.PAUSE, PROMISED)
    assert bench.move(MoveKind.PAUSE, date(2026, 11, 25)).paused_until == date(2026, 11, 25)
    assert bench.audited("INVOICE_PAUSED")[1]["from"] == "2026-11-20"


@pytest.mark.parametrize(("kind", "day"), ASIDE)
def test_what_is_set_aside_suspends_nobody_and_suspends_again_when_it_is_taken_up(
    bench: MovingBench, kind: MoveKind, day: date | None
) -> None:
    bench.suspend()
    assert bench.move(kind, day).message_id is not None
    assert (bench.held(), bench.letters()) == ([], ["suspension_notice", "reactivation_confirmation"])
    standing = bench.move(BACK[kind])
    assert (standing.is_suspending, standing.waiting) == (True, None)
    assert (bench.held(), bench.letters()[2:]) == (SUSPENDED, ["suspension_notice"])


@pytest.mark.parametrize(("kind", "day"), ASIDE)
def test_taking_up_an_invoice_that_never_suspended_suspends_nobody(
    bench: MovingBench, kind: MoveKind, day: date | None
) -> None:
    bench.move(kind, day)
    assert bench.move(BACK[kind]).message_id is None
    assert (bench.held(), bench.letters()) == ([], [])


def test_an_invoice_that_is_disputed_and_paused_suspends_when_neither_holds_any_more(bench: MovingBench) -> None:
    bench.suspend()
    bench.move(MoveKind.PAUSE, PROMISED)
    bench.move(MoveKind.DISPUTE)
    bench.move(MoveKind.RESUME)
    assert bench.held() == []
    bench.move(MoveKind.RESOLVE)
    assert bench.held() == SUSPENDED


def test_setting_one_of_two_suspending_invoices_aside_lifts_nothing(bench: MovingBench) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer)
    bench.suspend()
    bench.suspend(invoice=other)
    assert bench.move(MoveKind.DISPUTE).message_id is None
    assert bench.held() == SUSPENDED
    assert bench.move(MoveKind.PAUSE, PROMISED, invoice=other).message_id is not None
    assert bench.held() == []


def test_an_extended_invoice_begins_its_whole_ladder_anew_and_suspends_nobody_until_that_says_so(bench: MovingBench) -> None:
    bench.take("3-final_warning", Action.FINAL_WARNING)
    bench.suspend()
    standing = bench.move(MoveKind.EXTEND, NEXT_YEAR)
    assert (standing.due_on, standing.is_suspending, standing.message_id is not None) == ("2027-01-15", False, True)
    assert standing.plan == bench.plan()
    assert [(step.key, step.nominal_on) for step in bench.plan()] == [
        ("r2.0-remind", NEXT_YEAR - timedelta(days=3)),
        ("r2.1-overdue_notice", NEXT_YEAR),
        ("r2.2-overdue_notice", NEXT_YEAR + timedelta(days=7)),
        ("r2.3-final_warning", NEXT_YEAR + timedelta(days=14)),
        ("r2.4-suspend", NEXT_YEAR + timedelta(days=21)),
    ]
    assert bench.held() == []
    assert bench.take("r2.3-final_warning", Action.FINAL_WARNING).message_id is not None, "a warning of its own"
    assert bench.audited("INVOICE_EXTENDED") == (
        ACTOR, {"number": "CVT-000001", "from": "2026-11-15", "to": "2027-01-15", "reason": REASON}
    )  # fmt: skip


def test_steps_that_would_lie_before_the_extension_are_left_out(bench: MovingBench) -> None:
    bench.move(MoveKind.EXTEND, date(2026, 11, 17), now=NOW + timedelta(days=14))
    assert bench.plan()[0].key == "r2.1-overdue_notice"


def test_an_invoice_extended_twice_counts_its_plans(bench: MovingBench) -> None:
    bench.move(MoveKind.EXTEND, PROMISED)
    bench.move(MoveKind.EXTEND, NEXT_YEAR)
    assert bench.plan()[0].key == "r3.0-remind"
    assert bench.detail().plan_round == 3


@pytest.mark.parametrize(("kind", "day"), [*ASIDE, (MoveKind.EXTEND, NEXT_YEAR)])
def test_a_move_whose_answer_was_lost_is_made_once_and_answers_the_same_with_its_letter(
    bench: MovingBench, kind: MoveKind, day: date | None
) -> None:
    bench.suspend()
    move = bench.ask(kind, day)
    first = bench.make(move)
    assert first.message_id is not None
    assert bench.make(move) == first
    assert bench.letters() == ["suspension_notice", "reactivation_confirmation"]
    assert bench.detail().plan_round == (2 if kind is MoveKind.EXTEND else 1)


@pytest.mark.parametrize(("kind", "day"), ASIDE)
def test_taking_up_again_whose_answer_was_lost_answers_the_same_with_its_letter(
    bench: MovingBench, kind: MoveKind, day: date | None
) -> None:
    bench.suspend()
    bench.move(kind, day)
    move = bench.ask(BACK[kind])
    first = bench.make(move)
    assert first.message_id is not None
    assert bench.make(move) == first
    assert bench.letters().count("suspension_notice") == 2


def test_a_lost_answer_to_a_move_that_lifted_nothing_tells_of_no_letter(bench: MovingBench) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer)
    bench.suspend()
    bench.suspend(invoice=other)
    move = bench.ask(MoveKind.DISPUTE)
    assert bench.make(move) == bench.make(move)
    assert bench.make(move).message_id is None


@pytest.mark.parametrize(
    ("kind", "day", "field"),
    [
        (MoveKind.EXTEND, date(2026, 11, 15), "due_on"),
        (MoveKind.EXTEND, None, "due_on"),
        (MoveKind.EXTEND, date(2028, 1, 1), "due_on"),
        (MoveKind.PAUSE, date(2026, 11, 3), "until"),
        (MoveKind.PAUSE, None, "until"),
        (MoveKind.PAUSE, date(2026, 12, 5), "until"),
    ],
)
def test_a_day_that_cannot_be_meant_is_told_with_its_field_and_is_on_record(
    bench: MovingBench, kind: MoveKind, day: date | None, field: str
) -> None:
    """Today is 4 November 2026, and the policy lets staff pause for 30 days."""
    told = bench.refused(kind, day)
    assert (told.type, told.details[0]) == ("InvalidInputError", field)
    assert told.message == f"{field}: {told.details[1]}"


def test_today_is_the_workflows_day_in_the_business_zone(bench: MovingBench) -> None:
    """At half past ten in the evening of the 19th in London it is the 20th in Harare."""
    late = NOW.replace(day=19, hour=22, minute=30)
    assert "2026-11-19 is over: choose 2026-11-20" in bench.refused(MoveKind.PAUSE, date(2026, 11, 19), now=late).message
    assert bench.move(MoveKind.PAUSE, PROMISED, now=late).paused_until == PROMISED


@pytest.mark.parametrize("kind", [MoveKind.RESUME, MoveKind.RESOLVE])
def test_what_was_not_set_aside_cannot_be_taken_up(bench: MovingBench, kind: MoveKind) -> None:
    assert bench.refused(kind).type == "ConflictError"


def test_a_move_that_was_refused_stays_refused_when_it_could_be_made_by_now(bench: MovingBench) -> None:
    move = bench.ask(MoveKind.RESOLVE)
    with pytest.raises(ApplicationError, match="is not disputed") as first:
        bench.make(move)
    bench.move(MoveKind.DISPUTE)
    with pytest.raises(ApplicationError) as again:
        bench.make(move)
    assert again.value.message == first.value.message
    assert bench.detail().disputed_at is not None


def test_nothing_moves_on_an_invoice_that_was_paid_meanwhile(bench: MovingBench) -> None:
    bench.pay("100")
    assert "is PAID" in bench.refused(MoveKind.PAUSE, PROMISED).message


def test_a_move_that_nobody_asked_for_on_this_invoice_is_not_made(bench: MovingBench) -> None:
    other = factories.issue_invoice(bench.database, bench.tenant, bench.customer)
    move = bench.ask(MoveKind.DISPUTE)
    with pytest.raises(ApplicationError, match=f"There is no move {move.id}"):
        bench.make(move, invoice=other)
    assert bench.row(move).status == "REQUESTED"
    assert bench.detail(other).disputed_at is None


def test_another_businesss_moves_look_as_if_there_were_none(bench: MovingBench, database: Database) -> None:
    move, stranger = bench.ask(MoveKind.DISPUTE), factories.make_tenant(database)
    request = MoveRequest(stranger.id, bench.invoice.id, bench.customer.id, move, LATER)
    with pytest.raises(ApplicationError, match="There is no"):
        Moving(database).make(request)
    assert bench.row(move).status == "REQUESTED"
