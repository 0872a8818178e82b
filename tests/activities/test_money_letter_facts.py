"""What letters tell of money (a new invoice, a payment, a link) as of the moment when they are sent."""

from datetime import date, datetime, timedelta

import pytest

from activities.letter_facts import is_wanted, letter_facts
from domain.customer import Customer, Tenant
from domain.invoice import Invoice
from domain.letters import (
    Facts,
    InvoiceIssuedFacts,
    Letter,
    PaidPart,
    PaymentConfirmationFacts,
    PaymentFailedFacts,
    PaymentLinkFacts,
)
from domain.money import Money
from domain.payment import PaymentMethod
from domain.payment_link import LinkType, PaymentLink
from persistence import customers, links, messages, payments
from persistence.database import Database
from persistence.messages import Claim
from persistence.payments import Payment
from tests import factories
from tests.factories import NOW, usd
from tests.linking import make_link, own_link, pay_by
from tests.reversals import reverse_payment

PAGE = "https://pay.example/"


def told(database: Database, tenant: Tenant, claim: Claim, *, at: datetime = NOW) -> Facts | None:
    """What a letter claimed now tells at an instant; None when it is not wanted then."""
    with database.tenant(tenant.id) as session:
        claimed = messages.claim(session, claim, NOW)
        assert claimed is not None
        message = messages.get(session, claimed)
        return letter_facts(session, message, lambda code: f"{PAGE}{code}", at) if is_wanted(session, message, at) else None


def about_link(link: PaymentLink) -> Claim:
    return Claim(Letter.PAYMENT_LINK, "PaymentLink", link.id, "today", link.customer_id, invoice_id=link.invoice_id)


def about_payment(letter: Letter, payment: Payment) -> Claim:
    return Claim(letter, "Payment", payment.id, "end", payment.customer_id, payment.invoice_id, payment.id)


def confirmed(database: Database, tenant: Tenant, payment: Payment) -> PaymentConfirmationFacts:
    factories.settle_payment(database, tenant, payment)
    facts = told(database, tenant, about_payment(Letter.PAYMENT_CONFIRMATION, payment))
    assert isinstance(facts, PaymentConfirmationFacts)
    return facts


def failed(database: Database, tenant: Tenant, payment: Payment) -> PaymentFailedFacts:
    with database.tenant(tenant.id) as session:
        payments.fail(session, payment.id, "The payment was refused.", NOW)
    facts = told(database, tenant, about_payment(Letter.PAYMENT_FAILED, payment))
    assert isinstance(facts, PaymentFailedFacts)
    return facts


def test_a_link_is_told_with_what_it_asks_for_when_the_letter_is_sent(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    link = make_link(database, tenant, LinkType.OUTSTANDING, customer=customer_of(database, tenant, invoice))
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice, amount=usd("15")))
    assert told(database, tenant, about_link(link)) == PaymentLinkFacts(
        customer_name="Acacia Traders",
        description="Outstanding balance",
        amount=usd("25"),
        payment_link=PAGE + link.code,
        expires_on=date(2026, 11, 8),
    )


def customer_of(database: Database, tenant: Tenant, invoice: Invoice) -> Customer:
    with database.tenant(tenant.id) as session:
        return customers.get(session, invoice.customer_id)


def test_an_invoices_own_link_is_told_without_an_end(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    facts = told(database, tenant, about_link(own_link(database, tenant, invoice)))
    assert isinstance(facts, PaymentLinkFacts)
    assert (facts.description, facts.expires_on) == (f"Invoice {invoice.number}", None)


def test_a_link_that_ended_before_the_letter_went_out_is_not_mailed(database: Database, tenant: Tenant) -> None:
    paid, cancelled, old = (make_link(database, tenant) for _ in range(3))
    assert told(database, tenant, about_link(old), at=NOW + timedelta(days=6)) is not None
    factories.settle_payment(database, tenant, pay_by(database, tenant, paid, usd("25")))
    with database.tenant(tenant.id) as session:
        links.cancel(session, cancelled.id, "Rudo", NOW)
    for link, at in ((paid, NOW), (cancelled, NOW), (old, NOW + timedelta(days=7))):
        assert told(database, tenant, about_link(link), at=at) is None


def test_a_balance_that_was_paid_before_the_letter_went_out_is_not_asked_for(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    link = make_link(database, tenant, LinkType.OUTSTANDING, customer=customer_of(database, tenant, invoice))
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice))
    assert told(database, tenant, about_link(link)) is None


@pytest.mark.parametrize(
    ("kind", "description", "purpose"),
    [
        (LinkType.REGISTRATION, "", "Registration fee"),
        (LinkType.DEPOSIT, "Deposit for the uniform", "Deposit for the uniform"),
    ],
)
def test_money_for_no_invoice_is_confirmed_by_what_it_was_for(
    database: Database, tenant: Tenant, kind: LinkType, description: str, purpose: str
) -> None:
    link = make_link(database, tenant, kind, amount=usd("25"), description=description)
    facts = confirmed(database, tenant, pay_by(database, tenant, link, usd("25")))
    assert (facts.purpose, facts.credit, facts.invoice_number, facts.parts) == (purpose, usd("25"), None, ())


