"""The dunning policy: a ladder (`dunning_ladder.py`) with the hours and days on which people are written to, as data.

When each step of an invoice falls is worked out in `dunning.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from types import MappingProxyType
from typing import Any

from domain.dunning_ladder import Action, DunningStep, read_step, refuse_bad_ladder, refuse_bad_letter
from domain.errors import InvalidInputError
from domain.money import LARGEST_AMOUNT_MINOR, MINOR_DIGITS, Money
from domain.quoting import quoted, shortened

LONGEST_PAUSE_DAYS = 365


@dataclass(frozen=True, slots=True)
class SendWindow:
    """The local hours in which people are written to, both ends included, to the minute."""

    opens: time = time(0, 0)
    closes: time = time(23, 59)

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise InvalidInputError(
                "send_window", f"{self.opens:%H:%M} to {self.closes:%H:%M} is an empty window: it must open before it closes."
            )

    def holds(self, at: time) -> bool:
        """Whether a local time lies in it."""
        return self.opens <= at.replace(second=0, microsecond=0, tzinfo=None) <= self.closes

    def to_data(self) -> dict[str, str]:
        """As a policy's data has it."""
        return {"from": self.opens.isoformat("minutes"), "to": self.closes.isoformat("minutes")}


ANY_HOUR = SendWindow()
OFFICE_HOURS = SendWindow(time(8), time(17))


@dataclass(frozen=True, slots=True)
class DunningPolicy:
    """A ladder of steps in the order of their days, taken at `send_at` local time.

    Attributes:
        window: quiet hours are outside it; a step that is late waits until it opens.
        working_days_only: steps that fall on a weekend or public holiday move: those before the due day to the working day
            before, all others to the next.
        one_letter_a_day: a customer with several late invoices gets one letter of a kind a day, which lists them.
        longest_pause_days: how many days from today staff may pause an invoice for (a promise to pay).
        lift_below: minor units by currency; a suspension ends when less than this is left of what suspends. Empty: only
            when all of it is paid.
        bills_while_suspended: whether a suspended customer gets new invoices.

    Raises:
        InvalidInputError: names what could not be meant, and why.
    """

    steps: tuple[DunningStep, ...]
    send_at: time = time(9, 0)
    window: SendWindow = ANY_HOUR
    working_days_only: bool = False
    one_letter_a_day: bool = False
    longest_pause_days: int = 30
    lift_below: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    bills_while_suspended: bool = True

    def __post_init__(self) -> None:
        refuse_bad_ladder(self.steps)
        for index, step in enumerate(self.steps):
            refuse_bad_letter(f"steps[{index}].letter", step)
        if not self.window.holds(self.send_at):
            raise InvalidInputError(
                "send_at",
                f"{self.send_at:%H:%M} is outside the send window {self.window.opens:%H:%M} to {self.window.closes:%H:%M}.",
            )
        if not 1 <= self.longest_pause_days <= LONGEST_PAUSE_DAYS:
            raise InvalidInputError(
                "longest_pause_days", f"{quoted(self.longest_pause_days)} is not between 1 and {LONGEST_PAUSE_DAYS} days."
            )
        for currency, minor in self.lift_below.items():
            _refuse_bad_amount(currency, minor)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "DunningPolicy":
        """Read `{"send_at": "09:00", "steps": [{"offset": "-P3D", "action": "remind"}, …]}` and the rest, which may be absent.

        What is absent is as it was before there was a choice: any hour, any day, a letter an invoice, all must be paid. What
        somebody hands in is read by `new_policy.py`, which allows less.

        Raises:
            InvalidInputError: names the field that is wrong and why.
        """
        _refuse_unknown_fields(data)
        steps = data.get("steps", ())
        if not isinstance(steps, list | tuple):
            raise InvalidInputError("steps", f"{quoted(steps)} is not a list of steps.")
        ladder = tuple(read_step(index, step) for index, step in enumerate(steps))
        refuse_bad_ladder(ladder, [step["offset"] for step in steps])
        return cls(
            steps=ladder,
            send_at=_read_time("send_at", data.get("send_at", "09:00")),
            window=_read_window(data.get("send_window")),
            working_days_only=_read_flag(data, "working_days_only", default=False),
            one_letter_a_day=_read_flag(data, "one_letter_a_day", default=False),
            longest_pause_days=_read_count("longest_pause_days", data.get("longest_pause_days", 30)),
            lift_below=_read_amounts(data.get("lift_below", {})),
            bills_while_suspended=_read_flag(data, "bills_while_suspended", default=True),
        )

    def to_data(self) -> dict[str, Any]:
        """The same as `from_data` reads; kept with each invoice as its snapshot."""
        return {
            "send_at": self.send_at.isoformat("minutes"),
            "send_window": self.window.to_data(),
            "working_days_only": self.working_days_only,
            "one_letter_a_day": self.one_letter_a_day,
            "longest_pause_days": self.longest_pause_days,
            "lift_below": dict(self.lift_below),
            "bills_while_suspended": self.bills_while_suspended,
            "steps": [step.to_data() for step in self.steps],
        }

    def lifts_below(self, currency: str) -> Money:
        """A suspension over money in `currency` ends when less than this is left; zero: when all is paid."""
        return Money(self.lift_below.get(currency, 0), currency)


