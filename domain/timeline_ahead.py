"""What will happen to an invoice, as far as anybody knows now: its next steps, what sets it aside, its due day, links that end.

Steps are foreseen with the same rule that takes them (`dunning.next_step`), so that none is promised for a day in a pause.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from domain.calendar import local_day, local_instant
from domain.chasing import SetAside
from domain.dunning import PlannedStep, TakenStep, late_milestone, letter_on, next_step
from domain.dunning_ladder import Action
from domain.happenings import Kind, References, Words
from domain.payment_link import PaymentLink
from domain.sending_calendar import SendingCalendar
from domain.standing import HoldReason
from domain.timeline import Entry, tell_moved
from domain.timeline_moves import days_in_words, hold_in_words
from domain.timeline_steps import step_name, steps_in_words

_SYSTEM = "system"
_NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wish:
    """Who of staff wanted something that stands, and why."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chased:
    """An open invoice as its ladder sees it.

    Attributes:
        send_at: the policy's local hour.
        set_aside: why it is not chased now; None when it is.
        calendar: the policy's hours and days, with the holidays of all days that its steps may fall on.
        suspends: its ladder has reached suspension.
        wishes: the staff moves that set it aside.
    """

    invoice_id: str
    number: str
    due_on: date
    plan: tuple[PlannedStep, ...]
    taken: tuple[TakenStep, ...]
    send_at: time
    set_aside: SetAside | None
    calendar: SendingCalendar
    suspends: bool = False
    wishes: tuple[Wish, ...] = ()


def end_of_day(day: date, zone: str) -> datetime:
    """The last second (UTC) of a local day: what falls due on it is paid in time until then."""
    return local_instant(day + timedelta(days=1), time.min, zone) - timedelta(seconds=1)


def chased_again_at(chased: Chased) -> datetime | None:
    """The policy's hour (UTC) on the first open day after what sets the invoice aside; None: when staff say so."""
    if chased.set_aside is None or chased.set_aside.until is None:
        return None
    return chased.calendar.at(chased.calendar.open_day_from(chased.set_aside.until + timedelta(days=1)), chased.send_at)


def foresee(chased: Chased, now: datetime) -> Iterator[PlannedStep]:
    """The steps that will be taken if nothing is paid and nobody moves anything, each at its instant, in order."""
    moment, taken = max(now, chased_again_at(chased) or now), chased.taken
    while (step := next_step(chased.plan, taken, moment)) is not None:
        opens = chased.calendar.next_open(max(step.at, moment))
        if opens == moment:
            yield replace(step, at=moment)
            taken = (*taken, TakenStep(step.key, moment))
        # Else it is asked again when it may be taken: by then a later step may stand for this one.
        moment = opens


def tell_steps(chased: Chased, words: Words, now: datetime) -> list[Entry]:
    """The steps ahead; the first entry says what sets the invoice aside, where something does."""
    steps = list(foresee(chased, now))
    if chased.set_aside is not None:
        return _tell_set_aside(chased, chased.set_aside, steps, words)
    return [_tell_step(chased, steps, index, "Then" if index else "Next", words) for index in range(len(steps))]


def tell_due(chased: Chased, words: Words, now: datetime) -> list[Entry]:
    """The due day, while it is not over."""
    at = end_of_day(chased.due_on, chased.calendar.zone)
    if at < now:
        return []
    title = f"Due on {words.weekday(chased.due_on)}"
    return [Entry(f"{chased.invoice_id}/due", at, Kind.DUE, title, _SYSTEM, references=_references(chased))]


def tell_links(links: Iterable[PaymentLink], number: str | None, words: Words, now: datetime) -> list[Entry]:
    """When the links that take money end, those that do; `number` is that of the invoice that they are for."""
    return [
        Entry(
            f"{link.id}/expires",
            link.expires_at,
            Kind.LINK,
            f"Payment link ends on {words.moment(link.expires_at)}: {link.purpose(number)}",
            _SYSTEM,
            references=References(invoice_id=link.invoice_id, invoice_number=number, link_id=link.id),
            amount=link.amount,
        )
        for link in links
        if link.expires_at is not None and link.expires_at > now
    ]


def tell_holds(holds: Iterable[tuple[HoldReason, str]]) -> list[Entry]:
    """What holds the customer, and when that ends; `holds` are reasons with the holds' ids."""
    return [
        Entry(f"{hold_id}/stands", None, Kind.SUSPENSION, _tell_hold(reason), _SYSTEM, references=References(hold_id=hold_id))
        for reason, hold_id in holds
    ]


def tell_block(wish: Wish) -> Entry:
    """That nobody chases the customer until staff say so."""
    title = "All chasing of the customer is blocked until staff resume it"
    return Entry("block/stands", None, Kind.PAUSE, title, wish.actor, wish.reason)


