"""What the page of a payment link tells, read in one transaction; the sentences are made in `page_words.py`."""

from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.orm import Session

from api.pay.opening import Opened, checkout_shown, payments_by
from api.pay.page_words import Back, Head, Notice, Seen, Standing, due, head, notice, thanks, way_out
from api.pay.schemas import CheckoutShown
from api.services import ApiServices
from domain.calendar import local_day
from domain.letters import Branding
from domain.payment import PaymentMethod, PaymentStatus
from domain.payment_link import LinkType
from persistence import attempts, invoices, link_details, tenants
from persistence.link_details import LinkDetail

GONE, OK = 410, 200

# How often a browser without JavaScript loads the page of a payment that is waited for; at once until it has had us ask.
SECONDS_BETWEEN_LOADS = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One line of what is to be paid; `kind` of `aside` is `late` or empty."""

    text: str
    amount: str
    aside: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the money is for; `total` where the rows have a sum."""

    heading: str
    customer: str
    note: str
    rows: tuple[Row, ...]
    total: str | None


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the template tells.

    Attributes:
        title: what the link is for.
        subject: None where the link opens nothing any more: nobody is shown then what was owed.
        way_out: what to write to the business about.
        methods: ways to pay; none when there is nothing to pay.
        hides_form: the payer is to finish one payment before another is offered.
        told: of the payment that is waited for, what its payer was told to do, so that a reload tells it again.
        reload_after: in which seconds, and to which address, a browser without JavaScript loads the page again.
    """

    code: str
    branding: Branding
    title: str
    customer_name: str
    gets_letters: bool
    head: Head
    thanks: str
    notice: Notice | None
    subject: Subject | None
    way_out: str | None
    methods: tuple[PaymentMethod, ...]
    hides_form: bool
    amount: str
    told: CheckoutShown | None
    reload_after: tuple[int, str] | None
    http_status: int


def read_facts(services: ApiServices, opened: Opened, back: Back | None, *, has_looked: bool) -> PageFacts:
    """All that the page tells, for somebody who comes from a gateway's page (`back`) or by the link."""
    with services.database.tenant(opened.tenant_id) as session:
        detail = link_details.get(session, opened.link.id)
        branding = tenants.branding(session)
        seen = _seen(services, session, detail, branding)
        methods = _methods(session, seen)
        subject = None if seen.standing.is_over else _subject(session, seen, detail)
        waiting = next((payment for payment in seen.payments if payment.status is PaymentStatus.PENDING), None)
        attempt = attempts.last(session, waiting.id) if waiting else None
    if seen.standing in {Standing.PAID, Standing.CLOSED}:
        waiting = None
    gets_letters = bool(detail.customer.email)
    return PageFacts(
        code=detail.link.code,
        branding=branding,
        title=detail.purpose,
        customer_name=detail.customer.name,
        gets_letters=gets_letters,
        head=head(seen),
        thanks=thanks(detail.link),
        notice=notice(seen, back, waiting, gets_letters=gets_letters),
        subject=subject,
        way_out=way_out(seen, has_methods=bool(methods)),
        methods=methods,
        hides_form=waiting is not None and back not in {Back.CANCELLED, Back.FAILED},
        amount=seen.money(seen.asked),
        told=checkout_shown(services, detail.link, waiting, attempt) if waiting else None,
        reload_after=_reload_after(detail.link.code, back, has_looked=has_looked) if waiting else None,
        http_status=GONE if seen.standing.is_over and waiting is None else OK,
    )


def _seen(services: ApiServices, session: Session, detail: LinkDetail, branding: Branding) -> Seen:
    link, zone = detail.link, tenants.current(session).time_zone
    listed = invoices.open_of_customer(session, link.customer_id, link.currency) if link.type is LinkType.OUTSTANDING else []
    return Seen(
        link=link,
        asked=detail.asked,
        invoice=invoices.get(session, link.invoice_id).invoice if link.invoice_id else None,
        open_invoices=tuple(listed),
        payments=tuple(payments_by(session, link)),
        business=branding.business_name,
        locale=branding.locale,
        time_zone=zone,
        today=local_day(services.clock(), zone),
    )


def _methods(session: Session, seen: Seen) -> tuple[PaymentMethod, ...]:
    if seen.standing is not Standing.PAYABLE:
        return ()
    gateways = tenants.gateways_for(session, seen.link.currency)
    return tuple(method for method in PaymentMethod if method.gateway in gateways)


def _subject(session: Session, seen: Seen, detail: LinkDetail) -> Subject:
    link, invoice, rows, total = detail.link, seen.invoice, [], None
    heading, note = detail.purpose, ""
    if link.type is LinkType.INVOICE and invoice is not None:
        heading, note, total = f"Invoice {invoice.number}", link.description, seen.money(invoice.total)
        rows = [Row(line.description, seen.money(line.gross)) for line in invoices.lines(session, invoice.id)]
    elif invoice is not None:
        when, kind = due(seen, invoice)
        rows = [Row(f"Invoice {invoice.number}", seen.money(invoice.amount_due), f"still open, {when}", kind)]
    elif link.type is LinkType.OUTSTANDING:
        heading, note = "Open invoices", link.description
        rows = [Row(f"Invoice {one.number}", seen.money(one.amount_due), *due(seen, one)) for one in seen.open_invoices]
        total = seen.money(seen.asked) if len(rows) > 1 else None
    return Subject(heading, detail.customer.name, note, tuple(rows), total)


def _reload_after(code: str, back: Back | None, *, has_looked: bool) -> tuple[int, str]:
    address = f"/pay/{quote(code, safe='')}?look=now" + (f"&back={back}" if back else "")
    return (SECONDS_BETWEEN_LOADS if has_looked else 0, address)
