"""Issuing: an invoice gets its number, its rows and its ledger entry in one transaction, or nothing."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain import ledger as rules
from domain.calendar import Period
from domain.dunning import PlannedStep
from domain.dunning_policy import DunningPolicy
from domain.ids import Prefix
from domain.invoice import Invoice, InvoiceDraft, InvoiceLine, InvoiceState, format_number
from persistence import dunning_plans, ledger, links
from persistence.columns import new_id
from persistence.models import InvoiceLineRow, InvoiceRow, NumberSeriesRow

INVOICE_SERIES = "invoice"


@dataclass(frozen=True, slots=True)
class Issue:
    """What issuing needs besides the draft.

    Attributes:
        payment_token: the code of the invoice's own payment link (`persistence.links.new_code`).
        issued_on, due_on: local days of the tenant.
        policy, policy_id: the dunning policy whose snapshot stays with the invoice, and which version it is.
        plan: what it comes to for this invoice.
    """

    run_id: str
    period: Period
    prefix: str
    payment_token: str
    issued_at: datetime
    issued_on: date
    due_on: date
    policy: DunningPolicy
    policy_id: str | None = None
    plan: tuple[PlannedStep, ...] = ()


def issue(session: Session, draft: InvoiceDraft, terms: Issue) -> Invoice:
    """Number and store an invoice with its lines, and post it to the ledger.

    The number is taken by an UPDATE that locks the series until this transaction ends, so numbers are gapless.
    """
    sequence = take_number(session, INVOICE_SERIES)
    row = InvoiceRow(
        id=new_id(Prefix.INVOICE),
        customer_id=draft.customer_id,
        run_id=terms.run_id,
        series=INVOICE_SERIES,
        sequence=sequence,
        number=format_number(terms.prefix, sequence),
        currency=draft.currency,
        period=str(terms.period),
        issued_at=terms.issued_at,
        issued_on=terms.issued_on,
        due_on=terms.due_on,
        net=draft.net.minor,
        tax=draft.tax.minor,
        total=draft.gross.minor,
        amount_due=draft.gross.minor,
        state=InvoiceState.OPEN.value,
        payment_token=terms.payment_token,
        dunning_policy=terms.policy.to_data(),
        dunning_policy_id=terms.policy_id,
        dunning_plan=dunning_plans.to_data(terms.plan),
    )
    session.add(row)
    session.flush()
    session.add_all(_line_row(row.id, position, line) for position, line in enumerate(draft.lines, start=1))
    session.flush()
    links.add_own(
        session,
        code=terms.payment_token,
        customer_id=draft.customer_id,
        invoice_id=row.id,
        currency=draft.currency,
        now=terms.issued_at,
    )
    ledger.post(session, rules.invoice_issued(row.id, draft), terms.issued_at)
    return Invoice(
        id=row.id,
        customer_id=draft.customer_id,
        number=row.number,
        due_on=terms.due_on,
        total=draft.gross,
        amount_due=draft.gross,
        state=InvoiceState.OPEN,
    )


def take_number(session: Session, series: str) -> int:
    """The next number of a series, which stays locked until this transaction ends: no number is ever missing."""
    statement = insert(NumberSeriesRow).values(series=series, last_number=1)
    taken = session.scalar(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "series"], set_={"last_number": NumberSeriesRow.last_number + 1}
        ).returning(NumberSeriesRow.last_number)
    )
    return int(taken or 0)


def _line_row(invoice_id: str, position: int, line: InvoiceLine) -> InvoiceLineRow:
    return InvoiceLineRow(
        invoice_id=invoice_id,
        position=position,
        description=line.description,
        quantity=line.quantity,
        unit_price=line.unit_price.minor,
        tax_basis_points=line.tax_basis_points,
        net=line.net.minor,
        tax=line.tax.minor,
        gross=line.gross.minor,
        subscription_id=line.subscription_id,
        charge_id=line.charge_id,
        period_start=line.period_start,
    )