_FIELDS = {
    "steps", "send_at", "send_window", "working_days_only", "one_letter_a_day", "longest_pause_days", "lift_below",
    "bills_while_suspended",
}  # fmt: skip


def default_policy() -> DunningPolicy:
    """What a new business begins with.

    Remind 3 days before; overdue notice on the due day and 7 days after; final warning at 14 days; suspend at 21; at nine, on
    working days, and one letter of a kind a day.
    """
    return DunningPolicy(
        (
            DunningStep.usual(-3, Action.REMIND),
            DunningStep.usual(0, Action.OVERDUE_NOTICE),
            DunningStep.usual(7, Action.OVERDUE_NOTICE),
            DunningStep.usual(14, Action.FINAL_WARNING),
            DunningStep.usual(21, Action.SUSPEND),
        ),
        window=OFFICE_HOURS,
        working_days_only=True,
        one_letter_a_day=True,
    )


def _refuse_bad_amount(currency: str, minor: int) -> None:
    if currency not in MINOR_DIGITS:
        known = ", ".join(sorted(MINOR_DIGITS))
        raise InvalidInputError("lift_below", f"{quoted(currency)} is not a currency that Dunlin bills in; use one of {known}.")
    if minor < 0:
        raise InvalidInputError("lift_below", f"{quoted(minor)} {currency} is less than nothing: leave the currency out.")
    if minor > LARGEST_AMOUNT_MINOR:
        raise InvalidInputError(
            "lift_below", f"{quoted(minor)} {currency} is more than any invoice: {LARGEST_AMOUNT_MINOR} at most."
        )


def _refuse_unknown_fields(data: Any) -> None:
    if not isinstance(data, Mapping):
        raise InvalidInputError("policy", f'{quoted(data)} is not a policy such as {{"steps": []}}.')
    for name in data:
        if name not in _FIELDS:
            raise InvalidInputError(shortened(str(name)), f"a policy has no such field; it has {', '.join(sorted(_FIELDS))}.")


def _read_time(name: str, said: Any) -> time:
    """To the minute, as it always was; an hour of another zone is not meant by clocks on the tenant's wall."""
    try:
        at = time.fromisoformat(said)
    except (TypeError, ValueError):
        raise InvalidInputError(name, f"{quoted(said)} is not a time of day such as 09:00.") from None
    if at.tzinfo is not None:
        raise InvalidInputError(name, f"{quoted(said)} has a zone: hours are local ones, such as 09:00.")
    return at.replace(second=0, microsecond=0)


def _read_window(said: Any) -> SendWindow:
    if said is None:
        return ANY_HOUR
    if not isinstance(said, Mapping) or not set(said) == {"from", "to"}:
        raise InvalidInputError("send_window", f"{quoted(said)} is not a window such as {quoted(OFFICE_HOURS.to_data())}.")
    return SendWindow(_read_time("send_window.from", said["from"]), _read_time("send_window.to", said["to"]))


def _read_flag(data: Mapping[str, Any], name: str, *, default: bool) -> bool:
    said = data.get(name, default)
    if not isinstance(said, bool):
        raise InvalidInputError(name, f"{quoted(said)} is neither true nor false.")
    return said


def _read_count(name: str, said: Any) -> int:
    if not isinstance(said, int) or isinstance(said, bool):
        raise InvalidInputError(name, f"{quoted(said)} is not a whole number.")
    return said


def _read_amounts(said: Any) -> Mapping[str, int]:
    if not isinstance(said, Mapping):
        raise InvalidInputError(
            "lift_below", f'{quoted(said)} is not an amount by currency in minor units such as {{"USD": 500}}.'
        )
    return MappingProxyType(
        {str(currency): _read_count(f"lift_below.{shortened(str(currency))}", minor) for currency, minor in said.items()}
    )
