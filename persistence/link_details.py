"""What payment links ask for now, and whom: read with what is due at this moment. How links come and go is in `links.py`."""

from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from domain.customer import Customer
from domain.errors import NotFoundError
from domain.invoice import InvoiceState
from domain.money import Money
from domain.payment_link import LinkType, PaymentLink
from persistence.links import link_of
from persistence.models import CustomerRow, InvoiceRow, PaymentLinkRow

# The link, its customer, its invoice's number and what is due on it, and what the customer owes in the link's currency.
_Found = tuple[PaymentLinkRow, CustomerRow, str | None, int | None, int]


@dataclass(frozen=True, slots=True)
class LinkDetail:
    """A link with what it asks for now, and whom.

    Attributes:
        asked: what its payer is asked for now; zero when nothing is due (any more).
        invoice_number: of the invoice that it is for, None when it is for none.
    """

    link: PaymentLink
    asked: Money
    customer: Customer
    invoice_number: str | None

    @property
    def purpose(self) -> str:
        """What the payer is told it is for."""
        return self.link.purpose(self.invoice_number)


def get(session: Session, link_id: str) -> LinkDetail:
    """Raises: NotFoundError: the bound tenant has no such link."""
    found = session.execute(_links().where(PaymentLinkRow.id == link_id)).one_or_none()
    if found is None:
        raise NotFoundError("payment link", link_id)
    return _detail(found)


def own_of_invoice(session: Session, invoice_id: str) -> LinkDetail:
    """The link that an invoice has from the start, by which also those payments were made that name no link."""
    own = PaymentLinkRow.invoice_id == invoice_id, PaymentLinkRow.expires_at.is_(None)
    return _detail(session.execute(_links().where(*own)).one())


def page(
    session: Session,
    *,
    after: str | None,
    limit: int,
    status: str | None = None,
    customer_id: str | None = None,
    invoice_id: str | None = None,
) -> list[LinkDetail]:
    """Links, newest first."""
    statement = _links().order_by(PaymentLinkRow.id.desc()).limit(limit)
    if after:
        statement = statement.where(PaymentLinkRow.id < after)
    if status:
        statement = statement.where(PaymentLinkRow.status == status)
    if customer_id:
        statement = statement.where(PaymentLinkRow.customer_id == customer_id)
    if invoice_id:
        statement = statement.where(PaymentLinkRow.invoice_id == invoice_id)
    return [_detail(found) for found in session.execute(statement)]


def outstanding(session: Session, customer_id: str, currency: str) -> Money:
    """All that a customer owes in one currency on open invoices, whether it is due already or not yet."""
    owed = session.scalar(
        select(func.coalesce(func.sum(InvoiceRow.amount_due), 0)).where(
            InvoiceRow.customer_id == customer_id,
            InvoiceRow.currency == currency,
            InvoiceRow.state == InvoiceState.OPEN.value,
        )
    )
    return Money(int(owed or 0), currency)


def _links() -> Select[*_Found]:
    """Every link with what `_Found` names, read anew."""
    open_one = aliased(InvoiceRow)
    owed = (
        select(func.coalesce(func.sum(open_one.amount_due), 0))
        .where(
            open_one.customer_id == PaymentLinkRow.customer_id,
            open_one.currency == PaymentLinkRow.currency,
            open_one.state == InvoiceState.OPEN.value,
        )
        .correlate(PaymentLinkRow)
        .scalar_subquery()
    )
    return (
        select(PaymentLinkRow, CustomerRow, InvoiceRow.number, InvoiceRow.amount_due, owed)
        .join(CustomerRow, CustomerRow.id == PaymentLinkRow.customer_id)
        .outerjoin(InvoiceRow, InvoiceRow.id == PaymentLinkRow.invoice_id)
        .execution_options(populate_existing=True)
    )


def _detail(found: _Found) -> LinkDetail:
    row, customer, number, due, owed = found
    link = link_of(row)
    minor = int(owed) if link.type is LinkType.OUTSTANDING else due
    return LinkDetail(
        link=link,
        asked=link.asks_for(Money(minor, row.currency) if minor is not None else None),
        customer=Customer(customer.id, customer.reference, customer.name, customer.email, customer.phone),
        invoice_number=number,
    )
