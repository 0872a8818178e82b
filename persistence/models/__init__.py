"""The tables, by what they are about. Rules that money depends on are constraints here or triggers in the migrations."""

from persistence.columns import Base
from persistence.models.billing import (
    BillingRunRow,
    ChargeRow,
    CustomerRow,
    InvoiceLineRow,
    InvoiceRow,
    NumberSeriesRow,
    ParkedCustomerRow,
    PlanRow,
    SubscriptionRow,
)
from persistence.models.collections import DunningStepRow, HoldRow
from persistence.models.money import (
    AllocationRow,
    GatewayTransactionRow,
    LedgerEntryRow,
    LedgerPostingRow,
    PaymentLinkRow,
    PaymentRow,
)
from persistence.models.records import AuditRow, MessageRow, OutageRow, ReviewRow, WebhookRow
from persistence.models.tenancy import GatewayAccountRow, IdempotencyRow, StaffTokenRow, TenantRow

__all__ = [
    "AllocationRow",
    "AuditRow",
    "Base",
    "BillingRunRow",
    "ChargeRow",
    "CustomerRow",
    "DunningStepRow",
    "GatewayAccountRow",
    "GatewayTransactionRow",
    "HoldRow",
    "IdempotencyRow",
    "InvoiceLineRow",
    "InvoiceRow",
    "LedgerEntryRow",
    "LedgerPostingRow",
    "MessageRow",
    "NumberSeriesRow",
    "OutageRow",
    "ParkedCustomerRow",
    "PaymentLinkRow",
    "PaymentRow",
    "PlanRow",
    "ReviewRow",
    "StaffTokenRow",
    "SubscriptionRow",
    "TenantRow",
    "WebhookRow",
]
