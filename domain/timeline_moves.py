"""The sentences of a timeline about what the audit log tells of invoices, customers and policies.

Whatever has no sentence here is told by its name in the log, so that nothing is hidden.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from domain.errors import InvalidInputError
from domain.happenings import Kind, Recorded, Words
from domain.money import Money
from domain.standing import HoldReason

_SYSTEM = "system"
_Details = Mapping[str, Any]
_Sentence = Callable[[_Details, Words], str]

# In words for staff; the customer is told in others (`HoldReason.in_words`).
_HOLDS = {
    HoldReason.OVERDUE.value: "unpaid invoices",
    HoldReason.MANUAL.value: "a decision of staff's",
    HoldReason.BREACH.value: "broken terms",
    HoldReason.CHARGEBACK.value: "a payment taken back at the bank",
    HoldReason.ON_REQUEST.value: "the customer's own wish",
    HoldReason.CLOSED.value: "a closed account",
}


def recorded_sentence(what: Recorded, words: Words) -> tuple[Kind, str]:
    """What the audit log tells, and what it is about."""
    if what.action == "CUSTOMER_HOLD_LIFTED":
        return _lifted(what.details)
    kind, sentence = _SENTENCES.get(what.action, (Kind.OTHER, None))
    return kind, sentence(what.details, words) if sentence else readable(what.action)


def recorded_reason(what: Recorded, actor: str, invoice_number: str | None) -> str:
    """What staff wrote, or why the system did it; empty where the log says no more than the sentence."""
    note = str(what.details.get("note") or "")
    if what.action == "CUSTOMER_SUSPENDED" and actor == _SYSTEM and invoice_number:
        return f"Invoice {invoice_number} is still unpaid."
    if what.action == "CUSTOMER_HOLD_LIFTED" and what.details.get("payment_id"):
        return "A payment left nothing that suspends."
    if what.action in _ABOUT_HOLDS:
        return note
    if what.action == "INVOICE_WRITTEN_OFF" and actor == _SYSTEM:
        return "The dunning policy says so."
    return str(what.details.get("reason") or note)


def is_about_customer(what: Recorded) -> bool:
    """Whether it concerns the customer as a whole, whichever invoice brought it about."""
    return what.action.startswith("CUSTOMER_")


def hold_in_words(reason: str) -> str:
    """Why somebody is held, for staff: `broken terms`."""
    return _HOLDS.get(reason, readable(reason).lower())


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


def _lifted(details: _Details) -> tuple[Kind, str]:
    still = [hold_in_words(str(reason)) for reason in details.get("still_held") or ()]
    if still:
        return Kind.HOLD, f"No longer held for {_hold(details)}, still held for {' and '.join(still)}"
    return Kind.REACTIVATION, f"Active again: no longer held for {_hold(details)}"


def _suspended(details: _Details, _words: Words) -> str:
    return f"Suspended for {_hold(details)}"


def _held(details: _Details, _words: Words) -> str:
    is_closing = details.get("reason") == HoldReason.CLOSED.value
    return "The account was closed" if is_closing else f"Held for a further reason: {_hold(details)}"


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


def _policy_reapplied(details: _Details, _words: Words) -> str:
    return f"Chased by version {details.get('version', '?')} of the dunning policy from now on"


def _own_policy(details: _Details, _words: Words) -> str:
    return f"New invoices of this customer are chased by a policy of their own (version {details.get('version', '?')})"


def _business_policy(details: _Details, _words: Words) -> str:
    return f"New invoices of all customers are chased by version {details.get('version', '?')} of the dunning policy"


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
    "INVOICE_POLICY_REAPPLIED": (Kind.POLICY, _policy_reapplied),
    "CUSTOMER_SUSPENDED": (Kind.SUSPENSION, _suspended),
    "CUSTOMER_HOLD_PLACED": (Kind.HOLD, _held),
    "CUSTOMER_CHASING_BLOCKED": (Kind.PAUSE, _blocked),
    "CUSTOMER_CHASING_RESUMED": (Kind.PAUSE, _always("Chased again: the block of all chasing is over")),
    "CUSTOMER_DUNNING_POLICY_CHANGED": (Kind.POLICY, _own_policy),
    "CUSTOMER_DUNNING_POLICY_REMOVED": (
        Kind.POLICY,
        _always("New invoices of this customer are chased by the business's policy again"),
    ),
    "DUNNING_POLICY_CHANGED": (Kind.POLICY, _business_policy),
    "CUSTOMER_CHANGED": (Kind.OTHER, _changed),
    "REVIEW_MATCHED": (Kind.REVIEW, _booked("was booked")),
    "REVIEW_CREDITED": (Kind.REVIEW, _booked("is kept as credit")),
    "REVIEW_DISMISSED": (Kind.REVIEW, _always("The question about a payment was closed: there is nothing to do")),
    "REVIEW_REOPENED": (Kind.REVIEW, _always("The question about a payment was opened again")),
}