def soonest_first(entries: Iterable[Entry], limit: int) -> list[Entry]:
    """At most `limit` entries in the order of time: first what holds the customer now, last what waits for staff."""

    def place(entry: Entry) -> tuple[int, datetime, str]:
        if entry.at is not None:
            return 1, entry.at, entry.id
        return (0 if entry.kind is Kind.SUSPENSION else 2), _NO_TIME, entry.id

    return sorted(entries, key=place)[:limit]


def naming_invoice(entry: Entry) -> Entry:
    """The entry as it reads among those of other invoices."""
    return replace(entry, title=f"Invoice {entry.references.invoice_number}: {entry.title}")


def _tell_step(chased: Chased, steps: list[PlannedStep], index: int, when: str, words: Words) -> Entry:
    step = steps[index]
    return Entry(
        id=f"{chased.invoice_id}/{step.key}",
        at=step.at,
        kind=Kind.STEP,
        title=f"{when}: {_name(chased, step)} on {words.moment(step.at)}",
        actor=_SYSTEM,
        reason=_why_then(chased, steps[:index], step, words),
        references=_references(chased),
    )


def _tell_set_aside(chased: Chased, set_aside: SetAside, steps: list[PlannedStep], words: Words) -> list[Entry]:
    """What sets the invoice aside with the step that follows it; without an end to it no step is promised for a day."""
    again, why = chased_again_at(chased), days_in_words(set_aside.why, words)
    following = _name(chased, steps[0]) if steps else ""
    if chased.suspends:
        # What set it aside let the customer back in; it is where it was when that ends.
        until = f"on {words.moment(again)} " if again else "when staff end that, "
        title = f"{_sentence_case(why)}, then suspended again {until}unless it is paid"
    elif again is None:
        then = f"then {following}" if steps else "and nothing further is planned"
        title = f"{_sentence_case(why)}: not chased until staff end that, {then}"
    elif steps:
        title = f"{_sentence_case(why)}, then {following} on {words.moment(steps[0].at)}"
    else:
        title = f"{_sentence_case(why)}, and nothing further is planned"
    left_out = _left_out(chased, steps)
    if left_out:
        title += f"; {steps_in_words(left_out)} {'is' if len(left_out) == 1 else 'are'} left out"
    first = Entry(
        id=f"{chased.invoice_id}/set-aside",
        at=(steps[0].at if steps and not chased.suspends else again) if again else None,
        kind=Kind.DISPUTE if "disputed" in why else Kind.PAUSE,
        title=title,
        actor=" and ".join(dict.fromkeys(wish.actor for wish in chased.wishes)) or _SYSTEM,
        reason=" ".join(dict.fromkeys(wish.reason for wish in chased.wishes if wish.reason)),
        references=_references(chased),
    )
    further = range(0 if chased.suspends else 1, len(steps)) if again else ()
    return [first, *(_tell_step(chased, steps, index, "Then", words) for index in further)]


def _left_out(chased: Chased, steps: list[PlannedStep]) -> list[PlannedStep]:
    """The steps after the last one taken that will not be taken any more: later ones stand for them."""
    taken, foreseen = {step.key for step in chased.taken}, {step.key for step in steps}
    last = max((index for index, step in enumerate(chased.plan) if step.key in taken), default=-1)
    return [step for step in chased.plan[last + 1 :] if step.key not in foreseen]


def _tell_hold(reason: HoldReason) -> str:
    match reason:
        case HoldReason.OVERDUE:
            return "Suspended until the unpaid invoices are paid"
        case HoldReason.CLOSED:
            return "The account is closed until staff open it again"
        case _:
            return f"Suspended {hold_in_words(reason.value)} until staff lift the hold"


def _why_then(chased: Chased, before: list[PlannedStep], step: PlannedStep, words: Words) -> str:
    """Why a step comes on its day, when that is not the one that the policy names: what it stays behind, or the calendar.

    By the plan, which knows the day that a step was moved to also when it comes later still.
    """
    taken = (*chased.taken, *(TakenStep(earlier.key, earlier.at) for earlier in before))
    planned = next(each for each in chased.plan if each.key == step.key)
    milestone = late_milestone(chased.plan, taken, step.key)
    if milestone is None:
        return tell_moved(planned, words)
    given = next(local_day(each.at, chased.calendar.zone) for each in taken if each.key == milestone.key)
    days = (local_day(step.at, chased.calendar.zone) - given).days
    return f"{_days(days)} after the {_MILESTONES[milestone.action]} of {words.weekday(given)}"


_MILESTONES = {Action.FINAL_WARNING: "final warning", Action.SUSPEND: "suspension"}


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def _name(chased: Chased, step: PlannedStep) -> str:
    day = local_day(step.at, chased.calendar.zone)
    return step_name(step.action, letter_on(step.letter, chased.due_on, day))


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def _references(chased: Chased) -> References:
    return References(invoice_id=chased.invoice_id, invoice_number=chased.number)