def test_a_balance_that_paid_several_invoices_names_them_oldest_first(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    younger, older = (
        factories.issue_invoice(database, tenant, customer, amount=usd("40"), due_in_days=days) for days in (30, 7)
    )
    link = make_link(database, tenant, LinkType.OUTSTANDING, customer=customer)
    facts = confirmed(database, tenant, pay_by(database, tenant, link, usd("55")))
    assert facts.parts == (PaidPart(older.number, usd("40"), usd("0")), PaidPart(younger.number, usd("15"), usd("25")))
    assert (facts.invoice_number, facts.purpose) == (None, "Outstanding balance")


def test_a_balance_of_one_invoice_is_confirmed_as_that_invoices(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    link = make_link(database, tenant, LinkType.OUTSTANDING, customer=customer_of(database, tenant, invoice))
    facts = confirmed(database, tenant, pay_by(database, tenant, link, usd("40")))
    assert (facts.invoice_number, facts.amount_still_due, facts.parts) == (invoice.number, usd("0"), ())


def test_a_payment_by_an_invoices_own_link_says_no_more_than_the_invoice(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    facts = confirmed(database, tenant, pay_by(database, tenant, own_link(database, tenant, invoice), usd("40")))
    assert (facts.invoice_number, facts.purpose) == (invoice.number, None)


def test_an_instalment_is_confirmed_with_what_staff_called_it(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    link = make_link(database, tenant, LinkType.CUSTOM, invoice=invoice, amount=usd("10"), description="First of four")
    facts = confirmed(database, tenant, pay_by(database, tenant, link, usd("10")))
    assert (facts.invoice_number, facts.amount_still_due, facts.purpose) == (invoice.number, usd("30"), "First of four")


def test_money_that_staff_recorded_is_confirmed_for_the_day_on_which_it_came(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    with database.tenant(tenant.id) as session:
        payment = payments.start(
            session,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            method=PaymentMethod.CASH,
            amount=usd("25"),
            manual_reference="receipt 7",
            received_on=date(2026, 10, 30),
            actor="Rudo",
            now=NOW,
        )
    assert confirmed(database, tenant, payment).payment_on == date(2026, 10, 30)


def test_a_payment_that_was_reversed_before_the_letter_went_out_is_not_confirmed(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    payment = factories.start_payment(database, tenant, invoice, method=PaymentMethod.CASH)
    factories.settle_payment(database, tenant, payment)
    reverse_payment(database, tenant, payment)
    assert told(database, tenant, about_payment(Letter.PAYMENT_CONFIRMATION, payment)) is None


def test_who_failed_to_pay_a_deposit_is_led_back_to_its_link(database: Database, tenant: Tenant) -> None:
    link = make_link(database, tenant, LinkType.DEPOSIT)
    facts = failed(database, tenant, pay_by(database, tenant, link, usd("25")))
    assert (facts.payment_link, facts.purpose, facts.invoice_number) == (PAGE + link.code, "Deposit", None)


def test_who_failed_to_pay_an_instalment_is_led_to_the_link_that_still_takes_money(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    kept, ended = (make_link(database, tenant, LinkType.CUSTOM, invoice=invoice, amount=usd("10")) for _ in range(2))
    by_kept, by_ended = (pay_by(database, tenant, link, usd("10")) for link in (kept, ended))
    with database.tenant(tenant.id) as session:
        links.cancel(session, ended.id, "Rudo", NOW)
    assert failed(database, tenant, by_kept).payment_link == PAGE + kept.code
    assert failed(database, tenant, by_ended).payment_link == PAGE + own_link(database, tenant, invoice).code


def test_a_failure_that_turned_out_paid_is_not_told(database: Database, tenant: Tenant) -> None:
    payment = factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    with database.tenant(tenant.id) as session:
        payments.fail(session, payment.id, "Payment expired after 24 hours", NOW)
    factories.settle_payment(database, tenant, payment)
    assert told(database, tenant, about_payment(Letter.PAYMENT_FAILED, payment)) is None


def issued(database: Database, tenant: Tenant, invoice: Invoice) -> tuple[Money, Money, Money | None]:
    """(total, paid from credit, still due) as *Invoice Issued* tells it."""
    claim = Claim(Letter.INVOICE_ISSUED, "Invoice", invoice.id, "issued", invoice.customer_id, invoice_id=invoice.id)
    facts = told(database, tenant, claim)
    assert isinstance(facts, InvoiceIssuedFacts)
    assert facts.payment_link == PAGE + own_link(database, tenant, invoice).code
    return facts.total, facts.paid_from_credit or Money(0, "USD"), facts.amount


def test_a_new_invoice_tells_what_credit_paid_of_it(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    deposit = make_link(database, tenant, LinkType.DEPOSIT, customer=customer, amount=usd("10"))
    factories.settle_payment(database, tenant, pay_by(database, tenant, deposit, usd("10")))
    invoice = factories.issue_invoice(database, tenant, customer, amount=usd("40"))
    assert issued(database, tenant, invoice) == (usd("40"), usd("0"), usd("40"))

    credit = factories.start_payment(database, tenant, invoice, amount=usd("10"), method=PaymentMethod.CREDIT)
    factories.settle_payment(database, tenant, credit)
    assert issued(database, tenant, invoice) == (usd("40"), usd("10"), usd("30"))

    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice, amount=usd("30")))
    assert issued(database, tenant, invoice) == (usd("40"), usd("10"), usd("0")), "other money is not called credit"
