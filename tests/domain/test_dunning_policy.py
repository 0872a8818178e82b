"""The policy as data: read, written, and refused with the reason when it could not be meant (pains 16; requirements L6)."""

from datetime import time
from typing import Any

import pytest
from hypothesis import given

from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import ANY_HOUR, OFFICE_HOURS, DunningPolicy, SendWindow, default_policy
from domain.errors import InvalidInputError
from domain.letters import Letter
from domain.money import Money
from tests.domain.dunning_cases import NOTICE, REMIND, SUSPEND, WARN, policies


@given(policies())
def test_a_policy_reads_back_as_it_was_written(policy: DunningPolicy) -> None:
    assert DunningPolicy.from_data(policy.to_data()) == policy


def test_the_default_policy_as_it_is_stored() -> None:
    assert default_policy().to_data() == {
        "send_at": "09:00",
        "send_window": {"from": "08:00", "to": "17:00"},
        "working_days_only": True,
        "one_letter_a_day": True,
        "longest_pause_days": 30,
        "lift_below": {},
        "bills_while_suspended": True,
        "steps": [
            {"offset": "-P3D", "action": "remind", "letter": "payment_reminder"},
            {"offset": "P0D", "action": "overdue_notice", "letter": "overdue_notice"},
            {"offset": "P7D", "action": "overdue_notice", "letter": "overdue_notice"},
            {"offset": "P14D", "action": "final_warning", "letter": "final_warning"},
            {"offset": "P21D", "action": "suspend", "letter": "suspension_notice"},
        ],
    }


def test_a_policy_without_an_hour_sends_at_nine_and_one_without_steps_chases_nobody() -> None:
    assert DunningPolicy.from_data({}) == DunningPolicy((), time(9))


def test_a_snapshot_from_before_there_was_a_choice_means_what_it_meant() -> None:
    """Any hour, any day, a letter an invoice, and a suspension lasts until all is paid."""
    assert DunningPolicy.from_data({"send_at": "14:00", "steps": []}) == DunningPolicy(
        steps=(),
        send_at=time(14),
        window=ANY_HOUR,
        working_days_only=False,
        one_letter_a_day=False,
        longest_pause_days=30,
        lift_below={},
        bills_while_suspended=True,
    )


