"""Payment links, outages of gateways, what a person decides about a review, reversals, fees that are estimates.

Every invoice that there is gets its link, under the token that its letters carry already.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHECKS = (
    (
        "payments",
        "status_is_known",
        "status IN ('PENDING', 'FAILED', 'SETTLED', 'REVERSED')",
        "status IN ('PENDING', 'FAILED', 'SETTLED')",
    ),
    (
        "payments",
        "used_in_full_when_settled",
        (
            "(status IN ('SETTLED', 'REVERSED') AND allocated + credited = amount AND settled_at IS NOT NULL)"
            " OR (status NOT IN ('SETTLED', 'REVERSED') AND allocated + credited = 0 AND settled_at IS NULL)"
        ),
        (
            "(status = 'SETTLED' AND allocated + credited = amount AND settled_at IS NOT NULL)"
            " OR (status <> 'SETTLED' AND allocated + credited = 0 AND settled_at IS NULL)"
        ),
    ),
    (
        "payments",
        "reversed_with_a_reason",
        "(status = 'REVERSED') = (reversed_at IS NOT NULL) AND (reversed_at IS NULL) = (reversal_reason IS NULL)",
        None,
    ),
    ("payments", "target_is_known", "target IN ('CREDIT', 'OLDEST_DUE')", None),
    ("gateway_transactions", "estimate_is_of_a_fee", "fee IS NOT NULL OR NOT fee_is_estimate", None),
    ("reviews", "is_about_something", "payment_id IS NOT NULL OR webhook_id IS NOT NULL", None),
    ("reviews", "amount_has_currency", "(amount IS NULL) = (currency IS NULL) AND amount > 0", None),
    ("reviews", "resolution_is_known", "resolution IN ('MATCHED', 'CREDITED', 'DISMISSED')", None),
    (
        "reviews",
        "resolved_by_somebody",
        "(resolved_at IS NULL) = (resolution IS NULL) AND (resolved_at IS NULL) = (resolved_by IS NULL)",
        None,
    ),
    ("reviews", "dismissed_with_a_reason", "(resolution = 'DISMISSED') <= (resolution_note IS NOT NULL)", None),
)

# An id's suffix says when its thing was made: the invoice's is right for its link, too.
LINKS_OF_INVOICES = """
INSERT INTO payment_links (id, tenant_id, code, type, status, customer_id, invoice_id, currency, description, created_at, created_by, closed_at)
SELECT 'lnk_' || substr(id, 5), tenant_id, payment_token, 'INVOICE', CASE state WHEN 'OPEN' THEN 'ACTIVE' WHEN 'PAID' THEN 'PAID' ELSE 'CANCELLED' END,
    customer_id, id, currency, '', issued_at, 'system', closed_at FROM invoices
