"""What is set aside is not chased: paused, disputed, or blocked with its customer (requirements L7, L8)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chasing import Block, SetAside, set_aside

TODAY = date(2026, 11, 15)
DAY = timedelta(days=1)
near = st.integers(-5, 5).map(lambda days: TODAY + days * DAY)


@pytest.mark.parametrize(
    ("is_disputed", "paused_until", "block", "expected"),
    [
        (False, None, None, None),
        (True, None, None, SetAside("disputed", None)),
        (False, TODAY, None, SetAside("paused until 2026-11-15", TODAY)),
        (False, TODAY - DAY, None, None),
        (False, None, Block(), SetAside("chasing of the customer is blocked", None)),
        (False, None, Block(TODAY), SetAside("chasing of the customer is blocked until 2026-11-15", TODAY)),
        (False, None, Block(TODAY - DAY), None),
        (
            False,
            TODAY + 2 * DAY,
            Block(TODAY + DAY),
            SetAside("paused until 2026-11-17; chasing of the customer is blocked until 2026-11-16", TODAY + 2 * DAY),
        ),
        (
            False,
            TODAY + DAY,
            Block(),
            SetAside("paused until 2026-11-16; chasing of the customer is blocked", None),
        ),
        (True, TODAY + DAY, Block(TODAY - DAY), SetAside("disputed; paused until 2026-11-16", None)),
    ],
)
def test_an_invoice_is_set_aside_for_every_reason_that_stands_today(
    is_disputed: bool, paused_until: date | None, block: Block | None, expected: SetAside | None
) -> None:
    assert set_aside(is_disputed=is_disputed, paused_until=paused_until, block=block, today=TODAY) == expected


@given(near | st.none(), st.none() | st.builds(Block, near | st.none()))
def test_what_ends_by_itself_is_set_aside_up_to_its_last_day_and_not_a_day_longer(
    paused_until: date | None, block: Block | None
) -> None:
    found = set_aside(is_disputed=False, paused_until=paused_until, block=block, today=TODAY)
    if found is None or found.until is None:
        return
    for today, stands in [(found.until, True), (found.until + DAY, False)]:
        again = set_aside(is_disputed=False, paused_until=paused_until, block=block, today=today)
        assert (again is not None) is stands


@given(near | st.none(), st.none() | st.builds(Block, near | st.none()))
def test_a_dispute_sets_aside_until_staff_say_so_whatever_else_stands(paused_until: date | None, block: Block | None) -> None:
    found = set_aside(is_disputed=True, paused_until=paused_until, block=block, today=TODAY)
    assert found is not None
    assert found.until is None
    assert found.why.startswith("disputed")
