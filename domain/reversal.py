"""Reversal: which settled payments turn out to be none, and what stands in the way."""

from collections.abc import Iterable, Sequence

from domain.invoice import Invoice, InvoiceState
from domain.money import Money
from domain.payment import Outcome, PaymentMethod, PaymentStatus

# What a gateway must say before its payment is taken back: as long as it says that it has the money, the business has it.
_GIVEN_BACK = {Outcome.REFUNDED, Outcome.DISPUTED}


def is_given_back(outcome: Outcome | None) -> bool:
    """Whether the gateway's last word is that the money is with the business no more."""
    return outcome in _GIVEN_BACK


def why_not(
    payment_id: str,
    method: PaymentMethod,
    status: PaymentStatus,
    outcome: Outcome | None,
    *,
    is_booked_by_staff: bool,
) -> str | None:
    """Why a payment cannot be reversed, in a sentence; None when it can.

    Args:
        outcome: the gateway's last word; None for what no gateway carries.
        is_booked_by_staff: a person said whose money it was, and may have been wrong, whatever the gateway says of the money.
    """
    if status is not PaymentStatus.SETTLED:
        return f"Payment {payment_id} is {status}: only a settled payment can be reversed."
    if method.gateway is not None and not is_booked_by_staff and not is_given_back(outcome):
        return (
            f"Payment {payment_id} came by {method.human_name}, and the gateway says that it has the money: "
            "refund it there first, and reverse it here when the gateway says so."
        )
    return None


def why_not_as_a_whole(payment_id: str, amount: Money, given_back: Money | None) -> str | None:
    """Why a payment stands of which a part was given back, and the way out; None when all was, or nobody told how much.

    Args:
        given_back: how much the gateway says that it gave back in all.
    """
    if given_back is None or given_back >= amount:
        return None
    return (
        f"The gateway gave back {given_back} of payment {payment_id} over {amount}, and a payment is reversed as a whole: "
        "refund the rest there too and reverse it when the gateway says so, or leave it settled, dismiss the review with the "
        "reason, and put what is owed again on the customer's next invoice as a charge."
    )


def why_closed_invoices_forbid(payment_id: str, method: PaymentMethod, paid: Iterable[Invoice]) -> str | None:
    """Why a payment stands because of what became of the invoices that it paid, and the way out; None when nothing forbids.

    What money had paid of a void invoice became credit, which can be taken back. What was applied from credit is credit again.
    """
    for invoice in paid:
        if invoice.state is InvoiceState.WRITTEN_OFF:
            return (
                f"Invoice {invoice.number}, which payment {payment_id} paid a part of, is WRITTEN_OFF: nothing can be owed "
                "on it again. Leave the payment settled, and put what is owed again on the customer's next invoice as a charge."
            )
        if invoice.state is InvoiceState.VOID and method is PaymentMethod.CREDIT:
            return (
                f"Invoice {invoice.number}, which payment {payment_id} paid from credit, is VOID: that credit is the "
                "customer's again already, and can be applied to another invoice."
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
