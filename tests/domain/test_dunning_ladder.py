"""The ladder: offsets, letters, and the ladders that cannot be meant (pains 16; requirements L6)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dunning_ladder import Action, DunningStep, format_offset, parse_offset, read_step
from domain.dunning_policy import DunningPolicy
from domain.errors import InvalidInputError
from domain.letters import Letter
from tests.domain.dunning_cases import NOTICE, REMIND, SUSPEND, WARN, WRITE_OFF, ladders


@pytest.mark.parametrize(
    ("text", "days"),
    [("-P3D", -3), ("P0D", 0), ("-P0D", 0), ("+P3D", 3), ("P2W", 14), ("P1W2D", 9), ("-P1W", -7), ("P9999D", 9999)],
)
def test_offsets_in_days_and_weeks(text: str, days: int) -> None:
    assert parse_offset(text) == days


@given(st.integers(-9999, 9999))
def test_an_offset_reads_back_as_it_was_written(days: int) -> None:
    assert parse_offset(format_offset(days)) == days


@given(st.integers(0, 999), st.integers(0, 9999))
def test_an_offset_in_weeks_and_days_is_refused_or_can_be_written_in_days(weeks: int, days: int) -> None:
    text = f"P{weeks}W{days}D"
    if 7 * weeks + days > 9999:
        with pytest.raises(InvalidInputError, match="more than 9999 days away from the due day"):
            parse_offset(text)
    else:
        assert parse_offset(format_offset(parse_offset(text))) == 7 * weeks + days


@pytest.mark.parametrize(
    "text",
    ["PT5H", "P1M", "P1Y", "P", "", "3", "P3", "3D", "P1.5D", "P-3D", "p3d", "P2D1W", "P1D\n", " P1D", "P10000D", "P٣D"],
)
def test_an_offset_that_moves_no_due_day_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a number of days or weeks such as -P3D, P0D or P2W"):
        parse_offset(text)


@given(ladders())
def test_a_step_reads_back_as_it_was_written(ladder: tuple[DunningStep, ...]) -> None:
    assert tuple(read_step(index, step.to_data()) for index, step in enumerate(ladder)) == ladder


def step(offset: Any, action: Any, **more: Any) -> dict[str, Any]:
    return {"offset": offset, "action": action, **more}


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        (
            step("P2D", "shout"),
            "steps[1].action",
            '"shout" is not one of remind, overdue_notice, final_warning, suspend',
        ),
        (step("P2D", ["remind"]), "steps[1].action", "is not one of"),
        ({"offset": "P2D"}, "steps[1].action", "null is not one of"),
        (step("PT5H", "remind"), "steps[1].offset", '"PT5H" is not a number of days or weeks'),
        (step(7, "remind"), "steps[1].offset", "7 is not a number of days or weeks"),
        ({"action": "remind"}, "steps[1].offset", "null is not a number of days or weeks"),
        (step("P2D", "remind", lettre="none"), "steps[1].lettre", "a step has no such field; it has offset, action, letter"),
        (
            step("P2D", "remind", letter="Dear Sir"),
            "steps[1].letter",
            '"Dear Sir" is not one of payment_reminder',
        ),
        (step("P2D", "suspend", letter=7), "steps[1].letter", "7 is not one of suspension_notice, none"),
        (
            step("P2D", "remind", letter="none"),
            "steps[1].letter",
            '"none" is not a letter for remind: choose from payment',
        ),
        (step("P2D", "final_warning", letter="overdue_notice"), "steps[1].letter", "choose from final_warning"),
        (step("P2D", "suspend", letter="final_warning"), "steps[1].letter", "choose from suspension_notice, none"),
        (step("P2D", "write_off", letter="overdue_notice"), "steps[1].letter", "choose from none"),
        (step("P2D", "remind", letter="payment_reminder"), "steps[1].letter", "after the due day use overdue_notice"),
        ("remind", "steps[1]", """"remind" is not a step such as {"offset": "P7D", "action": "overdue_notice"}"""),
        (step("P" + "9" * 5000 + "D", "remind"), "steps[1].offset", '"P9{77}… is not a number of days or weeks'),
        (step("P2D", "remind", **{"x" * 100_000: 1}), f"steps[1].{'x' * 79}…", "a step has no such field"),
    ],
)
def test_a_step_that_cannot_be_meant_is_named(data: Any, field: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as refusal:
        DunningPolicy.from_data({"steps": [step("P1D", "remind"), data]})
    assert refusal.value.field == field


def test_an_overdue_notice_before_the_due_day_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="cannot be sent before the due day: use payment_reminder") as refusal:
        DunningPolicy.from_data({"steps": [step("-P1D", "remind", letter="overdue_notice")]})
    assert refusal.value.field == "steps[0].letter"


@pytest.mark.parametrize(
    ("steps", "which", "words"),
    [
        ([(7, NOTICE), (0, NOTICE)], 1, "each step must come on a later day than the one before it, and P0D follows P7D"),
        ([(7, NOTICE), (7, WARN)], 1, "each step must come on a later day than the one before it, and P7D follows P7D"),
        ([(-1, REMIND), (-3, REMIND)], 1, "and -P3D follows -P1D"),
        ([(-1, REMIND), (7, NOTICE), (5, WARN)], 2, "and P5D follows P7D"),
        ([(14, SUSPEND), (21, NOTICE)], 1, "nothing but a write-off can follow the suspension"),
        ([(14, SUSPEND), (21, SUSPEND)], 1, "nothing but a write-off can follow the suspension"),
        ([(14, SUSPEND), (21, WARN)], 1, "nothing but a write-off can follow the suspension"),
        ([(14, WRITE_OFF), (21, NOTICE)], 1, "nothing can follow the write-off"),
        ([(14, WRITE_OFF), (21, WRITE_OFF)], 1, "nothing can follow the write-off"),
        ([(14, SUSPEND), (21, WRITE_OFF), (28, SUSPEND)], 2, "nothing can follow the write-off"),
        ([(0, SUSPEND)], 0, "a suspension must come after the due day"),
        ([(-1, SUSPEND)], 0, "a suspension must come after the due day"),
        ([(0, WRITE_OFF)], 0, "a write-off must come after the due day"),
        ([(-1, NOTICE)], 0, "an overdue notice cannot come before the due day"),
        ([(-1, WARN)], 0, "a final warning must come after the due day"),
        ([(0, WARN), (7, SUSPEND)], 0, "a final warning must come after the due day"),
    ],
)
def test_a_ladder_that_cannot_be_meant_is_refused_with_the_step_and_the_reason(
    steps: list[tuple[int, Action]], which: int, words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as refusal:
        DunningPolicy(tuple(DunningStep.usual(day, action) for day, action in steps))
    assert refusal.value.field == f"steps[{which}]"


def test_offsets_out_of_order_are_told_as_they_were_written() -> None:
    with pytest.raises(InvalidInputError, match=r"and \+P1W follows P2W\.$"):
        DunningPolicy.from_data({"steps": [step("P2W", "overdue_notice"), step("+P1W", "final_warning")]})


@pytest.mark.parametrize(
    ("day", "action", "letter"),
    [
        (-3, REMIND, Letter.PAYMENT_REMINDER),
        (0, REMIND, Letter.PAYMENT_REMINDER),
        (1, REMIND, Letter.OVERDUE_NOTICE),
        (0, NOTICE, Letter.OVERDUE_NOTICE),
        (1, WARN, Letter.FINAL_WARNING),
        (1, SUSPEND, Letter.SUSPENSION_NOTICE),
        (1, WRITE_OFF, None),
    ],
)
def test_each_action_has_its_usual_letter(day: int, action: Action, letter: Letter | None) -> None:
    assert DunningStep.usual(day, action).letter is letter


def test_a_suspension_may_be_silent() -> None:
    policy = DunningPolicy.from_data({"steps": [step("P1D", "suspend", letter="none")]})
    assert policy.steps == (DunningStep(1, SUSPEND, None),)
