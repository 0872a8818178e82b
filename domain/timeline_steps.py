"""The sentences of a timeline about steps of the ladder: pointless, taken without a letter, or left out."""

from collections import Counter
from collections.abc import Iterable

from domain.dunning import PlannedStep
from domain.dunning_ladder import Action
from domain.happenings import LeftOut, Obstacle, StepDecided
from domain.invoice import InvoiceState
from domain.letters import Letter

_NOUNS = {
    Action.REMIND: "Payment Reminder",
    Action.OVERDUE_NOTICE: "Overdue Notice",
    Action.FINAL_WARNING: "Final Warning",
    Action.SUSPEND: "Suspension",
    Action.WRITE_OFF: "Write-off",
}
_POINTLESS = {
    InvoiceState.PAID: "paid before",
    InvoiceState.VOID: "void before",
    InvoiceState.WRITTEN_OFF: "written off before",
    InvoiceState.OPEN: "nothing was left to pay then",
}
_OBSTACLES = {
    Obstacle.PAUSED: "the invoice was paused",
    Obstacle.DISPUTED: "the invoice was disputed",
    Obstacle.BLOCKED: "chasing of the customer was blocked",
}


def letter_name(letter: Letter) -> str:
    """`Payment Reminder`."""
    return letter.value.replace("_", " ").title()


def step_name(action: Action, letter: Letter | None) -> str:
    """A step by the letter that it writes, where that is all it does: `Overdue Notice`, `Suspension`."""
    if letter is None or action in {Action.SUSPEND, Action.WRITE_OFF}:
        return _NOUNS[action]
    return letter_name(letter)


def steps_in_words(steps: Iterable[PlannedStep]) -> str:
    """`Payment Reminder and 2 Overdue Notices`."""
    counted = Counter(step_name(step.action, step.letter) for step in steps)
    told = [name if count == 1 else f"{count} {name}s" for name, count in counted.items()]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def step_sentence(what: StepDecided | LeftOut) -> str:
    """A step that nothing else tells of, or several that were left out."""
    return _left_out(what) if isinstance(what, LeftOut) else _decided(what)


def _decided(what: StepDecided) -> str:
    name = step_name(what.action, what.letter)
    if what.was_taken and what.action is Action.SUSPEND:
        return f"{name} was due{': the customer was suspended already' if what.was_held else ', and suspended nobody'}"
    if what.was_taken:
        return f"{name} was due, and nobody could be written to"
    done = "was not needed" if what.action in {Action.SUSPEND, Action.WRITE_OFF} else "was not sent"
    return f"{name} {done}: {_POINTLESS[what.state]}"


def _left_out(what: LeftOut) -> str:
    """`Payment Reminder and 2 Overdue Notices were left out: the invoice was paused`."""
    is_one = len(what.steps) == 1
    done = "left out" if what.stands_for_them else "not taken"
    why = " and ".join(_OBSTACLES[obstacle] for obstacle in what.obstacles)
    if not why and what.stands_for_them is not None:
        later = step_name(what.stands_for_them.action, what.stands_for_them.letter)
        why = f"{'it was' if is_one else 'they were'} late, and the {later} stands for {'it' if is_one else 'them'}"
    return f"{steps_in_words(what.steps)} {'was' if is_one else 'were'} {done}: {why or _POINTLESS[what.state]}"
