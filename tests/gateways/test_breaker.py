"""The breaker's rule: half of at least five calls within a minute, then half a minute alone, then one trial at a time."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateways.breaker import FEWEST_CALLS, PAUSE_SECONDS, WINDOW_SECONDS, Breaker

ERROR = "paynow: no answer."


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def call(breaker: Breaker, *, fails: bool) -> bool | None:
    began = breaker.begin()
    assert began is not None, "the call goes through"
    return breaker.end(began, ERROR if fails else None)


def tripped(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    assert [call(breaker, fails=True) for _ in range(5)] == [None, None, None, None, True]
    return breaker


def trips(calls: list[tuple[float, bool]], now: float) -> bool:
    """The rule as it is written down (requirements P12)."""
    recent = [failed for ended, failed in calls if now - ended < WINDOW_SECONDS]
    return len(recent) >= FEWEST_CALLS and sum(recent) / len(recent) >= 0.5


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 9.0, 10.0, 20.0, 59.9, 60.0, 300.0]), st.booleans()), max_size=60))
def test_it_opens_at_the_first_call_that_makes_half_of_a_minutes_calls_failures(calls: list[tuple[float, bool]]) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    seen: list[tuple[float, bool]] = []
    for pause, fails in calls:
        clock.now += pause
        seen.append((clock.now, fails))
        opened = call(breaker, fails=fails)
        assert opened is (True if trips(seen, clock.now) else None)
        if opened:
            assert breaker.begin() is None
            break


def test_four_failures_and_nothing_else_do_not_open_it() -> None:
    breaker = Breaker(Clock())
    assert [call(breaker, fails=True) for _ in range(4)] == [None] * 4
    assert breaker.pause is None


def test_five_failures_among_eleven_calls_do_not_open_it_and_six_among_twelve_do() -> None:
    breaker = Breaker(Clock())
    answers = [call(breaker, fails=False) for _ in range(6)] + [call(breaker, fails=True) for _ in range(6)]
    assert answers == [None] * 11 + [True]


def test_failures_older_than_a_minute_are_forgotten() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(4):
        call(breaker, fails=True)
    clock.now += 60
    assert call(breaker, fails=True) is None


def test_nothing_goes_through_for_thirty_seconds_and_then_one_call_at_a_time() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.now += 29.9
    assert (breaker.awaits_trial, breaker.begin()) == (False, None)
    clock.now += 0.1
    assert (breaker.awaits_trial, breaker.begin() is None) == (True, False)
    assert (breaker.awaits_trial, breaker.begin()) == (False, None), "somebody is trying already"


def test_a_trial_that_succeeds_closes_it_with_an_empty_window() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.now += 30
    assert call(breaker, fails=False) is False
    assert [call(breaker, fails=True) for _ in range(4)] == [None] * 4
    assert call(breaker, fails=True) is True


def test_a_trial_that_fails_is_no_new_opening_and_begins_thirty_seconds_anew() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.now += 45
    assert call(breaker, fails=True) is None
    assert breaker.pause == (clock.now + 30, ERROR)
    clock.now += 29
    assert breaker.begin() is None
    clock.now += 1
    assert call(breaker, fails=False) is False


def test_a_call_that_began_before_the_pause_says_nothing_when_it_ends_in_it() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    slow = breaker.begin()
    assert slow is not None
    for _ in range(5):
        call(breaker, fails=True)
    clock.now += 30
    assert breaker.end(slow, None) is None
    assert breaker.pause is not None
    assert breaker.awaits_trial


class Interleaved(RuleBasedStateMachine):
    """Calls that begin and end in any order, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(self.clock)
        self.under_way: list[int] = []
        self.trials = 0

    @rule(seconds=st.sampled_from([0.5, 10.0, 30.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def a_call_begins(self) -> None:
        pause = self.breaker.pause
        began = self.breaker.begin()
        if pause is None:
            assert began is not None, "a closed breaker lets all through"
        elif self.clock.now < pause[0] or self.trials:
            assert began is None
        else:
            assert began is not None, "after the pause one is let through"
            self.trials = 1
        if began is not None:
            self.under_way.append(began)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fails=st.booleans())
    def a_call_ends(self, data: st.DataObject, *, fails: bool) -> None:
        began = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        was_paused = self.breaker.pause is not None
        changed = self.breaker.end(began, ERROR if fails else None)
        assert (self.breaker.pause is not None) == (was_paused if changed is None else changed)
        if changed is not None:
            assert changed is not was_paused, "it opens when it was closed, and closes when it was paused"
        if changed is False:
            assert not fails
        pause = self.breaker.pause
        if pause is None or pause[0] == self.clock.now + PAUSE_SECONDS:
            self.trials = 0

    @invariant()
    def whoever_may_try_is_awaited(self) -> None:
        pause = self.breaker.pause
        due = pause is not None and self.clock.now >= pause[0]
        assert self.breaker.awaits_trial == (due and not self.trials)


TestInterleaved = Interleaved.TestCase
