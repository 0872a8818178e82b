"""The ladder of a dunning policy: what a step does, when, with which letter, and which ladders cannot be meant.

Offsets are ISO 8601 durations in days or weeks relative to the due day: `-P3D`, `P0D`, `P2W`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from domain.errors import InvalidInputError
from domain.letters import Letter
from domain.quoting import quoted, shortened

_OFFSET = re.compile(r"(?P<sign>[+-]?)P(?:(?P<weeks>[0-9]{1,3})W)?(?:(?P<days>[0-9]{1,4})D)?")
_NO_LETTER = "none"
_STEP_FIELDS = ("offset", "action", "letter")
_EXAMPLE = {"offset": "P7D", "action": "overdue_notice"}
LONGEST_OFFSET_DAYS = 9999


class Action(StrEnum):
    """What a step does, the mildest first."""

    REMIND = "remind"
    OVERDUE_NOTICE = "overdue_notice"
    FINAL_WARNING = "final_warning"
    SUSPEND = "suspend"
    WRITE_OFF = "write_off"

    @property
    def severity(self) -> int:
        """0 is the mildest."""
        return list(Action).index(self)


# The letters a step may use; the first is what it uses when the policy does not say. None: it may be told to send nothing.
_LETTERS: Mapping[Action, tuple[Letter | None, ...]] = {
    Action.REMIND: (Letter.PAYMENT_REMINDER, Letter.OVERDUE_NOTICE),
    Action.OVERDUE_NOTICE: (Letter.OVERDUE_NOTICE, Letter.PAYMENT_REMINDER),
    Action.FINAL_WARNING: (Letter.FINAL_WARNING,),
    Action.SUSPEND: (Letter.SUSPENSION_NOTICE, None),
    Action.WRITE_OFF: (None,),
}


@dataclass(frozen=True, slots=True)
class DunningStep:
    """One rung: `offset_days` after the due day (before it when negative), do `action`, and write `letter` (None: nothing)."""

    offset_days: int
    action: Action
    letter: Letter | None

    @classmethod
    def usual(cls, offset_days: int, action: Action) -> "DunningStep":
        """With the letter that such a step uses; a reminder after the due day is an overdue notice."""
        letter = _LETTERS[action][0]
        return cls(offset_days, action, Letter.OVERDUE_NOTICE if action is Action.REMIND and offset_days > 0 else letter)

    def to_data(self) -> dict[str, str]:
        """The same as `read_step` reads."""
        letter = self.letter.value if self.letter else _NO_LETTER
        return {"offset": format_offset(self.offset_days), "action": self.action.value, "letter": letter}


def format_offset(days: int) -> str:
    """Days as an ISO 8601 duration: `-P3D`."""
    return f"{'-' if days < 0 else ''}P{abs(days)}D"


def parse_offset(said: Any) -> int:
    """An ISO 8601 duration in weeks and days to days.

    Raises:
        InvalidInputError: anything else, such as hours or months, which a due day cannot be moved by, or too many days.
    """
    match = _OFFSET.fullmatch(said) if isinstance(said, str) else None
    if match is None or (match["weeks"] is None and match["days"] is None):
        raise InvalidInputError("offset", f"{quoted(said)} is not a number of days or weeks such as -P3D, P0D or P2W.")
    days = 7 * int(match["weeks"] or 0) + int(match["days"] or 0)
    if days > LONGEST_OFFSET_DAYS:
        raise InvalidInputError("offset", f"{quoted(said)} is more than {LONGEST_OFFSET_DAYS} days away from the due day.")
    return -days if match["sign"] == "-" else days


def read_step(index: int, data: Any) -> DunningStep:
    """Read `{"offset": "P7D", "action": "overdue_notice"}`, with `letter` where it is not the usual one.

    Raises:
        InvalidInputError: names the step's field that is wrong and why.
    """
    name = f"steps[{index}]"
    if not isinstance(data, Mapping):
        raise InvalidInputError(name, f"{quoted(data)} is not a step such as {quoted(_EXAMPLE)}.")
    for field in data:
        if field not in _STEP_FIELDS:
            raise InvalidInputError(
                f"{name}.{shortened(str(field))}", f"a step has no such field; it has {', '.join(_STEP_FIELDS)}."
            )
    try:
        action = Action(data["action"])
    except (KeyError, ValueError):
        known = ", ".join(action.value for action in Action)
        raise InvalidInputError(f"{name}.action", f"{quoted(data.get('action'))} is not one of {known}.") from None
    try:
        usual = DunningStep.usual(parse_offset(data.get("offset")), action)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}.offset", error.message) from None
    return DunningStep(usual.offset_days, action, _read_letter(f"{name}.letter", data.get("letter"), usual))


def _read_letter(name: str, said: Any, usual: DunningStep) -> Letter | None:
    if said is None:
        return usual.letter
    if said == _NO_LETTER:
        return None
    try:
        return Letter(said)
    except ValueError:
        raise InvalidInputError(name, f"{quoted(said)} is not one of {_choices(usual.action)}.") from None


def refuse_bad_letter(name: str, step: DunningStep) -> None:
    """Raises: InvalidInputError: the step cannot use its letter; `name` is the field."""
    if step.letter not in _LETTERS[step.action]:
        said = step.letter.value if step.letter else _NO_LETTER
        raise InvalidInputError(name, f"{quoted(said)} is not a letter for {step.action}: choose from {_choices(step.action)}.")
    if step.letter is Letter.PAYMENT_REMINDER and step.offset_days > 0:
        raise InvalidInputError(
            name, "a payment_reminder tells when the invoice falls due: after the due day use overdue_notice."
        )
    if step.letter is Letter.OVERDUE_NOTICE and step.offset_days < 0:
        raise InvalidInputError(name, "an overdue_notice cannot be sent before the due day: use payment_reminder.")


def _choices(action: Action) -> str:
    return ", ".join(letter.value if letter else _NO_LETTER for letter in _LETTERS[action])


def refuse_bad_ladder(steps: tuple[DunningStep, ...], written: Sequence[str] = ()) -> None:
    """Refuse steps that are out of order, or come too early to be fair.

    Args:
        written: the steps' offsets as somebody wrote them; without it, as `format_offset` does.

    Raises:
        InvalidInputError: names the step and why.
    """
    said = written or [format_offset(step.offset_days) for step in steps]
    for index, (before, after) in enumerate(pairwise(steps), start=1):
        if after.offset_days <= before.offset_days:
            raise InvalidInputError(
                f"steps[{index}]",
                f"each step must come on a later day than the one before it, and {said[index]} follows {said[index - 1]}.",
            )
    ended_by: Action | None = None
    for index, step in enumerate(steps):
        _refuse_after_the_end(f"steps[{index}]", step, ended_by)
        _refuse_early_step(f"steps[{index}]", step)
        if step.action in {Action.SUSPEND, Action.WRITE_OFF}:
            ended_by = step.action


def _refuse_after_the_end(name: str, step: DunningStep, ended_by: Action | None) -> None:
    if ended_by is Action.WRITE_OFF:
        raise InvalidInputError(name, "nothing can follow the write-off: it must be the last step.")
    if ended_by is Action.SUSPEND and step.action is not Action.WRITE_OFF:
        raise InvalidInputError(name, "nothing but a write-off can follow the suspension.")


_NOT_BEFORE_THE_DUE_DAY = {
    Action.OVERDUE_NOTICE: "an overdue notice",
    Action.FINAL_WARNING: "a final warning",
    Action.SUSPEND: "a suspension",
    Action.WRITE_OFF: "a write-off",
}


def _refuse_early_step(name: str, step: DunningStep) -> None:
    if step.action is Action.REMIND:
        return
    what = _NOT_BEFORE_THE_DUE_DAY[step.action]
    if step.action is Action.OVERDUE_NOTICE:
        if step.offset_days < 0:
            raise InvalidInputError(name, f"{what} cannot come before the due day.")
    # A warning on the due day could fall before the invoice itself, and would be left out: suspension without a warning.
    elif step.offset_days <= 0:
        raise InvalidInputError(name, f"{what} must come after the due day.")
