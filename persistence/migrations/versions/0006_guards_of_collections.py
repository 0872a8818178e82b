"""What the database holds of collections: who sees what, and what a closed invoice must have been closed by."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TENANT_TABLES = ("dunning_policies", "staff_moves", "chasing_blocks", "credit_notes", "letter_invoices", "billing_schedules")
# These say what was; nothing in them changes.
APPEND_ONLY = ("dunning_policies", "credit_notes")

FUNCTIONS = """
CREATE FUNCTION dunlin_check_closed_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE invoice invoices; taken_back numeric; written_off numeric;
BEGIN
    SELECT * INTO invoice FROM invoices WHERE id = NEW.id;
    SELECT total INTO taken_back FROM credit_notes WHERE invoice_id = invoice.id;
    IF (invoice.state = 'VOID') <> (taken_back IS NOT NULL) OR taken_back <> invoice.total THEN
        RAISE EXCEPTION 'invoice % is %, credit notes over % take it back', invoice.id, invoice.state, coalesce(taken_back, 0)
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_void_by_credit_note';
    END IF;
    SELECT sum(posting.amount) INTO written_off FROM ledger_entries entry JOIN ledger_postings posting ON posting.entry_id = entry.id
        WHERE entry.cause = 'invoice_written_off' AND entry.cause_id = invoice.id AND posting.account = 'bad_debt';
    IF (invoice.state = 'WRITTEN_OFF') <> (written_off IS NOT NULL) THEN
        RAISE EXCEPTION 'invoice % is %, the ledger has % of it as bad debt', invoice.id, invoice.state, coalesce(written_off, 0)
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoices_written_off_in_ledger';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER check_closed AFTER UPDATE OF state ON invoices DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dunlin_check_closed_invoice();

CREATE FUNCTION dunlin_guard_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.kind, NEW.customer_id, NEW.invoice_id, NEW.details, NEW.reason, NEW.actor, NEW.requested_at) IS DISTINCT FROM
        (OLD.kind, OLD.customer_id, OLD.invoice_id, OLD.details, OLD.reason, OLD.actor, OLD.requested_at) THEN
        RAISE EXCEPTION 'what staff asked for by move % never changes', OLD.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'staff_moves_facts_never_change';
    END IF;
    IF OLD.status <> 'REQUESTED' AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'move % is % and stays so', OLD.id, OLD.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'staff_moves_decided_once';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER guard BEFORE UPDATE ON staff_moves FOR EACH ROW EXECUTE FUNCTION dunlin_guard_move();
"""


def upgrade() -> None:
    for table in TENANT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_tenant ON {table} TO dunlin_tenant USING (tenant_id = current_setting('dunlin.tenant_id'))"
            " WITH CHECK (tenant_id = current_setting('dunlin.tenant_id'))"
        )
        rights = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE"
        op.execute(f"GRANT {rights} ON {table} TO dunlin_tenant")
    op.execute(FUNCTIONS)


def downgrade() -> None:
    op.execute("DROP TRIGGER guard ON staff_moves")
    op.execute("DROP FUNCTION dunlin_guard_move()")
    op.execute("DROP TRIGGER check_closed ON invoices")
    op.execute("DROP FUNCTION dunlin_check_closed_invoice()")
    for table in TENANT_TABLES:
        op.execute(f"DROP POLICY one_tenant ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM dunlin_tenant")
