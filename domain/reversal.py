"""Reversal: which settled payments turn out to be none, and what stands in the way."""

from collections.abc import Sequence

from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus

# What a gateway must say before its payment is taken back: as long as it says that it has the money, the business has it.
_GIVEN_BACK = {Outcome.REFUNDED, Outcome.DISPUTED}


def why_not(payment_id: str, method: PaymentMethod, status: PaymentStatus, outcome: Outcome | None) -> str | None:
    """Why a payment cannot be reversed, in a sentence; None when it can.

    Args:
        outcome: the gateway's last word; None for what no gateway carries.
    """
    if status is not PaymentStatus.SETTLED:
        return f"Payment {payment_id} is {status}: only a settled payment can be reversed."
    if method.gateway is not None and outcome not in _GIVEN_BACK:
        return (
            f"Payment {payment_id} came by {method.human_name}, and the gateway says that it has the money: "
            "refund it there first, and reverse it here when the gateway says so."
        )
    return None


def why_credit_is_missing(
    payment_id: str, left_as_credit: Money, available: Money, uses: Sequence[tuple[str, Money]]
) -> str | None:
    """Why the credit that a payment left cannot be taken back, and the way out; None when it is there.

    Args:
        available: the customer's credit now.
        uses: (payment id, amount) by which credit was used, newest first; some of them must be reversed before.
    """
    if left_as_credit <= available:
        return None
    missing = left_as_credit - available
    first: list[str] = []
    freed = Money.zero(missing.currency)
    for used_by, amount in uses:
        if missing <= freed:
            break
        first.append(f"{used_by} over {amount}")
        freed += amount
    return (
        f"Payment {payment_id} left {left_as_credit} as credit, and {missing} of it was used meanwhile: "
        f"reverse {' and '.join(first) or 'what used it'} first."
    )
