"""What the database holds of links, reversals and credit, besides the guards of 0002.

A reversed payment keeps its sums and allocations as history; whatever counts what is used passes over it.
"""

from importlib import import_module

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TENANT_TABLES = ("payment_links", "gateway_outages")

# What a business's own staff may set in tables that are otherwise the installation's: table, its tenant, the column.
OWN_SETTINGS = (("tenants", "id", "allocation_policy"), ("gateway_accounts", "tenant_id", "fee_rates"))

FUNCTIONS = """
CREATE OR REPLACE FUNCTION dunlin_payment_rank(status text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['PENDING', 'FAILED', 'SETTLED', 'REVERSED'], status)
$$;

CREATE OR REPLACE FUNCTION dunlin_guard_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF dunlin_payment_rank(NEW.status) < dunlin_payment_rank(OLD.status)
        OR (NEW.status = 'REVERSED' AND OLD.status NOT IN ('SETTLED', 'REVERSED')) THEN
        RAISE EXCEPTION 'payment % is % and cannot become %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payments_status_only_climbs';
    END IF;
    IF (NEW.amount, NEW.currency, NEW.customer_id, NEW.method) IS DISTINCT FROM (OLD.amount, OLD.currency, OLD.customer_id, OLD.method)
        OR (OLD.status IN ('SETTLED', 'REVERSED') AND (NEW.allocated, NEW.credited) IS DISTINCT FROM (OLD.allocated, OLD.credited)) THEN
        RAISE EXCEPTION 'what payment % is about never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payments_facts_never_change';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION dunlin_guard_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.customer_id, NEW.run_id, NEW.series, NEW.sequence, NEW.number, NEW.currency, NEW.net, NEW.tax, NEW.total, NEW.issued_on,
        NEW.payment_token) IS DISTINCT FROM
        (OLD.customer_id, OLD.run_id, OLD.series, OLD.sequence, OLD.number, OLD.currency, OLD.net, OLD.tax, OLD.total, OLD.issued_on,
        OLD.payment_token) THEN
        RAISE EXCEPTION 'what invoice % says never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_facts_never_change';
    END IF;
    -- A paid one opens again when its payment is reversed; that it then owes what the ledger says is checked at commit.
    IF OLD.state <> 'OPEN' AND NEW.state <> OLD.state AND NOT (OLD.state = 'PAID' AND NEW.state = 'OPEN') THEN
        RAISE EXCEPTION 'invoice % is % and stays so', OLD.id, OLD.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_closed_stays_closed';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION dunlin_check_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE used numeric; payment payments; invoice invoices;
BEGIN
    SELECT * INTO payment FROM payments WHERE id = NEW.payment_id;
    SELECT * INTO invoice FROM invoices WHERE id = NEW.invoice_id;
    SELECT sum(amount) INTO used FROM allocations WHERE payment_id = NEW.payment_id;
    IF used <> payment.allocated OR payment.currency <> invoice.currency OR payment.customer_id <> invoice.customer_id THEN
        RAISE EXCEPTION 'the allocations of payment % do not fit it', NEW.payment_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'allocations_fit_payment';
    END IF;
    SELECT sum(a.amount) INTO used FROM allocations a JOIN payments p ON p.id = a.payment_id
        WHERE a.invoice_id = NEW.invoice_id AND p.status = 'SETTLED';
    IF used > invoice.total THEN
        RAISE EXCEPTION 'more than its total is allocated to invoice %', NEW.invoice_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'allocations_fit_invoice';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION dunlin_check_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE payment payments; posted numeric; returned numeric;
BEGIN
    SELECT * INTO payment FROM payments WHERE id = NEW.id;
    IF NOT EXISTS (SELECT FROM audit_log WHERE resource_type = 'Payment' AND resource_id = payment.id) THEN
        RAISE EXCEPTION 'payment % has no audit entry', payment.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payments_are_audited';
    END IF;
    SELECT coalesce(sum(posting.amount) FILTER (WHERE entry.cause = 'payment_settled'), 0),
        coalesce(sum(posting.amount) FILTER (WHERE entry.cause = 'payment_reversed'), 0) INTO posted, returned
        FROM ledger_entries entry JOIN ledger_postings posting ON posting.entry_id = entry.id
        WHERE entry.cause IN ('payment_settled', 'payment_reversed') AND entry.cause_id = payment.id
            AND posting.amount > 0 AND posting.currency = payment.currency;
    IF posted <> (CASE WHEN payment.status IN ('SETTLED', 'REVERSED') THEN payment.amount ELSE 0 END)
        OR returned <> (CASE payment.status WHEN 'REVERSED' THEN payment.amount ELSE 0 END) THEN
        RAISE EXCEPTION 'payment % is % over %, the ledger has % and % back', payment.id, payment.status, payment.amount, posted, returned
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payments_are_posted';
    END IF;
    IF payment.allocated <> (SELECT coalesce(sum(amount), 0) FROM allocations WHERE payment_id = payment.id) THEN
        RAISE EXCEPTION 'the allocations of payment % do not fit it', payment.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'allocations_fit_payment';
    END IF;
    RETURN NULL;
END $$;
"""

