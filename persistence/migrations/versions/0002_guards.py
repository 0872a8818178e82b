"""What the database itself holds: tenants see only their own rows, and the rules that money depends on.

Sums are checked by deferred triggers, when a transaction is about to commit, so that the order of its statements does not matter.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "customers", "plans", "subscriptions", "charges", "billing_runs", "parked_customers", "number_series", "invoices", "invoice_lines",
    "payments", "gateway_transactions", "allocations", "ledger_entries", "ledger_postings", "dunning_steps", "holds", "messages",
    "audit_log", "reviews",
)  # fmt: skip
APPEND_ONLY = ("invoice_lines", "allocations", "ledger_entries", "ledger_postings", "audit_log")

ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dunlin_tenant') THEN
        CREATE ROLE dunlin_tenant NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this cluster made it at the same moment
END $$;
"""

FUNCTIONS = """
CREATE FUNCTION dunlin_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only: post a correction instead', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;

CREATE FUNCTION dunlin_payment_rank(status text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['PENDING', 'FAILED', 'SETTLED'], status)
$$;

CREATE FUNCTION dunlin_guard_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF dunlin_payment_rank(NEW.status) < dunlin_payment_rank(OLD.status) THEN
        RAISE EXCEPTION 'payment % is % and cannot fall back to %', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payments_status_only_climbs';
    END IF;
    IF (NEW.amount, NEW.currency, NEW.customer_id, NEW.method) IS DISTINCT FROM (OLD.amount, OLD.currency, OLD.customer_id, OLD.method)
        OR (OLD.status = 'SETTLED' AND (NEW.allocated, NEW.credited) IS DISTINCT FROM (OLD.allocated, OLD.credited)) THEN
        RAISE EXCEPTION 'what payment % is about never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payments_facts_never_change';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION dunlin_guard_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.customer_id, NEW.run_id, NEW.series, NEW.sequence, NEW.number, NEW.currency, NEW.net, NEW.tax, NEW.total, NEW.issued_on,
        NEW.payment_token) IS DISTINCT FROM
        (OLD.customer_id, OLD.run_id, OLD.series, OLD.sequence, OLD.number, OLD.currency, OLD.net, OLD.tax, OLD.total, OLD.issued_on,
        OLD.payment_token) THEN
        RAISE EXCEPTION 'what invoice % says never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_facts_never_change';
    END IF;
    IF OLD.state <> 'OPEN' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'invoice % is % and stays so', OLD.id, OLD.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_closed_stays_closed';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION dunlin_check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entry text := CASE TG_TABLE_NAME WHEN 'ledger_entries' THEN to_jsonb(NEW) ->> 'id' ELSE to_jsonb(NEW) ->> 'entry_id' END;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_postings WHERE entry_id = entry)
        OR EXISTS (SELECT FROM ledger_postings WHERE entry_id = entry GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'ledger entry % does not sum to zero', entry
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_entries_sum_to_zero';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION dunlin_check_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE invoice invoices; receivable numeric; line_sums record;
BEGIN
    -- Read anew: when this runs, at commit, NEW is what the row was when the statement ran.
    SELECT * INTO invoice FROM invoices
        WHERE id = CASE TG_TABLE_NAME WHEN 'invoices' THEN to_jsonb(NEW) ->> 'id' ELSE to_jsonb(NEW) ->> 'invoice_id' END;
    SELECT coalesce(sum(net), 0) AS net, coalesce(sum(tax), 0) AS tax, coalesce(sum(gross), 0) AS gross
        INTO line_sums FROM invoice_lines WHERE invoice_id = invoice.id;
    IF (line_sums.net, line_sums.tax, line_sums.gross) IS DISTINCT FROM (invoice.net::numeric, invoice.tax::numeric, invoice.total::numeric) THEN
        RAISE EXCEPTION 'the lines of invoice % do not make its totals', invoice.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_lines_make_totals';
    END IF;
    SELECT coalesce(sum(amount), 0) INTO receivable FROM ledger_postings WHERE invoice_id = invoice.id AND account = 'accounts_receivable';
    IF receivable <> invoice.amount_due THEN
        RAISE EXCEPTION 'invoice % says % is due, the ledger says %', invoice.id, invoice.amount_due, receivable
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_agree_with_ledger';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION dunlin_check_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE used numeric; payment payments; invoice invoices;
BEGIN
    SELECT * INTO payment FROM payments WHERE id = NEW.payment_id;
    SELECT * INTO invoice FROM invoices WHERE id = NEW.invoice_id;
    SELECT sum(amount) INTO used FROM allocations WHERE payment_id = NEW.payment_id;
    IF used <> payment.allocated OR payment.currency <> invoice.currency OR payment.customer_id <> invoice.customer_id THEN
        RAISE EXCEPTION 'the allocations of payment % do not fit it', NEW.payment_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'allocations_fit_payment';
    END IF;
    SELECT sum(amount) INTO used FROM allocations WHERE invoice_id = NEW.invoice_id;
    IF used > invoice.total THEN
        RAISE EXCEPTION 'more than its total is allocated to invoice %', NEW.invoice_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'allocations_fit_invoice';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION dunlin_check_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE payment payments; posted numeric;
BEGIN
    SELECT * INTO payment FROM payments WHERE id = NEW.id;
    IF NOT EXISTS (SELECT FROM audit_log WHERE resource_type = 'Payment' AND resource_id = payment.id) THEN
        RAISE EXCEPTION 'payment % has no audit entry', payment.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payments_are_audited';
    END IF;
    SELECT coalesce(sum(posting.amount), 0) INTO posted
        FROM ledger_entries entry JOIN ledger_postings posting ON posting.entry_id = entry.id
        WHERE entry.cause = 'payment_settled' AND entry.cause_id = payment.id
            AND posting.amount > 0 AND posting.currency = payment.currency;
    IF posted <> (CASE payment.status WHEN 'SETTLED' THEN payment.amount ELSE 0 END) THEN
        RAISE EXCEPTION 'payment % is % over %, the ledger has %', payment.id, payment.status, payment.amount, posted
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payments_are_posted';
    END IF;
    IF payment.allocated <> (SELECT coalesce(sum(amount), 0) FROM allocations WHERE payment_id = payment.id) THEN
        RAISE EXCEPTION 'the allocations of payment % do not fit it', payment.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'allocations_fit_payment';
    END IF;
    RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER guard BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION dunlin_guard_payment();
CREATE TRIGGER guard BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION dunlin_guard_invoice();
CREATE CONSTRAINT TRIGGER check_entry AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dunlin_check_entry();
CREATE CONSTRAINT TRIGGER check_entry AFTER INSERT ON ledger_postings DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dunlin_check_entry();
CREATE CONSTRAINT TRIGGER check_invoice AFTER INSERT OR UPDATE OF amount_due, state ON invoices DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dunlin_check_invoice();
CREATE CONSTRAINT TRIGGER check_invoice AFTER INSERT ON invoice_lines DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dunlin_check_invoice();
CREATE CONSTRAINT TRIGGER check_invoice AFTER INSERT ON ledger_postings DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.account = 'accounts_receivable' AND NEW.invoice_id IS NOT NULL)
    EXECUTE FUNCTION dunlin_check_invoice();
CREATE CONSTRAINT TRIGGER check_allocation AFTER INSERT ON allocations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dunlin_check_allocation();
CREATE CONSTRAINT TRIGGER check_payment AFTER INSERT OR UPDATE ON payments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dunlin_check_payment();
"""


