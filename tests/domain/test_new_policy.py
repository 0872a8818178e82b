"""What a policy that somebody hands in may be today; what was saved before reads as it was (requirements L6)."""

from typing import Any

import pytest

from domain.dunning_policy import DunningPolicy, default_policy
from domain.errors import InvalidInputError
from domain.new_policy import FURTHEST_OFFSET_DAYS, MOST_STEPS, new_policy

NOTICE = {"offset": "P1D", "action": "overdue_notice"}
SUSPEND = {"offset": "P9D", "action": "suspend"}
SILENT = {**SUSPEND, "letter": "none"}


def ladder(length: int) -> list[dict[str, str]]:
    return [{"offset": f"P{day}D", "action": "overdue_notice"} for day in range(length)]


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(InvalidInputError) as refused:
        new_policy(data)
    return str(refused.value)


def test_the_default_policy_may_be_handed_in() -> None:
    assert new_policy(default_policy().to_data()) == default_policy()


def test_a_ladder_has_24_steps_at_most() -> None:
    assert len(new_policy({"steps": ladder(24)}).steps) == MOST_STEPS == 24
    assert refusal({"steps": ladder(25)}) == "steps: a ladder has at most 24 steps, and this one has 25."


def test_steps_that_are_too_many_are_not_even_read() -> None:
    assert refusal({"steps": [7] * 5000}) == "steps: a ladder has at most 24 steps, and this one has 5000."


@pytest.mark.parametrize(("sign", "action"), [("-", "remind"), ("", "overdue_notice")])
def test_a_step_is_two_years_from_the_due_day_at_most(sign: str, action: str) -> None:
    (step,) = new_policy({"steps": [{"offset": f"{sign}P730D", "action": action}]}).steps
    assert abs(step.offset_days) == FURTHEST_OFFSET_DAYS == 730
    assert refusal({"steps": [{"offset": f"{sign}P104W3D", "action": action}]}) == (
        f'steps[0].offset: "{sign}P104W3D" is too far away: choose at most 730 days before or after the due day.'
    )


@pytest.mark.parametrize("said", ["09:00\x00", "T09:00", "09", "09:00:00", "0900", "09:00:30.5"])
@pytest.mark.parametrize("field", ["send_at", "send_window.from", "send_window.to"])
def test_a_time_of_day_is_said_in_hours_and_minutes(field: str, said: str) -> None:
    whole = {"send_at": "09:00", "send_window": {"from": "08:00", "to": "17:00"}}
    name, _, end = field.partition(".")
    told = refusal({**whole, name: {**whole["send_window"], end: said} if end else said})  # type: ignore[dict-item] # of JSON
    assert told.startswith(f"{field}: ")
    assert told.endswith("is not a time of day such as 09:00, in hours and minutes.")


@pytest.mark.parametrize("suspension", [SUSPEND, SILENT])
@pytest.mark.parametrize(
    "before", [[], [{"offset": "-P1D", "action": "remind"}], [{**NOTICE, "offset": "P0D", "letter": "payment_reminder"}]]
)
def test_nobody_is_suspended_who_was_not_told_that_the_invoice_is_late(
    before: list[dict[str, str]], suspension: dict[str, str]
) -> None:
    assert refusal({"steps": [*before, suspension]}) == (
        f"steps[{len(before)}]: nobody is suspended untold: put a step before it that sends an overdue_notice or a "
        "final_warning."
    )


@pytest.mark.parametrize("before", [NOTICE, {**NOTICE, "action": "final_warning"}, {**NOTICE, "action": "remind"}])
def test_who_was_told_may_be_suspended(before: dict[str, str]) -> None:
    """A reminder after the due day is an overdue notice."""
    assert len(new_policy({"steps": [before, SILENT]}).steps) == 2


@pytest.mark.parametrize(
    "saved",
    [
        {"steps": ladder(25)},
        {"steps": [{"offset": "P9999D", "action": "overdue_notice"}]},
        {"steps": [SUSPEND]},
        {"steps": [], "send_at": "09:00:30"},
    ],
)
def test_a_snapshot_from_before_these_limits_still_reads(saved: dict[str, Any]) -> None:
    assert DunningPolicy.from_data(DunningPolicy.from_data(saved).to_data()) == DunningPolicy.from_data(saved)
    assert refusal(saved)


def test_what_cannot_be_a_policy_is_refused_as_ever() -> None:
    not_a_policy: Any = {"steps": {"offset": "P1D"}}
    assert refusal(not_a_policy) == 'steps: {"offset": "P1D"} is not a list of steps.'
    assert refusal({"send_window": None, "send_at": None}) == "send_at: null is not a time of day such as 09:00."
