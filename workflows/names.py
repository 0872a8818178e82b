"""Names that are a contract on the wire: task queues, workflow ids, search attributes."""

from datetime import date

from temporalio.common import SearchAttributeKey

BILLING_QUEUE = "billing"
PAYMENTS_QUEUE = "payments"
MAIL_QUEUE = "mail"
QUEUES = (BILLING_QUEUE, PAYMENTS_QUEUE, MAIL_QUEUE)

# Search attributes are never encrypted: ids and states only (U4).
TENANT_ID = SearchAttributeKey.for_keyword("TenantId")
CUSTOMER_ID = SearchAttributeKey.for_keyword("CustomerId")
INVOICE_ID = SearchAttributeKey.for_keyword("InvoiceId")
INVOICE_STATE = SearchAttributeKey.for_keyword("InvoiceState")
PAYMENT_ID = SearchAttributeKey.for_keyword("PaymentId")
PAYMENT_STATE = SearchAttributeKey.for_keyword("PaymentState")
GATEWAY = SearchAttributeKey.for_keyword("Gateway")
CURRENCY = SearchAttributeKey.for_keyword("Currency")
NEXT_ACTION_AT = SearchAttributeKey.for_datetime("NextActionAt")
# Temporal's own: the time for which a schedule started a workflow, however late it did.
SCHEDULED_START = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
SEARCH_ATTRIBUTES = (
    TENANT_ID,
    CUSTOMER_ID,
    INVOICE_ID,
    INVOICE_STATE,
    PAYMENT_ID,
    PAYMENT_STATE,
    GATEWAY,
    CURRENCY,
    NEXT_ACTION_AT,
)

PAYMENT_SETTLED_SIGNAL = "payment_settled"
GATEWAY_UPDATE_SIGNAL = "gateway_update"
INVOICE_REOPENED_SIGNAL = "reopened"
LOOK_AGAIN_SIGNAL = "look_again"


def billing_run_id(tenant_id: str, period: str) -> str:
    """One workflow per tenant and period, whoever starts it."""
    return f"billing-run/{tenant_id}/{period}"


def dry_run_id(tenant_id: str, period: str, run_id: str) -> str:
    return f"billing-run/{tenant_id}/{period}/dry/{run_id}"


def billing_schedule_id(tenant_id: str, schedule_id: str) -> str:
    """Of a schedule, not of a workflow."""
    return f"billing-schedule/{tenant_id}/{schedule_id}"


def scheduled_billing_id(tenant_id: str, schedule_id: str) -> str:
    """Temporal appends the time that was meant."""
    return f"scheduled-billing/{tenant_id}/{schedule_id}"


def invoice_lifecycle_id(invoice_id: str) -> str:
    return f"invoice/{invoice_id}"


def lifecycle_revival_id(invoice_id: str, move_id: str) -> str:
    """A lifecycle that is to run again because staff move its invoice."""
    return f"invoice/{invoice_id}/revival/{move_id}"


def payment_workflow_id(payment_id: str) -> str:
    return f"payment/{payment_id}"


def letter_delivery_id(message_id: str) -> str:
    """A letter that no other workflow sends: one that staff asked for."""
    return f"letter/{message_id}"


def late_payment_id(payment_id: str, cause: str) -> str:
    """A look at a payment whose own workflow has ended (or never began), because of `cause`: an update's id, say."""
    return f"payment/{payment_id}/late/{cause}"


def decided_payment_id(payment_id: str, review_id: str) -> str:
    """What a person decided of a payment; the payment's own id may be taken by a saga that runs or ran."""
    return f"payment/{payment_id}/decided/{review_id}"


def reconciliation_id(tenant_id: str, day: date) -> str:
    """One a tenant and local day."""
    return f"reconciliation/{tenant_id}/{day}"


def overdue_id(tenant_id: str) -> str:
    return f"reconciliation/{tenant_id}/overdue"


def reversal_id(payment_id: str) -> str:
    return f"payment/{payment_id}/reversal"


def customer_move_id(customer_id: str, move_id: str) -> str:
    """What staff decided about a customer."""
    return f"customer/{customer_id}/move/{move_id}"
