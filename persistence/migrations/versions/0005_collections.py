"""The tables and columns of collections: policies by version, staff moves, blocks, credit notes, billing schedules.

What guards them is in 0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_unique_constraint(op.f("uq_messages_tenant_id_id"), "messages", ["tenant_id", "id"])
    op.create_index("ix_messages_customer", "messages", ["tenant_id", "customer_id"], unique=False)
    op.create_table(
        "billing_schedules",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("day_of_month", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(length=5), nullable=False),
        sa.Column("month_offset", sa.BigInteger(), nullable=False),
        sa.Column("catch_up_hours", sa.BigInteger(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("synced_revision", sa.BigInteger(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "tenant_id", sa.String(length=31), server_default=sa.text("current_setting('dunlin.tenant_id')"), nullable=False
        ),
        sa.CheckConstraint("at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'", name=op.f("ck_billing_schedules_at_is_a_time")),
        sa.CheckConstraint("catch_up_hours BETWEEN 1 AND 672", name=op.f("ck_billing_schedules_catch_up_in_range")),
        sa.CheckConstraint("day_of_month BETWEEN 1 AND 31", name=op.f("ck_billing_schedules_day_in_range")),
        sa.CheckConstraint("month_offset BETWEEN -1 AND 1", name=op.f("ck_billing_schedules_month_offset_is_known")),
        sa.CheckConstraint("synced_revision <= revision", name=op.f("ck_billing_schedules_synced_up_to_revision")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_billing_schedules_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_schedules")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_billing_schedules_tenant_id_id")),
    )
    op.create_index(
        "uq_billing_schedules_name",
        "billing_schedules",
        ["tenant_id", sa.text("lower(name)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "chasing_blocks",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("customer_id", sa.String(length=31), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column(
            "tenant_id", sa.String(length=31), server_default=sa.text("current_setting('dunlin.tenant_id')"), nullable=False
        ),
        sa.CheckConstraint("lifted_at IS NULL OR lifted_at >= placed_at", name=op.f("ck_chasing_blocks_lifted_after_placed")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_chasing_blocks_tenant_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_chasing_blocks_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chasing_blocks")),
    )
    op.create_index(
        "uq_chasing_blocks_standing",
        "chasing_blocks",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "dunning_policies",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("customer_id", sa.String(length=31), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("policy", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "tenant_id", sa.String(length=31), server_default=sa.text("current_setting('dunlin.tenant_id')"), nullable=False
        ),
        sa.CheckConstraint(
            "policy IS NOT NULL OR customer_id IS NOT NULL", name=op.f("ck_dunning_policies_business_has_a_policy")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_dunning_policies_versions_count_from_one")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_dunning_policies_tenant_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_dunning_policies_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_policies")),
        sa.UniqueConstraint(
            "tenant_id",
            "customer_id",
            "version",
            name=op.f("uq_dunning_policies_tenant_id_customer_id_version"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_dunning_policies_tenant_id_id")),
    )
    op.create_table(
        "credit_notes",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("invoice_id", sa.String(length=31), nullable=False),
        sa.Column("customer_id", sa.String(length=31), nullable=False),
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column(
            "tenant_id", sa.String(length=31), server_default=sa.text("current_setting('dunlin.tenant_id')"), nullable=False
        ),
        sa.CheckConstraint("credited BETWEEN 0 AND total", name=op.f("ck_credit_notes_credited_in_range")),
        sa.CheckConstraint("net + tax = total", name=op.f("ck_credit_notes_net_and_tax_make_total")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_credit_notes_tenant_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoices.tenant_id", "invoices.id"],
            name=op.f("fk_credit_notes_tenant_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_credit_notes_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_credit_notes_invoice_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_credit_notes_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "series", "sequence", name=op.f("uq_credit_notes_tenant_id_series_sequence")),
    )
    op.create_table(
        "staff_moves",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.String(length=31), nullable=False),
        sa.Column("invoice_id", sa.String(length=31), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column(
            "tenant_id", sa.String(length=31), server_default=sa.text("current_setting('dunlin.tenant_id')"), nullable=False
        ),
        sa.CheckConstraint(
            "(status = 'REQUESTED') = (decided_at IS NULL)", name=op.f("ck_staff_moves_decided_when_not_requested")
        ),
        sa.CheckConstraint("status IN ('REQUESTED', 'DONE', 'REFUSED')", name=op.f("ck_staff_moves_status_is_known")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_staff_moves_tenant_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"], name=op.f("fk_staff_moves_tenant_id_invoice_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_staff_moves_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_moves")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_staff_moves_tenant_id_id")),
    )
    op.create_index("ix_staff_moves_customer_id", "staff_moves", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_staff_moves_invoice_id", "staff_moves", ["tenant_id", "invoice_id"], unique=False)
    op.create_index(
        "ix_staff_moves_requested",
        "staff_moves",
        ["requested_at"],
        unique=False,
        postgresql_where=sa.text("status = 'REQUESTED'"),
    )
    op.create_table(
        "letter_invoices",
        sa.Column("message_id", sa.String(length=31), nullable=False),
        sa.Column("invoice_id", sa.String(length=31), nullable=False),
        sa.Column("told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "tenant_id", sa.String(length=31), server_default=sa.text("current_setting('dunlin.tenant_id')"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "invoice_id"],
            ["invoices.tenant_id", "invoices.id"],
            name=op.f("fk_letter_invoices_tenant_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "message_id"],
            ["messages.tenant_id", "messages.id"],
            name=op.f("fk_letter_invoices_tenant_id_message_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_letter_invoices_tenant_id")),
        sa.PrimaryKeyConstraint("message_id", "invoice_id", name=op.f("pk_letter_invoices")),
    )
    op.add_column("billing_runs", sa.Column("withheld", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("holds", sa.Column("note", sa.String(), server_default="", nullable=False))
    op.add_column("holds", sa.Column("placed_by", sa.String(), server_default="system", nullable=False))
    op.add_column("holds", sa.Column("lifted_by", sa.String(), nullable=True))
    op.create_unique_constraint(op.f("uq_holds_tenant_id_id"), "holds", ["tenant_id", "id"])
    op.add_column("invoices", sa.Column("dunning_policy_id", sa.String(length=31), nullable=True))
    op.add_column(
        "invoices", sa.Column("dunning_plan", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("invoices", sa.Column("dunning_round", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("invoices", sa.Column("paused_until", sa.Date(), nullable=True))
    op.add_column("invoices", sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_invoices_tenant_id_dunning_policy_id"),
        "invoices",
        "dunning_policies",
        ["tenant_id", "dunning_policy_id"],
        ["tenant_id", "id"],
    )
    op.create_check_constraint(
        op.f("ck_invoices_set_aside_while_open"), "invoices", "state = 'OPEN' OR (paused_until IS NULL AND disputed_at IS NULL)"
    )
    op.create_check_constraint(op.f("ck_invoices_plans_count_from_one"), "invoices", "dunning_round >= 1")
    op.drop_constraint(op.f("ck_holds_reason_is_known"), "holds", type_="check")
    op.create_check_constraint(
        op.f("ck_holds_reason_is_known"),
        "holds",
        "reason IN ('OVERDUE', 'MANUAL', 'BREACH', 'CHARGEBACK', 'ON_REQUEST', 'CLOSED')",
    )
    op.add_column("tenants", sa.Column("country", sa.String(length=2), nullable=True))
    # A business's letters are written for its country: en_ZW.
    op.execute("UPDATE tenants SET country = CASE WHEN locale ~ '_[A-Z]{2}$' THEN right(locale, 2) ELSE 'ZW' END")
    op.alter_column("tenants", "country", nullable=False)
    op.create_check_constraint(op.f("ck_tenants_country_is_plain"), "tenants", "country ~ '^[A-Z]{2}$'")
    # The policy that each business has becomes its first version.
    op.execute(
        "INSERT INTO dunning_policies (id, tenant_id, version, policy, note, created_by, created_at)"
        " SELECT 'dpo_' || substr(id, 5), id, 1, dunning_policy, '', 'system', created_at FROM tenants"
    )
    op.drop_column("tenants", "dunning_policy")


def downgrade() -> None:
    op.add_column("tenants", sa.Column("dunning_policy", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.execute(
        "UPDATE tenants SET dunning_policy = (SELECT policy FROM dunning_policies p WHERE p.tenant_id = tenants.id"
        " AND p.customer_id IS NULL ORDER BY version DESC LIMIT 1)"
    )
    op.alter_column("tenants", "dunning_policy", nullable=False)
    op.drop_constraint(op.f("ck_tenants_country_is_plain"), "tenants", type_="check")
    op.drop_column("tenants", "country")
    op.drop_constraint(op.f("ck_holds_reason_is_known"), "holds", type_="check")
    op.create_check_constraint(op.f("ck_holds_reason_is_known"), "holds", "reason IN ('OVERDUE', 'MANUAL')")
    op.drop_constraint(op.f("ck_invoices_plans_count_from_one"), "invoices", type_="check")
    op.drop_constraint(op.f("ck_invoices_set_aside_while_open"), "invoices", type_="check")
    op.drop_constraint(op.f("fk_invoices_tenant_id_dunning_policy_id"), "invoices", type_="foreignkey")
    op.drop_column("invoices", "disputed_at")
    op.drop_column("invoices", "paused_until")
    op.drop_column("invoices", "dunning_round")
    op.drop_column("invoices", "dunning_plan")
    op.drop_column("invoices", "dunning_policy_id")
    op.drop_constraint(op.f("uq_holds_tenant_id_id"), "holds", type_="unique")
    op.drop_column("holds", "lifted_by")
    op.drop_column("holds", "placed_by")
    op.drop_column("holds", "note")
    op.drop_column("billing_runs", "withheld")
    op.drop_table("letter_invoices")
    op.drop_index("ix_staff_moves_requested", table_name="staff_moves", postgresql_where=sa.text("status = 'REQUESTED'"))
    op.drop_index("ix_staff_moves_invoice_id", table_name="staff_moves")
    op.drop_index("ix_staff_moves_customer_id", table_name="staff_moves")
    op.drop_table("staff_moves")
    op.drop_table("credit_notes")
    op.drop_table("dunning_policies")
    op.drop_index("uq_chasing_blocks_standing", table_name="chasing_blocks", postgresql_where=sa.text("lifted_at IS NULL"))
    op.drop_table("chasing_blocks")
    op.drop_index("uq_billing_schedules_name", table_name="billing_schedules", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("billing_schedules")
    op.drop_index("ix_messages_customer", table_name="messages")
    op.drop_constraint(op.f("uq_messages_tenant_id_id"), "messages", type_="unique")