NEW_FUNCTIONS = """
CREATE FUNCTION dunlin_guard_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.code, NEW.type, NEW.customer_id, NEW.invoice_id, NEW.amount, NEW.currency, NEW.created_at, NEW.created_by) IS DISTINCT FROM
        (OLD.code, OLD.type, OLD.customer_id, OLD.invoice_id, OLD.amount, OLD.currency, OLD.created_at, OLD.created_by) THEN
        RAISE EXCEPTION 'what payment link % asks for never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_links_facts_never_change';
    END IF;
    -- A paid one opens again when its invoice does, after a reversal.
    IF OLD.status <> 'ACTIVE' AND NEW.status <> OLD.status AND NOT (OLD.status = 'PAID' AND NEW.status = 'ACTIVE') THEN
        RAISE EXCEPTION 'payment link % is % and stays so', OLD.id, OLD.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_links_closed_stays_closed';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION dunlin_check_credit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE held numeric;
BEGIN
    SELECT coalesce(sum(amount), 0) INTO held FROM ledger_postings
        WHERE tenant_id = NEW.tenant_id AND account = 'customer_credit' AND customer_id = NEW.customer_id AND currency = NEW.currency;
    IF held > 0 THEN
        RAISE EXCEPTION 'customer % would have used more credit than there is', NEW.customer_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'customer_credit_never_negative';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER guard BEFORE UPDATE ON payment_links FOR EACH ROW EXECUTE FUNCTION dunlin_guard_link();
CREATE CONSTRAINT TRIGGER check_credit AFTER INSERT ON ledger_postings DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.account = 'customer_credit') EXECUTE FUNCTION dunlin_check_credit();
"""


def upgrade() -> None:
    for table in TENANT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_tenant ON {table} TO dunlin_tenant USING (tenant_id = current_setting('dunlin.tenant_id'))"
            " WITH CHECK (tenant_id = current_setting('dunlin.tenant_id'))"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO dunlin_tenant")
    for table, tenant, column in OWN_SETTINGS:
        own = f"{tenant} = current_setting('dunlin.tenant_id')"
        op.execute(f"CREATE POLICY own_settings ON {table} FOR UPDATE TO dunlin_tenant USING ({own}) WITH CHECK ({own})")
        op.execute(f"GRANT UPDATE ({column}) ON {table} TO dunlin_tenant")
    op.execute(FUNCTIONS)
    op.execute(NEW_FUNCTIONS)


def downgrade() -> None:
    for table, _, column in OWN_SETTINGS:
        op.execute(f"REVOKE UPDATE ({column}) ON {table} FROM dunlin_tenant")
        op.execute(f"DROP POLICY own_settings ON {table}")
    op.execute("DROP TRIGGER check_credit ON ledger_postings")
    op.execute("DROP TRIGGER guard ON payment_links")
    op.execute("DROP FUNCTION dunlin_check_credit()")
    op.execute("DROP FUNCTION dunlin_guard_link()")
    before = import_module("persistence.migrations.versions.0002_guards").FUNCTIONS
    op.execute(before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    for table in TENANT_TABLES:
        op.execute(f"DROP POLICY one_tenant ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM dunlin_tenant")
