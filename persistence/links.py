"""Payment links: made, found by their code, and closed. What they ask for now is read in `link_details.py`."""

import secrets
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.errors import ConflictError, NotFoundError
from domain.ids import Prefix
from domain.money import Money
from domain.payment_link import CODE_ALPHABET, CODE_CHARACTERS, CODE_PREFIX, LinkStatus, LinkType, PaymentLink
from persistence import audit
from persistence.columns import new_id
from persistence.models import PaymentLinkRow


def new_code() -> str:
    """A code that nobody guesses (66 bits from the system's cryptographic source): `pay_7KcXw2nRbq4T`."""
    return CODE_PREFIX + "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARACTERS))


def add_own(session: Session, *, code: str, customer_id: str, invoice_id: str, currency: str, now: datetime) -> None:
    """The link that an invoice has from the start; it lives as long as the invoice is open."""
    session.add(
        PaymentLinkRow(
            code=code,
            type=LinkType.INVOICE.value,
            status=LinkStatus.ACTIVE.value,
            customer_id=customer_id,
            invoice_id=invoice_id,
            currency=currency,
            description="",
            created_at=now,
            created_by=audit.SYSTEM,
        )
    )
    session.flush()


def create(
    session: Session,
    *,
    link_type: LinkType,
    customer_id: str,
    invoice_id: str | None,
    amount: Money | None,
    currency: str,
    description: str,
    expires_at: datetime,
    link_id: str | None = None,
    actor: str,
    now: datetime,
) -> PaymentLink:
    """A link made by staff, or for a letter about several invoices, with its audit entry (requirements P5, P14)."""
    row = PaymentLinkRow(
        id=link_id or new_id(Prefix.PAYMENT_LINK),
        code=new_code(),
        type=link_type.value,
        status=LinkStatus.ACTIVE.value,
        customer_id=customer_id,
        invoice_id=invoice_id,
        amount=amount.minor if amount else None,
        currency=currency,
        description=description,
        expires_at=expires_at,
        created_at=now,
        created_by=actor,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        now,
        actor,
        "PAYMENT_LINK_CREATED",
        "PaymentLink",
        row.id,
        type=link_type.value,
        customer_id=customer_id,
        invoice_id=invoice_id,
        amount=str(amount) if amount else None,
        expires_at=expires_at.isoformat(),
    )
    return link_of(row)


def find(session: Session, link_id: str) -> PaymentLink | None:
    row = session.get(PaymentLinkRow, link_id, populate_existing=True)
    return link_of(row) if row else None


def get(session: Session, link_id: str) -> PaymentLink:
    """Raises: NotFoundError: the bound tenant has no such link."""
    return link_of(_row(session, link_id))


def lock(session: Session, link_id: str) -> PaymentLink:
    """Lock a link (after its customer, invoices and payments) for this transaction.

    Raises:
        NotFoundError: the bound tenant has no such link.
    """
    return link_of(_row(session, link_id, for_update=True))


def tenant_of_code(system: Session, code: str) -> tuple[str, str] | None:
    """Whose link a code is: (tenant id, link id); None when it opens nothing."""
    found = system.execute(select(PaymentLinkRow.tenant_id, PaymentLinkRow.id).where(PaymentLinkRow.code == code)).one_or_none()
    return (found[0], found[1]) if found else None


def outstanding_of(session: Session, customer_id: str, currency: str, *, until: datetime) -> PaymentLink | None:
    """The open link for all that a customer owes in a currency that lives longest, if it does so beyond an instant."""
    row = session.scalars(
        select(PaymentLinkRow)
        .where(
            PaymentLinkRow.type == LinkType.OUTSTANDING.value,
            PaymentLinkRow.status == LinkStatus.ACTIVE.value,
            PaymentLinkRow.customer_id == customer_id,
            PaymentLinkRow.currency == currency,
            PaymentLinkRow.expires_at > until,
        )
        .order_by(PaymentLinkRow.expires_at.desc(), PaymentLinkRow.id)
        .limit(1)
    ).one_or_none()
    return link_of(row) if row else None


def touch(session: Session, link_id: str, now: datetime) -> PaymentLink:
    """The link as it stands now; one whose time is over is marked EXPIRED when it is touched (requirements P6).

    Raises:
        NotFoundError: the bound tenant has no such link.
    """
    link = get(session, link_id)
    if not link.has_expired(now):
        return link
    _close(session, [link_id], LinkStatus.EXPIRED, now)
    return get(session, link_id)