"""


def upgrade() -> None:
    op.create_table(
        "gateway_outages",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("account_id", sa.String(length=31), nullable=False),
        sa.Column("gateway", sa.String(length=20), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "tenant_id", sa.String(length=31), server_default=sa.text("current_setting('dunlin.tenant_id')"), nullable=False
        ),
        sa.CheckConstraint("closed_at IS NULL OR closed_at >= opened_at", name=op.f("ck_gateway_outages_closed_after_opened")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["gateway_accounts.tenant_id", "gateway_accounts.id"],
            name=op.f("fk_gateway_outages_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_gateway_outages_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_outages")),
    )
    op.create_index(
        "uq_gateway_outages_open", "gateway_outages", ["account_id"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "payment_links",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.String(length=31), nullable=False),
        sa.Column("invoice_id", sa.String(length=31), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "tenant_id", sa.String(length=31), server_default=sa.text("current_setting('dunlin.tenant_id')"), nullable=False
        ),
        sa.CheckConstraint("(status = 'ACTIVE') = (closed_at IS NULL)", name=op.f("ck_payment_links_closed_when_not_active")),
        sa.CheckConstraint(
            "(type IN ('CUSTOM', 'REGISTRATION', 'DEPOSIT')) = (amount IS NOT NULL)",
            name=op.f("ck_payment_links_amount_by_type"),
        ),
        sa.CheckConstraint(
            "CASE type WHEN 'INVOICE' THEN invoice_id IS NOT NULL WHEN 'CUSTOM' THEN true ELSE invoice_id IS NULL END",
            name=op.f("ck_payment_links_invoice_by_type"),
        ),
        sa.CheckConstraint(
            "status IN ('ACTIVE', 'PAID', 'EXPIRED', 'CANCELLED')", name=op.f("ck_payment_links_status_is_known")
        ),
        sa.CheckConstraint(
            "type IN ('INVOICE', 'OUTSTANDING', 'CUSTOM', 'REGISTRATION', 'DEPOSIT')",
            name=op.f("ck_payment_links_type_is_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_links_amount_above_zero")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_payment_links_expires_after_creation")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_payment_links_tenant_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoices.tenant_id", "invoices.id"],
            name=op.f("fk_payment_links_tenant_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_payment_links_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_links")),
        sa.UniqueConstraint("code", name=op.f("uq_payment_links_code")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_payment_links_tenant_id_id")),
    )
    op.create_index("ix_payment_links_customer", "payment_links", ["tenant_id", "customer_id"], unique=False)
    op.create_index(
        "ix_payment_links_invoice",
        "payment_links",
        ["invoice_id"],
        unique=False,
        postgresql_where=sa.text("invoice_id IS NOT NULL"),
    )
    op.add_column("gateway_accounts", sa.Column("fee_rates", JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("gateway_transactions", sa.Column("checkout_id", sa.String(length=100), nullable=True))
    op.add_column(
        "gateway_transactions", sa.Column("fee_is_estimate", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_unique_constraint(
        op.f("uq_gateway_transactions_account_id_checkout_id"), "gateway_transactions", ["account_id", "checkout_id"]
    )
    op.add_column("payments", sa.Column("received_on", sa.Date(), nullable=True))
    op.add_column("payments", sa.Column("note", sa.String(length=500), nullable=True))
    op.add_column("payments", sa.Column("target", sa.String(length=20), server_default=sa.text("'OLDEST_DUE'"), nullable=False))
    op.add_column("payments", sa.Column("link_id", sa.String(length=31), nullable=True))
    op.add_column("payments", sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("payments", sa.Column("reversal_reason", sa.String(length=500), nullable=True))
    op.create_foreign_key(
        op.f("fk_payments_tenant_id_link_id"), "payments", "payment_links", ["tenant_id", "link_id"], ["tenant_id", "id"]
    )
    op.add_column("reviews", sa.Column("webhook_id", sa.String(length=31), nullable=True))
    op.add_column("reviews", sa.Column("gateway", sa.String(length=20), nullable=True))
    op.add_column("reviews", sa.Column("gateway_reference", sa.String(length=100), nullable=True))
    op.add_column("reviews", sa.Column("amount", sa.BigInteger(), nullable=True))
    op.add_column("reviews", sa.Column("currency", sa.String(length=3), nullable=True))
    op.add_column("reviews", sa.Column("resolved_by", sa.String(length=100), nullable=True))
    op.add_column("reviews", sa.Column("resolution", sa.String(length=20), nullable=True))
    op.add_column("reviews", sa.Column("resolution_note", sa.String(length=500), nullable=True))
    op.add_column("reviews", sa.Column("resolved_payment_id", sa.String(length=31), nullable=True))
    op.alter_column("reviews", "payment_id", existing_type=sa.VARCHAR(length=31), nullable=True)
    op.create_unique_constraint(op.f("uq_reviews_webhook_id"), "reviews", ["webhook_id"])
    op.drop_constraint(op.f("uq_reviews_payment_id_reason"), "reviews", type_="unique")
    op.create_index(
        "uq_reviews_open", "reviews", ["payment_id", "reason"], unique=True, postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.create_foreign_key(op.f("fk_reviews_webhook_id"), "reviews", "webhooks", ["webhook_id"], ["id"])
    op.create_foreign_key(
        op.f("fk_reviews_tenant_id_resolved_payment_id"),
        "reviews",
        "payments",
        ["tenant_id", "resolved_payment_id"],
        ["tenant_id", "id"],
    )
    op.add_column("tenants", sa.Column("allocation_policy", JSONB(), server_default=sa.text("'{}'"), nullable=False))
    for table, name, now, before in CHECKS:
        if before:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, now)
    op.drop_index("uq_payments_manual_reference", table_name="payments")
    op.create_index(
        "uq_payments_manual_reference",
        "payments",
        ["tenant_id", "method", "manual_reference"],
        unique=True,
        postgresql_where=sa.text("manual_reference IS NOT NULL AND status <> 'REVERSED'"),
    )
    op.execute(LINKS_OF_INVOICES)


def downgrade() -> None:
    op.drop_index("uq_payments_manual_reference", table_name="payments")
    op.create_index(
        "uq_payments_manual_reference",
        "payments",
        ["tenant_id", "method", "manual_reference"],
        unique=True,
        postgresql_where=sa.text("manual_reference IS NOT NULL"),
    )
    for table, name, _, before in CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        if before:
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, before)
    op.drop_column("tenants", "allocation_policy")
    op.drop_constraint(op.f("fk_reviews_tenant_id_resolved_payment_id"), "reviews", type_="foreignkey")
    op.drop_constraint(op.f("fk_reviews_webhook_id"), "reviews", type_="foreignkey")
    op.drop_index("uq_reviews_open", table_name="reviews")
    op.create_unique_constraint(op.f("uq_reviews_payment_id_reason"), "reviews", ["payment_id", "reason"])
    op.drop_constraint(op.f("uq_reviews_webhook_id"), "reviews", type_="unique")
    op.alter_column("reviews", "payment_id", existing_type=sa.VARCHAR(length=31), nullable=False)
    op.drop_column("reviews", "resolved_payment_id")
    op.drop_column("reviews", "resolution_note")
    op.drop_column("reviews", "resolution")
    op.drop_column("reviews", "resolved_by")
    op.drop_column("reviews", "currency")
    op.drop_column("reviews", "amount")
    op.drop_column("reviews", "gateway_reference")
    op.drop_column("reviews", "gateway")
    op.drop_column("reviews", "webhook_id")
    op.drop_constraint(op.f("fk_payments_tenant_id_link_id"), "payments", type_="foreignkey")
    op.drop_column("payments", "reversal_reason")
    op.drop_column("payments", "reversed_at")
    op.drop_column("payments", "link_id")
    op.drop_column("payments", "target")
    op.drop_column("payments", "note")
    op.drop_column("payments", "received_on")
    op.drop_constraint(op.f("uq_gateway_transactions_account_id_checkout_id"), "gateway_transactions", type_="unique")
    op.drop_column("gateway_transactions", "fee_is_estimate")
    op.drop_column("gateway_transactions", "checkout_id")
    op.drop_column("gateway_accounts", "fee_rates")
    op.drop_index("ix_payment_links_invoice", table_name="payment_links", postgresql_where=sa.text("invoice_id IS NOT NULL"))
    op.drop_index("ix_payment_links_customer", table_name="payment_links")
    op.drop_table("payment_links")
    op.drop_index("uq_gateway_outages_open", table_name="gateway_outages", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_table("gateway_outages")
