"""Invoices before they are issued, as the billing rule makes them."""

from domain.billing import Billable, draft_invoices
from domain.calendar import Period
from domain.invoice import InvoiceDraft
from domain.subscription import Charge, Subscription
from tests.factories import PERIOD


def draft_of(*items: Subscription | Charge, period: Period = PERIOD) -> list[InvoiceDraft]:
    """What the billing rule makes of one customer's subscriptions and charges, prices net."""
    subscriptions = tuple(item for item in items if isinstance(item, Subscription))
    charges = tuple(item for item in items if isinstance(item, Charge))
    billable = Billable(items[0].customer_id, "accounts@acacia.example", subscriptions, charges)
    return draft_invoices(billable, period, prices_include_tax=False)