def upgrade() -> None:
    op.execute(ROLE)
    op.execute("GRANT dunlin_tenant TO CURRENT_USER")
    op.execute("DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO dunlin_tenant', current_schema()); END $$")
    for table in TENANT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_tenant ON {table} TO dunlin_tenant USING (tenant_id = current_setting('dunlin.tenant_id'))"
            " WITH CHECK (tenant_id = current_setting('dunlin.tenant_id'))"
        )
        op.execute(f"GRANT SELECT, INSERT{'' if table in APPEND_ONLY else ', UPDATE'} ON {table} TO dunlin_tenant")
    for table, column in (("tenants", "id"), ("gateway_accounts", "tenant_id")):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_tenant ON {table} FOR SELECT TO dunlin_tenant USING ({column} = current_setting('dunlin.tenant_id'))"
        )
        op.execute(f"GRANT SELECT ON {table} TO dunlin_tenant")
    op.execute(FUNCTIONS)
    op.execute(TRIGGERS)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION dunlin_refuse_change()"
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    for table, trigger in (
        ("payments", "guard"), ("payments", "check_payment"), ("invoices", "guard"), ("invoices", "check_invoice"),
        ("invoice_lines", "check_invoice"), ("ledger_postings", "check_invoice"),
        ("ledger_entries", "check_entry"), ("ledger_postings", "check_entry"), ("allocations", "check_allocation"),
    ):  # fmt: skip
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in (
        "refuse_change()", "payment_rank(text)", "guard_payment()", "guard_invoice()", "check_entry()", "check_invoice()",
        "check_allocation()", "check_payment()",
    ):  # fmt: skip
        op.execute(f"DROP FUNCTION dunlin_{function}")
    for table in (*TENANT_TABLES, "tenants", "gateway_accounts"):
        op.execute(f"DROP POLICY one_tenant ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM dunlin_tenant")
    op.execute("DO $$ BEGIN EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM dunlin_tenant', current_schema()); END $$")
