"""What all sources of a timeline's events share: the shape of a branch of their union, and whose invoices they look at."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, literal, select

from persistence.columns import Instant
from persistence.models import InvoiceRow
from persistence.timeline_rows import About, Source

Branch = Select[Any]


def branch(source: Source, rank: Any, at: Any, place: Any, of: Any = None) -> Branch:
    """Instants and ids of one source.

    Args:
        rank: which comes first of what happened at the same instant, one digit: a number, or text in SQL.
        of: the row's id, where it is not the place.
    """
    of = place if of is None else of
    where = (literal(str(rank)) if isinstance(rank, int) else rank).concat(place)
    return select(cast(at, Instant).label("at"), where.label("place"), literal(source.value).label("source"), of.label("of"))


def is_of(about: About) -> ColumnElement[bool]:
    """Of all invoices, those that the timeline is about."""
    is_customers = InvoiceRow.customer_id == about.customer_id
    return and_(is_customers, InvoiceRow.id == about.invoice.invoice.id) if about.invoice else is_customers


def invoice_ids(about: About) -> Select[Any]:
    return select(InvoiceRow.id).where(is_of(about))