def cancel(session: Session, link_id: str, actor: str, now: datetime) -> PaymentLink:
    """Close an open link by hand; one that was cancelled before stays so.

    Raises:
        NotFoundError: the bound tenant has no such link.
        ConflictError: it is an invoice's own link, or nobody can pay by it any more.
    """
    link = lock(session, link_id)
    if link.status is LinkStatus.CANCELLED:
        return link
    if link.is_own:
        raise ConflictError(
            f"Payment link {link.code} is its invoice's own, which every letter about the invoice carries: "
            "it closes when the invoice is paid or closed, and cannot be cancelled by itself."
        )
    if link.status_at(now) is not LinkStatus.ACTIVE:
        raise ConflictError(f"Payment link {link.code} is {link.status_at(now)}: nobody can pay by it any more.")
    _close(session, [link_id], LinkStatus.CANCELLED, now)
    audit.record(session, now, actor, "PAYMENT_LINK_CANCELLED", "PaymentLink", link_id)
    return get(session, link_id)


def mark_paid(session: Session, link_id: str | None, paid_invoice_ids: Collection[str], now: datetime) -> None:
    """Close what a settled payment has fulfilled: the links of invoices that are paid in full, and its own.

    All links for such an invoice, whoever made them: an open one would be a way to pay a second time (pains 1). The link of an
    invoice that something is left to pay on stays open, unless it named the amount that was paid.
    """
    ids = set(session.scalars(select(PaymentLinkRow.id).where(PaymentLinkRow.invoice_id.in_(list(paid_invoice_ids)))))
    if link_id is not None and _row(session, link_id).type != LinkType.INVOICE.value:
        ids.add(link_id)
    _close(session, sorted(ids), LinkStatus.PAID, now)


def cancel_of_invoice(session: Session, invoice_id: str, now: datetime) -> None:
    """Close all links for an invoice that was closed otherwise than by payment: nothing is to be paid on it any more."""
    ids = session.scalars(select(PaymentLinkRow.id).where(PaymentLinkRow.invoice_id == invoice_id))
    _close(session, sorted(ids), LinkStatus.CANCELLED, now)


def reopen_of_invoices(session: Session, invoice_ids: Collection[str]) -> None:
    """Open the own links of invoices again that a reversal has opened again; links that staff made stay closed."""
    session.execute(
        update(PaymentLinkRow)
        .where(
            PaymentLinkRow.invoice_id.in_(list(invoice_ids)),
            PaymentLinkRow.type == LinkType.INVOICE.value,
            PaymentLinkRow.status == LinkStatus.PAID.value,
            PaymentLinkRow.expires_at.is_(None),
        )
        .values(status=LinkStatus.ACTIVE.value, closed_at=None)
    )


def expire_due(session: Session, now: datetime) -> None:
    """Mark the links whose time is over, so that a list tells the truth; one that a payer is busy with is left to the payer."""
    overdue = (
        select(PaymentLinkRow.id)
        .where(PaymentLinkRow.status == LinkStatus.ACTIVE.value, PaymentLinkRow.expires_at <= now)
        .order_by(PaymentLinkRow.id)
        .with_for_update(skip_locked=True)
    )
    _close(session, list(session.scalars(overdue)), LinkStatus.EXPIRED, now)


def _close(session: Session, ids: list[str], status: LinkStatus, now: datetime) -> None:
    session.execute(
        update(PaymentLinkRow)
        .where(PaymentLinkRow.id.in_(ids), PaymentLinkRow.status == LinkStatus.ACTIVE.value)
        .values(status=status.value, closed_at=now)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def _row(session: Session, link_id: str, *, for_update: bool = False) -> PaymentLinkRow:
    statement = select(PaymentLinkRow).where(PaymentLinkRow.id == link_id).execution_options(populate_existing=True)
    row = session.scalars(statement.with_for_update() if for_update else statement).one_or_none()
    if row is None:
        raise NotFoundError("payment link", link_id)
    return row


def link_of(row: PaymentLinkRow) -> PaymentLink:
    """The link that a row says."""
    return PaymentLink(
        id=row.id,
        code=row.code,
        type=LinkType(row.type),
        status=LinkStatus(row.status),
        customer_id=row.customer_id,
        invoice_id=row.invoice_id,
        amount=Money(row.amount, row.currency) if row.amount is not None else None,
        currency=row.currency,
        description=row.description,
        expires_at=row.expires_at,
        created_at=row.created_at,
        created_by=row.created_by,
        closed_at=row.closed_at,
    )
