"""A dunning policy that somebody hands in, and what may be saved from now on.

Snapshots of invoices and versions that were saved before are read by `DunningPolicy.from_data`, which knows none of these
limits: what was allowed once stays readable.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from domain.dunning_ladder import Action, DunningStep
from domain.dunning_policy import DunningPolicy
from domain.errors import InvalidInputError
from domain.letters import Letter
from domain.quoting import quoted

# More than a step a month for two years: what is longer is a slip, and each step is dated for each invoice.
MOST_STEPS = 24
FURTHEST_OFFSET_DAYS = 730
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_TELLS_OF_THE_DEBT = {Letter.OVERDUE_NOTICE, Letter.FINAL_WARNING}


def new_policy(data: Mapping[str, Any]) -> DunningPolicy:
    """Read a policy that is to be saved, or tried: as `DunningPolicy.from_data` does, within today's limits.

    Raises:
        InvalidInputError: names the field that is wrong and why.
    """
    _refuse_too_many_steps(data)
    policy = DunningPolicy.from_data(data)
    for name, said in _times(data):
        if _TIME_OF_DAY.fullmatch(said) is None:
            raise InvalidInputError(name, f"{quoted(said)} is not a time of day such as 09:00, in hours and minutes.")
    for index, step in enumerate(policy.steps):
        if abs(step.offset_days) > FURTHEST_OFFSET_DAYS:
            said = quoted(data["steps"][index]["offset"])
            raise InvalidInputError(
                f"steps[{index}].offset",
                f"{said} is too far away: choose at most {FURTHEST_OFFSET_DAYS} days before or after the due day.",
            )
    _refuse_unwarned_suspension(policy.steps)
    return policy


def _refuse_too_many_steps(data: Mapping[str, Any]) -> None:
    steps = data.get("steps")
    if isinstance(steps, list | tuple) and len(steps) > MOST_STEPS:
        raise InvalidInputError("steps", f"a ladder has at most {MOST_STEPS} steps, and this one has {len(steps)}.")


def _times(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The times of day that a readable policy names, with their fields."""
    if "send_at" in data:
        yield "send_at", data["send_at"]
    for end, said in (data.get("send_window") or {}).items():
        yield f"send_window.{end}", said


def _refuse_unwarned_suspension(steps: tuple[DunningStep, ...]) -> None:
    is_told = False
    for index, step in enumerate(steps):
        if step.action is Action.SUSPEND and not is_told:
            raise InvalidInputError(
                f"steps[{index}]",
                "nobody is suspended untold: put a step before it that sends an overdue_notice or a final_warning.",
            )
        is_told = is_told or step.letter in _TELLS_OF_THE_DEBT
