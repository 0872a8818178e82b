"""The tables, by what they are about. Rules that money depends on are constraints here or triggers in the migrations."""

from persistence.columns import Base
from persistence.models.billing import (
    BillingRunRow,
    BillingScheduleRow,
    ChargeRow,
    CustomerRow,
    NumberSeriesRow,
    ParkedCustomerRow,
    PlanRow,
    SubscriptionRow,
)
from persistence.models.collections import (
    ChasingBlockRow,
    DunningPolicyRow,
    DunningStepRow,
    HoldRow,
    LetterInvoiceRow,
    StaffMoveRow,
)
from persistence.models.invoices import CreditNoteRow, InvoiceLineRow, InvoiceRow
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
    "BillingScheduleRow",
    "ChargeRow",
    "ChasingBlockRow",
    "CreditNoteRow",
    "CustomerRow",
    "DunningPolicyRow",
    "DunningStepRow",
    "GatewayAccountRow",
    "GatewayTransactionRow",
    "HoldRow",
    "IdempotencyRow",
    "InvoiceLineRow",
    "InvoiceRow",
    "LedgerEntryRow",
    "LedgerPostingRow",
    "LetterInvoiceRow",
    "MessageRow",
    "NumberSeriesRow",
    "OutageRow",
    "ParkedCustomerRow",
    "PaymentLinkRow",
    "PaymentRow",
    "PlanRow",
    "ReviewRow",
    "StaffMoveRow",
    "StaffTokenRow",
    "SubscriptionRow",
    "TenantRow",
    "WebhookRow",
]
