"""The ladder's steps that no letter and no audit entry tells of: pointless or silent ones, and those that were left out."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    String,
    Subquery,
    and_,
    case,
    cast,
    column,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.letters import Letter
from persistence.columns import Instant
from persistence.models import AuditRow, DunningStepRow, InvoiceRow, LetterInvoiceRow, MessageRow
from persistence.timeline_rows import About, Source
from persistence.timeline_sources import Branch, branch, invoice_ids, is_of

_STEP_LETTERS = [letter.value for letter in Letter if letter.chases or letter is Letter.SUSPENSION_NOTICE]


def decided(about: About, zone: str) -> Branch:
    """Steps that were pointless, and those that were taken and left nothing else behind.

    A write-off is in the audit log, a suspension too when it placed the hold; a letter is one that lists the invoice, of the
    day of the step (in the tenant's zone): there is one step a day.
    """
    of_customer = MessageRow.customer_id == about.customer_id, MessageRow.letter.in_(_STEP_LETTERS)
    written = union_all(
        select(MessageRow.invoice_id, _day(MessageRow.queued_at, zone)).where(*of_customer, MessageRow.invoice_id.is_not(None)),
        select(LetterInvoiceRow.invoice_id, _day(MessageRow.queued_at, zone))
        .join(MessageRow, MessageRow.id == LetterInvoiceRow.message_id)
        .where(*of_customer),
    )
    by_whom = AuditRow.details["invoice_id"].astext
    suspended = select(by_whom, AuditRow.at).where(
        AuditRow.resource_type == "Customer",
        AuditRow.resource_id == about.customer_id,
        AuditRow.action == "CUSTOMER_SUSPENDED",
        by_whom.is_not(None),
    )
    is_silent = and_(
        not_(DunningStepRow.step.endswith("-write_off")),
        tuple_(DunningStepRow.invoice_id, _day(DunningStepRow.decided_at, zone)).not_in(written),
        tuple_(DunningStepRow.invoice_id, DunningStepRow.decided_at).not_in(suspended),
    )
    identity = DunningStepRow.invoice_id.concat("/").concat(DunningStepRow.step)
    return branch(Source.STEP, 3, DunningStepRow.decided_at, identity).where(
        DunningStepRow.invoice_id.in_(invoice_ids(about)), or_(DunningStepRow.outcome == "POINTLESS", is_silent)
    )


def left_out(about: About) -> Branch:
    """Steps of the plans that count now, whose time came before a later one was taken, or before the invoice was closed.

    All that one step stands for are one event, at its instant; so are those that were due still when the invoice was closed.
    """
    planned = _planned(about)
    # The step that was taken, or the closing, that ended the time of those before it.
    ended_at = func.coalesce(func.max(planned.c.decided_at).filter(planned.c.outcome == "TAKEN"), planned.c.closed_at)
    stretch = (
        select(planned.c.invoice_id, planned.c.stretch, ended_at.label("ended_at"))
        .group_by(planned.c.invoice_id, planned.c.stretch, planned.c.closed_at)
        .having(func.min(planned.c.at).filter(planned.c.outcome.is_(None)) <= ended_at)
        .subquery()
    )
    identity = stretch.c.invoice_id.concat("/").concat(cast(stretch.c.stretch, String))
    return branch(Source.LEFT_OUT, 4, stretch.c.ended_at, identity.concat("/left-out"), identity)


def _planned(about: About) -> Subquery:
    """The steps of the plans, each with what became of it (None: nothing), and how many before it were taken: its stretch."""
    step = (
        func.jsonb_array_elements(InvoiceRow.dunning_plan)
        .table_valued(column("value", JSONB), with_ordinality="place", name="planned")
        .render_derived()
    )
    key = step.c.value["key"].astext
    is_taken = case((DunningStepRow.outcome == "TAKEN", 1), else_=0)
    before = func.coalesce(func.sum(is_taken).over(partition_by=InvoiceRow.id, order_by=step.c.place, rows=(None, -1)), 0)
    return (
        select(
            InvoiceRow.id.label("invoice_id"),
            InvoiceRow.closed_at,
            cast(step.c.value["at"].astext, Instant).label("at"),
            DunningStepRow.outcome,
            DunningStepRow.decided_at,
            before.label("stretch"),
        )
        .join_from(InvoiceRow, step, true())
        .outerjoin(DunningStepRow, and_(DunningStepRow.invoice_id == InvoiceRow.id, DunningStepRow.step == key))
        .where(is_of(about))
        .subquery()
    )


def _day(at: Any, zone: str) -> ColumnElement[Any]:
    return cast(func.timezone(zone, at), Date)