def test_a_ladder_from_before_there_was_a_choice_has_the_letters_that_it_had() -> None:
    steps = [
        {"offset": "-P3D", "action": "remind"},
        {"offset": "P0D", "action": "overdue_notice"},
        {"offset": "P14D", "action": "final_warning"},
        {"offset": "P21D", "action": "suspend"},
    ]
    assert DunningPolicy.from_data({"send_at": "23:59", "steps": steps}).steps == (
        DunningStep(-3, REMIND, Letter.PAYMENT_REMINDER),
        DunningStep(0, NOTICE, Letter.OVERDUE_NOTICE),
        DunningStep(14, WARN, Letter.FINAL_WARNING),
        DunningStep(21, SUSPEND, Letter.SUSPENSION_NOTICE),
    )


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({"grace_days": 3}, "grace_days", "a policy has no such field; it has bills_while_suspended, lift_below"),
        ({"steps": "all"}, "steps", '"all" is not a list of steps'),
        ({"steps": {"offset": "P1D"}}, "steps", "is not a list of steps"),
        ({"send_at": "9 o'clock"}, "send_at", "is not a time of day such as 09:00"),
        ({"send_at": "25:00"}, "send_at", "is not a time of day such as 09:00"),
        ({"send_at": 9}, "send_at", "9 is not a time of day such as 09:00"),
        ({"send_at": None}, "send_at", "null is not a time of day such as 09:00"),
        ({"send_at": "09:00+02:00"}, "send_at", "has a zone: hours are local ones"),
        (
            {"send_at": "07:59", "send_window": {"from": "08:00", "to": "17:00"}},
            "send_at",
            "07:59 is outside the send window",
        ),
        ({"send_at": "17:01", "send_window": {"from": "08:00", "to": "17:00"}}, "send_at", "17:01 is outside .* to 17:00"),
        ({"send_window": {"from": "17:00", "to": "08:00"}}, "send_window", "17:00 to 08:00 is an empty window"),
        ({"send_window": {"from": "09:00", "to": "09:00"}}, "send_window", "09:00 to 09:00 is an empty window"),
        (
            {"send_window": {"from": "9"}},
            "send_window",
            '{"from": "9"} is not a window such as {"from": "08:00", "to": "17:00"}',
        ),
        ({"send_window": {"from": "08:00", "to": "17:00", "on": "Monday"}}, "send_window", "is not a window such as"),
        ({"send_window": ["08:00", "17:00"]}, "send_window", "is not a window such as"),
        ({"send_window": {"from": "8", "to": "17:00"}}, "send_window.from", '"8" is not a time of day'),
        ({"send_window": {"from": "08:00", "to": "late"}}, "send_window.to", '"late" is not a time of day'),
        ({"working_days_only": "yes"}, "working_days_only", '"yes" is neither true nor false'),
        ({"one_letter_a_day": 1}, "one_letter_a_day", "1 is neither true nor false"),
        ({"bills_while_suspended": None}, "bills_while_suspended", "null is neither true nor false"),
        ({"longest_pause_days": 0}, "longest_pause_days", "0 is not between 1 and 365 days"),
        ({"longest_pause_days": 366}, "longest_pause_days", "366 is not between 1 and 365 days"),
        ({"longest_pause_days": "30"}, "longest_pause_days", '"30" is not a whole number'),
        ({"longest_pause_days": True}, "longest_pause_days", "true is not a whole number"),
        ({"lift_below": 500}, "lift_below", '500 is not an amount by currency in minor units such as {"USD": 500}'),
        ({"lift_below": {"USD": -1}}, "lift_below", "-1 USD is less than nothing: leave the currency out"),
        ({"lift_below": {"XXX": 1}}, "lift_below", '"XXX" is not a currency that Dunlin bills in'),
        ({"lift_below": {"USD": 5.0}}, "lift_below.USD", "5.0 is not a whole number"),
        ({"lift_below": {"USD": "5.00"}}, "lift_below.USD", '"5.00" is not a whole number'),
        ({"lift_below": {"K" * 100_000: 1}}, "lift_below", '^lift_below: "K{78}… is not a currency that Dunlin bills in'),
        ({"lift_below": {"K" * 100_000: None}}, f"lift_below.{'K' * 79}…", "null is not a whole number"),
        ({"lift_below": {"USD": 10**1000}}, "lift_below", "^lift_below: 10{78}… USD is more than any invoice"),
        ({"longest_pause_days": 10**1000}, "longest_pause_days", "^longest_pause_days: 10{78}… is not between"),
        ({"x" * 100_000: 1}, f"{'x' * 79}…", "a policy has no such field"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_with_the_field_and_the_reason(
    data: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as refusal:
        DunningPolicy.from_data(data)
    assert refusal.value.field == field


def test_what_is_no_policy_at_all_is_refused() -> None:
    not_a_policy: Any = ["remind"]
    with pytest.raises(InvalidInputError, match="is not a policy such as"):
        DunningPolicy.from_data(not_a_policy)


def test_an_hour_is_read_to_the_minute() -> None:
    assert DunningPolicy.from_data({"send_at": "09:30:59"}).send_at == time(9, 30)


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        (time(7, 59, 59, 999999), False),
        (time(8), True),
        (time(17), True),
        (time(17, 0, 59, 999999), True),
        (time(17, 1), False),
    ],
)
def test_both_ends_of_a_window_are_in_it_to_the_minute(at: time, holds: bool) -> None:
    assert OFFICE_HOURS.holds(at) is holds


def test_the_hour_may_be_either_end_of_the_window() -> None:
    window = SendWindow(time(8), time(17))
    assert [DunningPolicy((), at, window).send_at.hour for at in (time(8), time(17))] == [8, 17]


def test_a_threshold_counts_in_its_own_currency_and_is_nothing_in_others() -> None:
    policy = DunningPolicy.from_data({"lift_below": {"USD": 500}})
    assert policy.lifts_below("USD") == Money(500, "USD")
    assert policy.lifts_below("ZAR") == Money(0, "ZAR")


def test_the_default_ladder_grows_more_severe() -> None:
    severities = [step.action.severity for step in default_policy().steps]
    assert severities == sorted(severities)
    assert [action.severity for action in Action] == [0, 1, 2, 3, 4]
