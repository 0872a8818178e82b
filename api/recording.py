"""What staff record by hand, checked and stored: bank transfers and cash, credit for an invoice, the wish to reverse.

Settling and reversing are workflows'; the routes are in `payments.py` and `credit.py`.
"""

from datetime import date, datetime

from sqlalchemy.orm import Session

from api.payments_schemas import ApplyCreditRequest, RecordPaymentRequest, ReversePaymentRequest
from api.services import ApiServices
from domain.allocation import credit_to_apply
from domain.calendar import local_day
from domain.errors import ConflictError, InvalidInputError
from domain.money import Money, total
from domain.payment import PaymentMethod, PaymentStatus
from domain.reversal import why_not
from persistence import attempts, audit, customers, invoices, ledger, payments, tenants
from persistence.invoices import InvoiceDetail
from persistence.payments import Payment
from persistence.tenants import Staff


def record(services: ApiServices, staff: Staff, request: RecordPaymentRequest, payment_id: str) -> Payment:
    """The recorded payment; the same one when this reference was recorded before, as long as it says the same.

    It is stored as `payment_id`; the one that is stored so already is this very request's, whatever has become of it since.

    Raises:
        ConflictError: the reference was recorded for something else.
        InvalidInputError: names the field that cannot be meant.
        NotFoundError: no such invoice or customer.
    """
    amount, now = Money(request.amount, request.currency), services.clock()
    with services.database.tenant(staff.tenant_id) as session:
        own = payments.find(session, payment_id)
        if own is not None:
            return own
        received_on = _received_on(session, request.received_on, now)
        customer_id = _customer(session, request, amount)
        customers.lock(session, customer_id)
        known = payments.by_manual_reference(session, request.method, request.reference)
        if known is not None:
            return _same(known, (customer_id, request.invoice_id, amount), request.reference)
        return payments.start(
            session,
            customer_id=customer_id,
            invoice_id=request.invoice_id,
            method=request.method,
            amount=amount,
            manual_reference=request.reference,
            received_on=received_on,
            note=request.note,
            payment_id=payment_id,
            actor=staff.name,
            now=now,
        )


def apply_credit(
    services: ApiServices, staff: Staff, customer_id: str, request: ApplyCreditRequest, payment_id: str
) -> Payment:
    """The payment by which a customer's credit pays an invoice; the same one while an equal one waits to be settled.

    It is stored as `payment_id`; the one that is stored so already is this very request's, whatever has become of it since.

    Raises:
        ConflictError: more than there is or than is due; names what is possible.
        InvalidInputError: the invoice is another customer's, or in another currency.
        NotFoundError: no such customer or invoice.
    """
    with services.database.tenant(staff.tenant_id) as session:
        customers.lock(session, customer_id)
        own = payments.find(session, payment_id)
        if own is not None:
            return own
        detail = invoices.lock_one(session, request.invoice_id)
        invoice = detail.invoice
        _refuse_anothers(detail, customer_id)
        _refuse_other_currency(detail, request.currency)
        asked = Money(request.amount, invoice.total.currency) if request.amount else None
        waiting = payments.uses_of_credit(session, customer_id, invoice.total.currency, PaymentStatus.PENDING)
        for payment in waiting:
            if payment.invoice_id == invoice.id and asked in {None, payment.amount}:
                return payment
        promised = total([payment.amount for payment in waiting], invoice.total.currency)
        available = max(ledger.credit_of(session, customer_id, promised.currency) - promised, Money.zero(promised.currency))
        return payments.start(
            session,
            customer_id=customer_id,
            invoice_id=invoice.id,
            method=PaymentMethod.CREDIT,
            amount=credit_to_apply(available, invoice.amount_due, asked),
            payment_id=payment_id,
            actor=staff.name,
            now=services.clock(),
        )


def ask_for_reversal(services: ApiServices, staff: Staff, payment_id: str, request: ReversePaymentRequest) -> bool:
    """Put staff's wish to reverse a payment on record, for the workflow that does it; False when it is reversed already.

    Raises:
        ConflictError: it cannot be reversed as it stands.
        NotFoundError: there is no such payment.
    """
    with services.database.tenant(staff.tenant_id) as session:
        payment = payments.lock(session, payment_id)
        if payment.status is PaymentStatus.REVERSED:
            return False
        attempt = attempts.last(session, payment_id)
        refusal = why_not(
            payment.id,
            payment.method,
            payment.status,
            attempt.outcome if attempt else None,
            is_booked_by_staff=payment.manual_reference is not None,
        )
        if refusal is not None:
            raise ConflictError(refusal)
        now = services.clock()
        audit.record(session, now, staff.name, audit.REVERSAL_REQUESTED, "Payment", payment.id, reason=request.reason)
        return True


def _received_on(session: Session, told: date | None, now: datetime) -> date:
    today = local_day(now, tenants.current(session).time_zone)
    if told is not None and told > today:
        raise InvalidInputError("received_on", f"{told} is in the future: today is {today}.")
    return told or today


def _customer(session: Session, request: RecordPaymentRequest, amount: Money) -> str:
    """Whose money it is."""
    if request.invoice_id is None:
        if request.customer_id is None:
            raise InvalidInputError("invoice_id", "say which invoice the money is for, or name its customer_id.")
        return customers.get(session, request.customer_id).id
    detail = invoices.get(session, request.invoice_id)
    if request.customer_id is not None:
        _refuse_anothers(detail, customers.get(session, request.customer_id).id)
    _refuse_other_currency(detail, amount.currency)
    return detail.invoice.customer_id


def _refuse_anothers(detail: InvoiceDetail, customer_id: str) -> None:
    if detail.invoice.customer_id != customer_id:
        raise InvalidInputError("invoice_id", f"invoice {detail.invoice.number} is not one of customer {customer_id}.")


def _refuse_other_currency(detail: InvoiceDetail, currency: str | None) -> None:
    own = detail.invoice.total.currency
    if currency not in {None, own}:
        raise InvalidInputError("currency", f"invoice {detail.invoice.number} is in {own}, not in {currency}.")


def _same(known: Payment, asked: tuple[str, str | None, Money], reference: str) -> Payment:
    if (known.customer_id, known.invoice_id, known.amount) != asked:
        raise ConflictError(
            f"Reference {reference!r} was recorded before, as payment {known.id} over {known.amount}: "
            "reverse that one first if it was recorded by mistake."
        )
    return known
