"""The ladder as data: read, written, and refused with the reason when it could not be meant (pains 16; requirements L6)."""

from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dunning import Action, DunningPolicy, DunningStep, default_policy, format_offset, parse_offset
from domain.errors import InvalidInputError
from domain.letters import Letter

REMIND, NOTICE, WARN, SUSPEND = Action.REMIND, Action.OVERDUE_NOTICE, Action.FINAL_WARNING, Action.SUSPEND


@st.composite
def policies(draw: st.DrawFn) -> DunningPolicy:
    """Any ladder that can be meant: reminders before the due day, the rest after it, a suspension at the end or none."""
    before = sorted(draw(st.sets(st.integers(-60, -1), max_size=3)))
    after = sorted(draw(st.sets(st.integers(1, 90), max_size=6)))
    steps = [DunningStep(day, REMIND) for day in before]
    steps += [DunningStep(day, draw(st.sampled_from([REMIND, NOTICE, WARN]))) for day in after]
    if draw(st.booleans()):
        steps.append(DunningStep(after[-1] + 5 if after else 5, SUSPEND))
    return DunningPolicy(tuple(steps), time(draw(st.integers(0, 23)), draw(st.integers(0, 59))))


@given(policies())
def test_a_policy_reads_back_as_it_was_written(policy: DunningPolicy) -> None:
    assert DunningPolicy.from_data(policy.to_data()) == policy


def test_the_default_policy_as_it_is_stored() -> None:
    assert default_policy().to_data() == {
        "send_at": "09:00",
        "steps": [
            {"offset": "-P3D", "action": "remind"},
            {"offset": "P0D", "action": "overdue_notice"},
            {"offset": "P7D", "action": "overdue_notice"},
            {"offset": "P14D", "action": "final_warning"},
            {"offset": "P21D", "action": "suspend"},
        ],
    }


def test_a_policy_without_an_hour_sends_at_nine_and_one_without_steps_chases_nobody() -> None:
    assert DunningPolicy.from_data({}) == DunningPolicy((), time(9))


@pytest.mark.parametrize(
    ("text", "days"),
    [("-P3D", -3), ("P0D", 0), ("-P0D", 0), ("+P3D", 3), ("P2W", 14), ("P1W2D", 9), ("-P1W", -7), ("P9999D", 9999)],
)
def test_offsets_in_days_and_weeks(text: str, days: int) -> None:
    assert parse_offset(text) == days


@given(st.integers(-9999, 9999))
def test_an_offset_reads_back_as_it_was_written(days: int) -> None:
    assert parse_offset(format_offset(days)) == days


@pytest.mark.parametrize(
    "text", ["PT5H", "P1M", "P1Y", "P", "", "3", "P3", "3D", "P1.5D", "P-3D", "p3d", "P2D1W", "P1D\n", " P1D", "P10000D"]
)
def test_an_offset_that_moves_no_due_day_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a number of days or weeks such as -P3D, P0D or P2W"):
        parse_offset(text)


def step(offset: Any, action: Any) -> dict[str, Any]:
    return {"offset": offset, "action": action}


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"steps": [step("P1D", "remind"), step("P2D", "shout")]}, "steps[1].action", "'shout' is not one of remind, overdue_"),
        ({"steps": [{"offset": "P1D"}]}, "steps[0].action", "None is not one of"),
        ({"steps": [step("PT5H", "remind")]}, "steps[0].offset", "'PT5H' is not a number of days or weeks"),
        ({"steps": [{"action": "remind"}]}, "steps[0].offset", "is not a number of days or weeks"),
        ({"send_at": "9 o'clock", "steps": []}, "send_at", "is not a time of day such as 09:00"),
        ({"send_at": "25:00", "steps": []}, "send_at", "is not a time of day such as 09:00"),
    ],
)
def test_a_step_that_cannot_be_read_is_named(data: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as refusal:
        DunningPolicy.from_data(data)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([(7, NOTICE), (0, NOTICE)], "each step must come on a later day than the one before it"),
        ([(7, NOTICE), (7, WARN)], "each step must come on a later day than the one before it"),
        ([(14, SUSPEND), (21, NOTICE)], "nothing can follow the suspension"),
        ([(14, SUSPEND), (21, SUSPEND)], "nothing can follow the suspension"),
        ([(0, SUSPEND)], "a suspension must come after the due day"),
        ([(-1, SUSPEND)], "a suspension must come after the due day"),
        ([(-1, NOTICE)], "an overdue notice cannot come before the due day"),
        ([(-1, WARN)], "a final warning must come after the due day"),
        ([(0, WARN), (7, SUSPEND)], "a final warning must come after the due day"),
    ],
)
def test_a_ladder_that_cannot_be_meant_is_refused_with_the_reason(steps: list[tuple[int, Action]], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as refusal:
        DunningPolicy(tuple(DunningStep(day, action) for day, action in steps))
    assert refusal.value.field == "steps"


def test_each_action_has_its_letter() -> None:
    assert {action: action.letter for action in Action} == {
        REMIND: Letter.PAYMENT_REMINDER,
        NOTICE: Letter.OVERDUE_NOTICE,
        WARN: Letter.FINAL_WARNING,
        SUSPEND: Letter.SUSPENSION_NOTICE,
    }
