"""The sentences of a timeline about what the audit log tells of invoices, customers and policies.

Whatever has no sentence here is told by its name in the log, so that nothing is hidden.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from domain.errors import InvalidInputError
from domain.happenings import Cause, Kind, Recorded, Words
from domain.money import Money
from domain.standing import HoldReason

_SYSTEM = "system"
_Details = Mapping[str, Any]
_Sentence = Callable[[_Details, Words], str]

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# In words for staff; the customer is told in others (`HoldReason.in_words`). Each follows `held` and `suspended`.
_HOLDS = {
    HoldReason.OVERDUE.value: "for unpaid invoices",
    HoldReason.MANUAL.value: "by the accounts team",
    HoldReason.BREACH.value: "for broken terms",
    HoldReason.CHARGEBACK.value: "for a payment taken back at the bank",
    HoldReason.ON_REQUEST.value: "at the customer's own request",
    HoldReason.CLOSED.value: "for a closed account",
}
_CODE = re.compile(rf"\b({'|'.join(HoldReason)})\b")

# Why the system suspended somebody, or let somebody back, when staff had just made a move on an invoice or on the customer.
_CAUSES = {
    "VOID": "Invoice {} was made void",
    "WRITE_OFF": "Invoice {} was written off",
    "EXTEND": "The due day of invoice {} was extended",
    "PAUSE": "Chasing of invoice {} was paused",
    "RESUME": "Chasing of invoice {} was resumed",
    "DISPUTE": "Invoice {} was marked as disputed",
    "RESOLVE": "The dispute about invoice {} was resolved",
    "REAPPLY_POLICY": "The dunning policy of today was applied to invoice {}",
    "BLOCK_CHASING": "All chasing of the customer was blocked",
    "RESUME_CHASING": "All chasing of the customer was resumed",
}


def recorded_sentence(what: Recorded, words: Words) -> tuple[Kind, str]:
    """What the audit log tells, and what it is about."""
    if what.action == "CUSTOMER_HOLD_LIFTED":
        return _lifted(what.details)
    if what.action == "INVOICE_POLICY_REAPPLIED":
        return Kind.POLICY, f"Chased by {_policy(what)} from now on"
    if what.action == "CUSTOMER_DUNNING_POLICY_CHANGED":
        return Kind.POLICY, f"New invoices of this customer are chased by {_policy(what)}"
    kind, sentence = _SENTENCES.get(what.action, (Kind.OTHER, None))
    return kind, sentence(what.details, words) if sentence else readable(what.action)


def recorded_reason(what: Recorded, actor: str, invoice_number: str | None) -> str:
    """What staff wrote, or why the system did it; empty where the log says no more than the sentence."""
    note = str(what.details.get("note") or "")
    if what.action in _ABOUT_HOLDS:
        return (note or _why_system_did(what, invoice_number)) if actor == _SYSTEM else note
    if what.action == "INVOICE_WRITTEN_OFF" and actor == _SYSTEM:
        return "The dunning policy says so."
    reason = str(what.details.get("reason") or note)
    return _without_codes(reason) if what.action == "INVOICE_WITHHELD" else reason


def is_about_customer(what: Recorded) -> bool:
    """Whether it concerns the customer as a whole, whichever invoice brought it about."""
    return what.action.startswith("CUSTOMER_")


def hold_in_words(reason: str) -> str:
    """Why somebody is held, for staff, as it follows `held` and `suspended`: `for broken terms`, `by the accounts team`."""
    return _HOLDS.get(reason, f"for {readable(reason).lower()}")


def days_in_words(text: str, words: Words) -> str:
    """A sentence of the rules, which name days by ISO 8601, for people."""
    return _ISO_DAY.sub(lambda day: words.day(date.fromisoformat(day[0])), text)


def readable(action: str) -> str:
    """`CUSTOMER_NAME_CHANGED` as `Customer name changed`."""
    return action.replace("_", " ").capitalize()


def money_of(details: _Details, name: str) -> Money | None:
    """An amount as the audit log writes it (`USD 25.00`); None where it has none."""
    currency, _, number = str(details.get(name) or "").partition(" ")
    with suppress(InvalidInputError):
        return Money.parse(number, currency)
    return None


def _day(details: _Details, name: str, words: Words) -> str:
    """A day as the audit log writes it (ISO 8601), for people."""
    text = str(details.get(name) or "")
    try:
        return words.day(date.fromisoformat(text))
    except ValueError:
        return text or "another day"


_ABOUT_HOLDS = {"CUSTOMER_SUSPENDED", "CUSTOMER_HOLD_PLACED", "CUSTOMER_HOLD_LIFTED"}


def _why_system_did(what: Recorded, invoice_number: str | None) -> str:
    """Why the system placed or lifted a hold: a staff move, an invoice that is unpaid still, a payment."""
    if what.cause is not None and what.cause.kind in _CAUSES:
        return _caused(what.cause)
    if what.action == "CUSTOMER_HOLD_LIFTED":
        return f"{'A payment left nothing' if what.details.get('payment_id') else 'Nothing is left'} that suspends."
    return f"Invoice {invoice_number} is still unpaid." if invoice_number else ""


def _caused(cause: Cause) -> str:
    return f"{_CAUSES[cause.kind].format(cause.invoice_number)} by {cause.actor}."


def _policy(what: Recorded) -> str:
    whose = "the customer's own policy" if what.is_own_policy else "the business's policy"
    return f"version {what.details.get('version', '?')} of {whose}"


def _without_codes(text: str) -> str:
    """`suspended (BREACH, OVERDUE)` as `suspended (for broken terms, for unpaid invoices)`."""
    return _CODE.sub(lambda code: hold_in_words(code[0]), text)


def _lifted(details: _Details) -> tuple[Kind, str]:
    lifted, still = str(details.get("reason") or HoldReason.OVERDUE.value), [*map(str, details.get("still_held") or ())]
    is_opened, stays_closed = lifted == HoldReason.CLOSED.value, HoldReason.CLOSED.value in still
    done = "the account was opened again" if is_opened else f"no longer held {hold_in_words(lifted)}"
    if not still:
        return Kind.REACTIVATION, f"Active again: {done}"
    others = " and ".join(hold_in_words(reason) for reason in still if reason != HoldReason.CLOSED.value)
    further = [f"still held {others}"] if others else []
    stays = ["the account stays closed"] if stays_closed else []
    return Kind.HOLD, f"{done[:1].upper()}{done[1:]}, {', and '.join(further + stays)}"


def _suspended(details: _Details, _words: Words) -> str:
    return f"Suspended {_hold(details)}"


def _held(details: _Details, _words: Words) -> str:
    is_closing = details.get("reason") == HoldReason.CLOSED.value
    return "The account was closed" if is_closing else f"Also held {_hold(details)}"


def _withheld(details: _Details, _words: Words) -> str:
    return f"No invoice was issued for {_month(details)}"


def _month(details: _Details) -> str:
    """A billing period as the audit log writes it (`2026-08`): `August 2026`."""
    text = str(details.get("period") or "")
    try:
        return f"{date.fromisoformat(f'{text}-01'):%B %Y}"
    except ValueError:
        return text or "the period"


def _hold(details: _Details) -> str:
    # Entries from before there were reasons tell of the hold over unpaid invoices.
    return hold_in_words(str(details.get("reason") or HoldReason.OVERDUE.value))


def _void(details: _Details, words: Words) -> str:
    total, credited = money_of(details, "total"), money_of(details, "credited")
    over = f" over {words.money(total)}" if total else ""
    credit = f"; the {words.money(credited)} that was paid is the customer's credit" if credited else ""
    return f"Void: taken back by credit note {details.get('credit_note', '')}{over}{credit}"


def _written_off(details: _Details, words: Words) -> str:
    amount = money_of(details, "amount")
    return f"Written off: {words.money(amount)} is not expected any more" if amount else "Written off"


def _extended(details: _Details, words: Words) -> str:
    return f"Due day moved from {_day(details, 'from', words)} to {_day(details, 'to', words)}"


def _paused(details: _Details, words: Words) -> str:
    return f"Chasing paused until {_day(details, 'until', words)}"


def _pause_ended(details: _Details, words: Words) -> str:
    return f"Chased again: the pause until {_day(details, 'paused_until', words)} is over"


def _blocked(details: _Details, words: Words) -> str:
    until = _day(details, "until", words) if details.get("until") else "staff resume it"
    return f"All chasing of the customer blocked until {until}"


def _changed(details: _Details, _words: Words) -> str:
    columns = ", ".join(str(column) for column in details.get("columns") or ())
    return f"Customer's details changed: {columns}" if columns else "Customer's details changed"


def _booked(done: str) -> _Sentence:
    def sentence(details: _Details, words: Words) -> str:
        amount = money_of(details, "amount")
        return f"{words.money(amount) if amount else 'The money'} that was in question {done}"

    return sentence


def _always(sentence: str) -> _Sentence:
    return lambda _details, _words: sentence


_SENTENCES: Mapping[str, tuple[Kind, _Sentence]] = {
    "INVOICE_VOIDED": (Kind.CLOSED, _void),
    "INVOICE_WRITTEN_OFF": (Kind.CLOSED, _written_off),
    "INVOICE_EXTENDED": (Kind.EXTENSION, _extended),
    "INVOICE_PAUSED": (Kind.PAUSE, _paused),
    "INVOICE_RESUMED": (Kind.PAUSE, _always("Chased again: the pause was ended early")),
    "INVOICE_PAUSE_ENDED": (Kind.PAUSE, _pause_ended),
    "INVOICE_DISPUTED": (Kind.DISPUTE, _always("Disputed: not chased until that is resolved")),
    "INVOICE_DISPUTE_RESOLVED": (Kind.DISPUTE, _always("Chased again: the dispute is resolved, and the invoice stands")),
    "CUSTOMER_SUSPENDED": (Kind.SUSPENSION, _suspended),
    "CUSTOMER_HOLD_PLACED": (Kind.HOLD, _held),
    "CUSTOMER_CHASING_BLOCKED": (Kind.PAUSE, _blocked),
    "CUSTOMER_CHASING_RESUMED": (Kind.PAUSE, _always("Chased again: the block of all chasing is over")),
    "CUSTOMER_DUNNING_POLICY_REMOVED": (
        Kind.POLICY,
        _always("New invoices of this customer are chased by the business's policy again"),
    ),
    "INVOICE_WITHHELD": (Kind.HOLD, _withheld),
    "CUSTOMER_CHANGED": (Kind.OTHER, _changed),
    "REVIEW_MATCHED": (Kind.REVIEW, _booked("was booked")),
    "REVIEW_CREDITED": (Kind.REVIEW, _booked("is kept as credit")),
    "REVIEW_DISMISSED": (Kind.REVIEW, _always("The question about a payment was closed: there is nothing to do")),
    "REVIEW_REOPENED": (Kind.REVIEW, _always("The question about a payment was opened again")),
}
