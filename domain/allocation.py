"""Allocation: which invoices a received amount pays, and what is left over as credit (requirements P9)."""

from dataclasses import dataclass

from domain.invoice import Invoice, InvoiceState
from domain.money import Money


@dataclass(frozen=True, slots=True)
class AllocationPlan:
    """How an amount is used: parts per invoice id, and the rest, which becomes the customer's credit."""

    parts: tuple[tuple[str, Money], ...]
    credit: Money


def allocate(received: Money, linked_invoice_id: str | None, invoices: list[Invoice]) -> AllocationPlan:
    """Use `received` for the linked invoice; without one, for open invoices, oldest due first, then by number.

    Invoices in another currency, closed, or with nothing due are passed over. Nothing is lost: parts + credit = received.
    """
    left = received
    parts: list[tuple[str, Money]] = []
    payable = [
        invoice
        for invoice in invoices
        if invoice.state is InvoiceState.OPEN
        and invoice.amount_due.currency == received.currency
        and linked_invoice_id in {None, invoice.id}
    ]
    for invoice in sorted(payable, key=lambda item: (item.due_on, item.number)):
        part = min(left, invoice.amount_due)
        if part.minor > 0:
            parts.append((invoice.id, part))
            left -= part
    return AllocationPlan(tuple(parts), left)
