"""Invariants as queries that anyone can run on live data (`python -m manage check`); each must find nothing.

The database refuses most of these already. They are asked all the same, because a proof is worth more than a promise.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

CHECKS = {
    "the ledger sums to zero per entry and currency": """
        SELECT entry_id || ': ' || currency || ' ' || sum(amount) FROM ledger_postings
        GROUP BY entry_id, currency HAVING sum(amount) <> 0""",
    "receivables equal what is due on open invoices": """
        SELECT i.number || ': due ' || i.amount_due || ', ledger ' || coalesce(p.amount, 0)
        FROM invoices i LEFT JOIN (
            SELECT invoice_id, sum(amount) AS amount FROM ledger_postings
            WHERE account = 'accounts_receivable' GROUP BY invoice_id
        ) p ON p.invoice_id = i.id
        WHERE i.amount_due <> coalesce(p.amount, 0)""",
    "receivables less credit equal open invoices less credit": """
        SELECT currency || ': ledger ' || sum(ledger) || ', books ' || sum(books) FROM (
            SELECT currency, sum(amount) AS ledger, 0 AS books FROM ledger_postings
            WHERE account IN ('accounts_receivable', 'customer_credit') GROUP BY currency
            UNION ALL SELECT currency, 0, sum(amount_due) FROM invoices GROUP BY currency
            UNION ALL SELECT currency, 0, -sum(CASE method WHEN 'CREDIT' THEN credited - amount ELSE credited END)
                FROM payments WHERE status = 'SETTLED' GROUP BY currency
            UNION ALL SELECT i.currency, 0, -sum(a.amount) FROM allocations a
                JOIN payments p ON p.id = a.payment_id AND p.status = 'SETTLED'
                JOIN invoices i ON i.id = a.invoice_id AND i.state = 'VOID' GROUP BY i.currency) both_sides
        GROUP BY currency HAVING sum(ledger) <> sum(books)""",
    "a customer's credit is never below zero": """
        SELECT customer_id || ': ' || currency || ' ' || -sum(amount) FROM ledger_postings
        WHERE account = 'customer_credit' GROUP BY customer_id, currency HAVING sum(amount) > 0""",
    "no number of an invoice or a credit note is missing or doubled": """
        SELECT s.series || ': last ' || s.last_number || ', numbers ' || count(n.sequence) FROM number_series s
        LEFT JOIN (
            SELECT tenant_id, series, sequence FROM invoices
            UNION ALL SELECT tenant_id, series, sequence FROM credit_notes
        ) n ON n.tenant_id = s.tenant_id AND n.series = s.series
        GROUP BY s.tenant_id, s.series, s.last_number
        HAVING count(n.sequence) <> s.last_number OR count(DISTINCT n.sequence) <> s.last_number
            OR max(n.sequence) <> s.last_number""",
    "an invoice's lines make its totals": """
        SELECT i.number FROM invoices i JOIN invoice_lines l ON l.invoice_id = i.id
        GROUP BY i.id, i.number, i.net, i.tax, i.total
        HAVING sum(l.net) <> i.net OR sum(l.tax) <> i.tax OR sum(l.gross) <> i.total""",
    "a settled payment is used in full": """
        SELECT p.id FROM payments p LEFT JOIN allocations a ON a.payment_id = p.id WHERE p.status IN ('SETTLED', 'REVERSED')
        GROUP BY p.id, p.amount, p.credited HAVING coalesce(sum(a.amount), 0) + p.credited <> p.amount""",
    "an invoice is paid by settled payments and by nothing else": """
        SELECT i.number || ': paid ' || i.total - i.amount_due || ', allocated ' || coalesce(a.amount, 0)
        FROM invoices i LEFT JOIN (
            SELECT a.invoice_id, sum(a.amount) AS amount FROM allocations a JOIN payments p ON p.id = a.payment_id
            WHERE p.status = 'SETTLED' GROUP BY a.invoice_id
        ) a ON a.invoice_id = i.id
        WHERE i.state IN ('OPEN', 'PAID') AND i.total - i.amount_due <> coalesce(a.amount, 0)""",
    "a reversed payment is in the ledger twice, there and back": """
        SELECT p.id || ': ' || count(e.id) || ' entries' FROM payments p
        LEFT JOIN ledger_entries e ON e.cause_id = p.id AND e.cause IN ('payment_settled', 'payment_reversed')
        WHERE p.status = 'REVERSED' GROUP BY p.id HAVING count(e.id) <> 2""",
    "a void invoice has its credit note, and the ledger what that credits": """
        SELECT i.number || ': ' || i.state || ' over ' || i.total || ', credit note over ' || coalesce(n.total, 0)
            || ' credits ' || coalesce(n.credited, 0) || ', ledger ' || coalesce(credit.amount, 0)
        FROM invoices i LEFT JOIN credit_notes n ON n.invoice_id = i.id
        LEFT JOIN (
            SELECT e.cause_id, -sum(p.amount) AS amount FROM ledger_entries e
            JOIN ledger_postings p ON p.entry_id = e.id AND p.account = 'customer_credit'
            WHERE e.cause = 'invoice_voided' GROUP BY e.cause_id
        ) credit ON credit.cause_id = i.id
        WHERE (i.state = 'VOID') <> (n.id IS NOT NULL) OR n.total <> i.total OR n.credited <> coalesce(credit.amount, 0)""",
    "a written-off invoice is bad debt but for what was paid": """
        SELECT i.number || ': ' || i.state || ' over ' || i.total || ', paid ' || coalesce(a.amount, 0)
            || ', bad debt ' || coalesce(bad.amount, 0)
        FROM invoices i LEFT JOIN (
            SELECT invoice_id, sum(amount) AS amount FROM ledger_postings WHERE account = 'bad_debt' GROUP BY invoice_id
        ) bad ON bad.invoice_id = i.id
        LEFT JOIN (
            SELECT a.invoice_id, sum(a.amount) AS amount FROM allocations a JOIN payments p ON p.id = a.payment_id
            WHERE p.status = 'SETTLED' GROUP BY a.invoice_id
        ) a ON a.invoice_id = i.id
        WHERE coalesce(bad.amount, 0) <>
            CASE i.state WHEN 'WRITTEN_OFF' THEN i.total - coalesce(a.amount, 0) ELSE 0 END""",
    "nobody can pay by a link for a closed invoice": """
        SELECT i.number || ': ' || l.id FROM invoices i JOIN payment_links l ON l.invoice_id = i.id
        WHERE i.state <> 'OPEN' AND l.status = 'ACTIVE'""",
    "a move that was made is in the audit log": """
        SELECT m.id || ': ' || m.kind FROM staff_moves m
        WHERE m.status = 'DONE' AND m.invoice_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM audit_log a WHERE a.resource_type = 'Invoice' AND a.resource_id = m.invoice_id
                AND a.actor = m.actor AND a.at = m.decided_at AND a.details ->> 'reason' = m.reason)""",
    "what a gateway leaves is the amount less its fee": """
        SELECT id || ': ' || amount || ' less ' || coalesce(fee::text, 'no fee') || ' is not ' || coalesce(net::text, 'told')
        FROM gateway_transactions WHERE (fee IS NULL) <> (net IS NULL) OR net <> amount - fee""",
    "the ledger has the fees that the gateways' transactions tell": """
        SELECT p.id || ': told ' || coalesce(told.fee, 0) || ', ledger ' || coalesce(posted.fee, 0) FROM payments p
        LEFT JOIN (
            SELECT payment_id, sum(fee) AS fee FROM gateway_transactions GROUP BY payment_id
        ) told ON told.payment_id = p.id
        LEFT JOIN (
            SELECT coalesce(t.payment_id, e.cause_id) AS payment_id, sum(g.amount) AS fee FROM ledger_entries e
            JOIN ledger_postings g ON g.entry_id = e.id AND g.account = 'gateway_fees'
            LEFT JOIN gateway_transactions t ON e.cause = 'fee_corrected' AND t.id = e.cause_id
            WHERE e.cause IN ('payment_settled', 'fee_corrected') GROUP BY 1
        ) posted ON posted.payment_id = p.id
        WHERE p.status IN ('SETTLED', 'REVERSED') AND coalesce(told.fee, 0) <> coalesce(posted.fee, 0)""",
    "every payment has an audit entry": """
        SELECT p.id FROM payments p WHERE NOT EXISTS (
            SELECT FROM audit_log a WHERE a.resource_type = 'Payment' AND a.resource_id = p.id)""",
    "a customer gets one letter per step": """
        SELECT entity_id || '/' || letter || ': ' || count(*) FROM messages
        GROUP BY key, entity_id, letter HAVING count(*) > 1""",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that does not hold, with the rows that break it."""

    check: str
    rows: tuple[str, ...]


def run(session: Session) -> list[Finding]:
    """Run every check within the session's sight; empty when all hold."""
    findings = []
    for name, query in CHECKS.items():
        rows = tuple(str(row[0]) for row in session.execute(text(query)))
        if rows:
            findings.append(Finding(name, rows))
    return findings
