"""Standing: a customer's billing status follows from holds and debts; it is derived, never set by hand."""

from collections.abc import Iterable
from enum import StrEnum

from domain.invoice import InvoiceState


class BillingStatus(StrEnum):
    """What tills and staff are told of a customer."""

    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    SUSPENDED = "SUSPENDED"


class HoldReason(StrEnum):
    """Why a customer is held. Only a hold of the same reason is lifted: money never lifts what staff placed by hand."""

    OVERDUE = "OVERDUE"
    MANUAL = "MANUAL"


def billing_status(*, is_held: bool, is_late: bool) -> BillingStatus:
    """SUSPENDED while any hold stands; PAST_DUE while an open invoice's due day is over; else ACTIVE."""
    if is_held:
        return BillingStatus.SUSPENDED
    return BillingStatus.PAST_DUE if is_late else BillingStatus.ACTIVE


def lifts_overdue_hold(suspending: Iterable[InvoiceState]) -> bool:
    """Whether nothing is left that suspends, given the states of all invoices whose ladder reached suspension."""
    return all(state.is_closed for state in suspending)
