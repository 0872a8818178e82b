"""Letters that wait while staff move their invoice: nobody is chased for what is set aside, nor sent what is void."""

from datetime import date

import pytest

from activities.letter_facts import is_wanted
from activities.lifecycles import issued_letter
from domain.customer import Tenant
from domain.dunning_ladder import Action
from domain.moves import MoveKind
from persistence import chasing, messages
from persistence.database import Database
from tests.activities.moving_bench import ACTOR, LATER, MovingBench
from tests.factories import NOW


@pytest.fixture
def bench(database: Database, tenant: Tenant) -> MovingBench:
    return MovingBench.of(database, tenant)


def wanted(bench: MovingBench, message_id: str | None) -> bool:
    assert message_id is not None
    with bench.database.tenant(bench.tenant.id) as session:
        return is_wanted(session, messages.get(session, message_id), LATER)


def issued(bench: MovingBench) -> str | None:
    with bench.database.tenant(bench.tenant.id) as session:
        return messages.claim(session, issued_letter(bench.invoice.id, bench.customer.id), NOW)


@pytest.mark.parametrize(("kind", "day"), [(MoveKind.PAUSE, date(2026, 11, 20)), (MoveKind.DISPUTE, None)])
@pytest.mark.parametrize(
    ("key", "action"),
    [("0-remind", Action.REMIND), ("1-overdue_notice", Action.OVERDUE_NOTICE), ("3-final_warning", Action.FINAL_WARNING)],
)
def test_a_letter_that_waits_is_not_sent_once_its_invoice_is_set_aside(
    bench: MovingBench, key: str, action: Action, kind: MoveKind, day: date | None
) -> None:
    letter = bench.take(key, action).message_id
    assert wanted(bench, letter)
    bench.move(kind, day)
    assert not wanted(bench, letter)


def test_a_letter_that_waits_is_not_sent_once_chasing_of_its_customer_is_blocked(bench: MovingBench) -> None:
    letter = bench.take("0-remind", Action.REMIND).message_id
    with bench.database.tenant(bench.tenant.id) as session:
        chasing.block(session, bench.customer.id, until=None, note="Talks.", actor=ACTOR, now=NOW)
    assert not wanted(bench, letter)


def test_an_invoice_is_sent_while_it_is_disputed_or_paused_but_not_when_it_is_void(bench: MovingBench) -> None:
    letter = issued(bench)
    bench.move(MoveKind.DISPUTE)
    assert wanted(bench, letter)
    bench.move(MoveKind.VOID)
    assert not wanted(bench, letter)


@pytest.mark.parametrize("kind", [MoveKind.VOID, MoveKind.WRITE_OFF])
def test_nobody_is_chased_for_what_was_closed(bench: MovingBench, kind: MoveKind) -> None:
    letter = bench.take("3-final_warning", Action.FINAL_WARNING).message_id
    bench.move(kind)
    assert not wanted(bench, letter)
