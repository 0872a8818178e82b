"""Names that are a contract on the wire: task queues, workflow ids, search attributes."""

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


def billing_run_id(tenant_id: str, period: str) -> str:
    """One workflow per tenant and period, whoever starts it."""
    return f"billing-run/{tenant_id}/{period}"


def dry_run_id(tenant_id: str, period: str, run_id: str) -> str:
    return f"billing-run/{tenant_id}/{period}/dry/{run_id}"


def invoice_lifecycle_id(invoice_id: str) -> str:
    return f"invoice/{invoice_id}"


def payment_workflow_id(payment_id: str) -> str:
    return f"payment/{payment_id}"


def late_payment_id(payment_id: str, cause: str) -> str:
    """A look at a payment whose own workflow has ended (or never began), because of `cause`: an update's id, say."""
    return f"payment/{payment_id}/late/{cause}"
