"""Allocation: which invoices a received amount pays, and what is left over as credit (requirements P9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.errors import ConflictError, InvalidInputError
from domain.invoice import Invoice, InvoiceState
from domain.money import Money


@dataclass(frozen=True, slots=True)
class AllocationPlan:
    """How an amount is used: parts per invoice id, and the rest, which becomes the customer's credit."""

    parts: tuple[tuple[str, Money], ...]
    credit: Money


class Target(StrEnum):
    """What money is used for that was meant for no invoice, or is left over from the one it was meant for."""

    CREDIT = "CREDIT"
    OLDEST_DUE = "OLDEST_DUE"


@dataclass(frozen=True, slots=True)
class AllocationPolicy:
    """A tenant's choice.

    Attributes:
        surplus: where it goes what a payment brings beyond its linked invoice.
        applies_credit: whether a customer's credit pays the next invoice as soon as it is issued.
    """

    surplus: Target = Target.CREDIT
    applies_credit: bool = True

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "AllocationPolicy":
        """From the JSON that the tenant's row holds.

        Raises:
            InvalidInputError: names the field that is not a choice.
        """
        surplus, applies = data.get("surplus", Target.CREDIT), data.get("applies_credit", True)
        if surplus not in set(Target):
            raise InvalidInputError("surplus", f"{surplus!r} is not one of {', '.join(Target)}.")
        if not isinstance(applies, bool):
            raise InvalidInputError("applies_credit", f"{applies!r} is neither true nor false.")
        return cls(Target(surplus), applies)

    def to_data(self) -> dict[str, Any]:
        return {"surplus": self.surplus.value, "applies_credit": self.applies_credit}


def allocate(
    received: Money,
    linked_invoice_id: str | None,
    invoices: list[Invoice],
    *,
    otherwise: Target = Target.OLDEST_DUE,
    surplus: Target = Target.CREDIT,
) -> AllocationPlan:
    """Use `received` for the linked invoice first; the rest, or all when none is linked, by policy.

    Invoices in another currency, closed, or with nothing due are passed over. Nothing is lost: parts + credit = received.

    Args:
        otherwise: what money without a linked invoice is used for.
        surplus: what is used for that the linked invoice leaves over. OLDEST_DUE is open invoices by due day, then number.
    """
    left = received
    parts: list[tuple[str, Money]] = []
    spreads = (surplus if linked_invoice_id else otherwise) is Target.OLDEST_DUE
    payable = [
        invoice
        for invoice in invoices
        if invoice.state is InvoiceState.OPEN
        and invoice.amount_due.currency == received.currency
        and (spreads or invoice.id == linked_invoice_id)
    ]
    for invoice in sorted(payable, key=lambda item: (item.id != linked_invoice_id, item.due_on, item.number)):
        part = min(left, invoice.amount_due)
        if part.minor > 0:
            parts.append((invoice.id, part))
            left -= part
    return AllocationPlan(tuple(parts), left)


def credit_to_apply(available: Money, due: Money, asked: Money | None = None) -> Money:
    """How much of a customer's credit pays an invoice: what was asked for, or as much as there is and as is due.

    Raises:
        ConflictError: more than there is, or more than is due; names what is possible.
    """
    if not available:
        raise ConflictError(f"The customer has no credit in {available.currency}.")
    if not due:
        raise ConflictError("Nothing is due on the invoice any more.")
    if asked is not None and available < asked:
        raise ConflictError(f"The customer's credit is {available}: {asked} cannot be applied.")
    if asked is not None and due < asked:
        raise ConflictError(f"Only {due} is due on the invoice: {asked} cannot be applied to it.")
    return asked or min(available, due)
