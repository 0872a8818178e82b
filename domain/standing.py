"""Standing: a customer's billing status follows from holds and debts; it is derived, never set by hand."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from domain.money import Money


class BillingStatus(StrEnum):
    """What tills and staff are told of a customer."""

    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class HoldReason(StrEnum):
    """Why a customer is held. Only a hold of the same reason is lifted: money never lifts what staff placed by hand.

    OVERDUE is the system's, all others are staff's; staff may lift any.
    """

    OVERDUE = "OVERDUE"
    MANUAL = "MANUAL"
    BREACH = "BREACH"  # terms were broken
    CHARGEBACK = "CHARGEBACK"  # a payment was taken back at the bank
    ON_REQUEST = "ON_REQUEST"  # the customer asked for it
    CLOSED = "CLOSED"  # the account is closed: nothing is billed any more

    @property
    def in_words(self) -> str:
        """The reason as a sentence to the customer; that of OVERDUE names the invoice and is written by the letter."""
        return _IN_WORDS[self]


_IN_WORDS = {
    HoldReason.OVERDUE: "Invoices are unpaid after our final warning.",
    HoldReason.MANUAL: "Your account was suspended by our accounts team.",
    HoldReason.BREACH: "The terms of your account were not kept.",
    HoldReason.CHARGEBACK: "A payment to us was taken back at your bank.",
    HoldReason.ON_REQUEST: "You asked us to suspend your account.",
    HoldReason.CLOSED: "Your account is closed.",
}
STAFF_REASONS = tuple(reason for reason in HoldReason if reason is not HoldReason.OVERDUE)


@dataclass(frozen=True, slots=True)
class SuspendingDebt:
    """What is still due on an invoice whose ladder reached suspension and which is not set aside.

    Attributes:
        lifts_below: by the invoice's policy, a suspension ends when less than this is left of what suspends; zero: when
            all is paid.
    """

    amount_due: Money
    lifts_below: Money


def billing_status(*, holds: Collection[HoldReason], is_late: bool) -> BillingStatus:
    """CLOSED or SUSPENDED while such a hold stands; PAST_DUE while an open invoice's due day is over; else ACTIVE."""
    if HoldReason.CLOSED in holds:
        return BillingStatus.CLOSED
    if holds:
        return BillingStatus.SUSPENDED
    return BillingStatus.PAST_DUE if is_late else BillingStatus.ACTIVE


def suspends(debts: Iterable[SuspendingDebt]) -> bool:
    """Whether what is left suspends: in any currency as much as the strictest policy among those invoices allows, or more."""
    left: dict[str, tuple[Money, Money]] = {}
    for debt in debts:
        currency = debt.amount_due.currency
        due, threshold = left.get(currency, (Money.zero(currency), debt.lifts_below))
        left[currency] = (due + debt.amount_due, min(threshold, debt.lifts_below))
    return any(due and not due < threshold for due, threshold in left.values())


def is_back(before: Collection[HoldReason], after: Collection[HoldReason]) -> bool:
    """Whether a customer who was held is held no more: the moment that *Reactivation Confirmation* tells of."""
    return bool(before) and not after
