"""The same request with the same key is done once and answered alike; another request with it is refused."""

from datetime import datetime, timedelta

import pytest

from domain.ids import Prefix
from persistence import idempotency
from persistence.columns import new_id
from persistence.database import Database
from persistence.idempotency import ABANDONED_AFTER, Claim, KeyReusedError, StillWorkingError, StoredAnswer
from tests.factories import NOW
from tests.persistence.parallel import at_once

ANSWER = StoredAnswer(202, {"run_id": "run_1"})
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


@pytest.fixture
def scope() -> str:
    """What separates the keys of one tenant and route from those of others."""
    return f"{new_id(Prefix.TENANT)}/billing-runs"


def begin(
    database: Database, scope: str, *, key: str = KEY, body: str = "a", now: datetime = NOW, thing: str = "pay_1"
) -> StoredAnswer | Claim:
    with database.system() as system:
        return idempotency.begin(system, scope, key, body, now, thing)


def remember(database: Database, scope: str, thing: str, *, is_paused: bool) -> None:
    with database.system() as system:
        idempotency.remember(system, scope, KEY, thing, is_paused=is_paused)


def finish(database: Database, scope: str) -> None:
    with database.system() as system:
        idempotency.finish(system, scope, KEY, ANSWER)


def outcome(database: Database, scope: str, *, now: datetime = NOW) -> str:
    try:
        begin(database, scope, now=now)
    except StillWorkingError:
        return "still working"
    return "claimed"


def test_the_first_request_is_to_be_done_and_the_second_gets_its_answer(database: Database, scope: str) -> None:
    assert begin(database, scope) == Claim("pay_1", is_first=True)
    finish(database, scope)
    assert begin(database, scope) == ANSWER
    assert begin(database, scope, now=NOW + timedelta(days=1)) == ANSWER


def test_another_body_with_the_same_key_is_refused_before_and_after_the_answer(database: Database, scope: str) -> None:
    begin(database, scope)
    with pytest.raises(KeyReusedError, match=f"{KEY}.*use a new key for a new request"):
        begin(database, scope, body="b")
    finish(database, scope)
    with pytest.raises(KeyReusedError):
        begin(database, scope, body="b")


def test_the_same_key_elsewhere_is_another_key(database: Database, scope: str) -> None:
    begin(database, scope)
    assert begin(database, f"{scope}/other", body="b") == Claim("pay_1", is_first=True)
    assert begin(database, scope, key="another", body="b") == Claim("pay_1", is_first=True)


def test_while_the_first_is_being_worked_on_the_second_is_told_to_wait(database: Database, scope: str) -> None:
    begin(database, scope)
    with pytest.raises(StillWorkingError, match="ask again in a moment"):
        begin(database, scope, now=NOW + ABANDONED_AFTER)


def test_a_request_that_died_with_its_process_may_be_made_again_and_goes_on_with_what_the_first_named(
    database: Database, scope: str
) -> None:
    begin(database, scope)
    later = NOW + ABANDONED_AFTER + timedelta(seconds=1)
    assert begin(database, scope, now=later, thing="pay_2") == Claim("pay_1", is_first=False)
    with pytest.raises(StillWorkingError):
        begin(database, scope, now=later, thing="pay_3")


def test_a_request_that_died_with_its_process_is_not_made_again_as_another(database: Database, scope: str) -> None:
    """Nobody knows what the first has done."""
    begin(database, scope)
    with pytest.raises(KeyReusedError):
        begin(database, scope, body="b", now=NOW + timedelta(days=1))


def test_a_request_that_failed_on_its_way_is_taken_up_at_once_with_what_it_has_made(database: Database, scope: str) -> None:
    begin(database, scope)
    remember(database, scope, "pay_of_an_equal_request", is_paused=True)
    assert begin(database, scope, thing="pay_2") == Claim("pay_of_an_equal_request", is_first=False)
    assert outcome(database, scope) == "still working"


def test_what_a_request_found_made_is_kept_while_it_is_worked_on(database: Database, scope: str) -> None:
    begin(database, scope)
    remember(database, scope, "pay_of_an_equal_request", is_paused=False)
    assert outcome(database, scope) == "still working"
    later = NOW + ABANDONED_AFTER + timedelta(seconds=1)
    assert begin(database, scope, now=later) == Claim("pay_of_an_equal_request", is_first=False)


def test_a_slow_request_that_fails_at_last_leaves_the_answer_of_its_successor(database: Database, scope: str) -> None:
    begin(database, scope)
    finish(database, scope)
    remember(database, scope, "pay_1", is_paused=True)
    assert begin(database, scope) == ANSWER


def test_an_answer_is_never_taken_for_abandoned(database: Database, scope: str) -> None:
    begin(database, scope)
    finish(database, scope)
    assert begin(database, scope, now=NOW + timedelta(days=30)) == ANSWER


def test_a_request_that_failed_before_it_did_anything_can_be_made_again_at_once(database: Database, scope: str) -> None:
    begin(database, scope)
    with database.system() as system:
        idempotency.release(system, scope, KEY)
    assert begin(database, scope, body="b", thing="pay_2") == Claim("pay_2", is_first=True)


def test_an_answer_cannot_be_released(database: Database, scope: str) -> None:
    begin(database, scope)
    finish(database, scope)
    with database.system() as system:
        idempotency.release(system, scope, KEY)
    assert begin(database, scope) == ANSWER


def test_of_eight_equal_requests_at_once_one_is_done(database: Database, scope: str) -> None:
    outcomes = at_once([lambda: outcome(database, scope)] * 8)
    assert sorted(outcomes) == ["claimed"] + ["still working"] * 7


def test_an_abandoned_request_is_taken_over_by_one_only(database: Database, scope: str) -> None:
    begin(database, scope)
    later = NOW + ABANDONED_AFTER + timedelta(seconds=1)
    outcomes = at_once([lambda: outcome(database, scope, now=later)] * 8)
    assert sorted(outcomes) == ["claimed"] + ["still working"] * 7
