"""A customer's billing status follows from holds and debts, and money lifts only what debt had placed (pains 15)."""

import pytest

from domain.invoice import InvoiceState
from domain.standing import BillingStatus, billing_status, lifts_overdue_hold


@pytest.mark.parametrize(
    ("is_held", "is_late", "status"),
    [
        (False, False, BillingStatus.ACTIVE),
        (False, True, BillingStatus.PAST_DUE),
        (True, False, BillingStatus.SUSPENDED),
        (True, True, BillingStatus.SUSPENDED),
    ],
)
def test_a_hold_weighs_more_than_a_debt(is_held: bool, is_late: bool, status: BillingStatus) -> None:
    assert billing_status(is_held=is_held, is_late=is_late) is status


@pytest.mark.parametrize(
    ("suspending", "lifts"),
    [
        ([], True),
        ([InvoiceState.PAID], True),
        ([InvoiceState.VOID, InvoiceState.WRITTEN_OFF, InvoiceState.PAID], True),
        ([InvoiceState.OPEN], False),
        ([InvoiceState.PAID, InvoiceState.OPEN], False),
    ],
)
def test_the_hold_is_lifted_when_the_last_invoice_that_suspends_is_closed(suspending: list[InvoiceState], lifts: bool) -> None:
    assert lifts_overdue_hold(suspending) is lifts
