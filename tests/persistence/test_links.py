"""Payment links: made once, found by their code, closed for good, and read with what is due now (requirements P5, P6)."""

import re
from datetime import timedelta

import pytest

from domain.customer import Tenant
from domain.errors import ConflictError, NotFoundError
from domain.money import Money
from domain.payment import PaymentMethod
from domain.payment_link import CODE_ALPHABET, LinkStatus, LinkType, PaymentLink
from persistence import link_details, links, payments
from persistence.database import Database
from tests import factories
from tests.factories import NOW, usd, zar
from tests.linking import audited, link_now, make_link, own_link, pay_by
from tests.persistence.parallel import at_once

WEEK = timedelta(days=7)


def asked(database: Database, tenant: Tenant, link: PaymentLink) -> Money:
    with database.tenant(tenant.id) as session:
        return link_details.get(session, link.id).asked


def test_a_code_is_pay_and_twelve_characters_of_the_alphabet() -> None:
    codes = [links.new_code() for _ in range(200)]
    assert all(re.fullmatch(f"pay_[{CODE_ALPHABET}]{{12}}", code) for code in codes)
    assert len(set(codes)) == len(codes)


def test_an_invoice_has_a_link_from_the_start(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    link = own_link(database, tenant, invoice)
    assert (link.type, link.status, link.expires_at, link.is_own) == (LinkType.INVOICE, LinkStatus.ACTIVE, None, True)
    assert asked(database, tenant, link) == usd("40")


def test_a_link_that_staff_make_is_audited(database: Database, tenant: Tenant) -> None:
    link = make_link(database, tenant, LinkType.DEPOSIT, amount=usd("40"))
    assert link_now(database, tenant, link) == link
    assert audited(database, tenant, link) == [("PAYMENT_LINK_CREATED", "Rudo")]


def test_a_code_finds_its_tenant_and_link_and_a_made_up_one_nothing(database: Database, tenant: Tenant) -> None:
    link = make_link(database, tenant)
    with database.system() as system:
        assert links.tenant_of_code(system, link.code) == (tenant.id, link.id)
        assert links.tenant_of_code(system, links.new_code()) is None


def test_a_link_is_marked_expired_when_it_is_touched(database: Database, tenant: Tenant) -> None:
    link = make_link(database, tenant)
    with database.tenant(tenant.id) as session:
        assert links.touch(session, link.id, NOW + WEEK - timedelta(seconds=1)) == link
        touched = links.touch(session, link.id, NOW + WEEK)
    assert (touched.status, touched.closed_at) == (LinkStatus.EXPIRED, NOW + WEEK)
    assert link_now(database, tenant, link) == touched


def test_all_links_whose_time_is_over_are_marked_and_no_others(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    short, long = make_link(database, tenant, days=1), make_link(database, tenant, days=30)
    with database.tenant(tenant.id) as session:
        links.expire_due(session, NOW + WEEK)
        statuses = {found.link.id: found.link.status for found in link_details.page(session, after=None, limit=9)}
    own = own_link(database, tenant, invoice)
    assert statuses == {short.id: LinkStatus.EXPIRED, long.id: LinkStatus.ACTIVE, own.id: LinkStatus.ACTIVE}


def test_a_cancelled_link_says_by_whom_and_once(database: Database, tenant: Tenant) -> None:
    link = make_link(database, tenant)

    def cancel() -> LinkStatus:
        with database.tenant(tenant.id) as session:
            return links.cancel(session, link.id, "Tendai", NOW).status

    assert at_once([cancel] * 4) == [LinkStatus.CANCELLED] * 4
    assert audited(database, tenant, link) == [("PAYMENT_LINK_CREATED", "Rudo"), ("PAYMENT_LINK_CANCELLED", "Tendai")]


def test_an_invoices_own_link_cannot_be_cancelled(database: Database, tenant: Tenant) -> None:
    own = own_link(database, tenant, factories.issue_invoice(database, tenant))
    with pytest.raises(ConflictError, match="every letter about the invoice carries"), database.tenant(tenant.id) as session:
        links.cancel(session, own.id, "Tendai", NOW)


def test_what_is_paid_or_expired_cannot_be_cancelled(database: Database, tenant: Tenant) -> None:
    paid, old = make_link(database, tenant), make_link(database, tenant, days=1)
    with database.tenant(tenant.id) as session:
        links.mark_paid(session, paid.id, [], NOW)
    for link, why in ((paid, "is PAID"), (old, "is EXPIRED")):
        with pytest.raises(ConflictError, match=why), database.tenant(tenant.id) as session:
            links.cancel(session, link.id, "Tendai", NOW + WEEK - timedelta(days=1))


def test_an_invoice_that_is_paid_closes_every_link_for_it(database: Database, tenant: Tenant) -> None:
    """Pains 1: an open one would be a way to pay the same debt a second time."""
    invoice, other = (factories.issue_invoice(database, tenant, amount=usd("40")) for _ in range(2))
    mine = [
        own_link(database, tenant, invoice),
        make_link(database, tenant, LinkType.INVOICE, invoice=invoice),
        make_link(database, tenant, LinkType.CUSTOM, invoice=invoice),
    ]
    untouched = own_link(database, tenant, other)
    with database.tenant(tenant.id) as session:
        links.mark_paid(session, None, [invoice.id], NOW)
    assert {link_now(database, tenant, link).status for link in mine} == {LinkStatus.PAID}
    assert link_now(database, tenant, untouched) == untouched


def test_an_instalment_closes_its_link_and_leaves_the_invoices_own_open(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    instalment = make_link(database, tenant, LinkType.CUSTOM, invoice=invoice, amount=usd("15"))
    factories.settle_payment(database, tenant, pay_by(database, tenant, instalment, usd("15")))
    with database.tenant(tenant.id) as session:
        links.mark_paid(session, instalment.id, [], NOW)
    own = own_link(database, tenant, invoice)
    assert link_now(database, tenant, instalment).status is LinkStatus.PAID
    assert (own.status, asked(database, tenant, own)) == (LinkStatus.ACTIVE, usd("25"))


def test_a_part_payment_by_an_invoices_link_leaves_it_open(database: Database, tenant: Tenant) -> None:
    own = own_link(database, tenant, factories.issue_invoice(database, tenant, amount=usd("40")))
    with database.tenant(tenant.id) as session:
        links.mark_paid(session, own.id, [], NOW)
    assert link_now(database, tenant, own) == own


def test_money_that_comes_after_the_end_leaves_a_link_as_it_ended(database: Database, tenant: Tenant) -> None:
    link = make_link(database, tenant)
    with database.tenant(tenant.id) as session:
        cancelled = links.cancel(session, link.id, "Tendai", NOW)
        links.mark_paid(session, link.id, [], NOW)
    assert link_now(database, tenant, link) == cancelled


def test_an_outstanding_balance_is_all_that_is_owed_in_its_currency_now(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    factories.issue_invoice(database, tenant, factories.make_customer(database, tenant), amount=usd("99"))
    first = factories.issue_invoice(database, tenant, customer, amount=usd("40"))
    factories.issue_invoice(database, tenant, customer, amount=usd("30"))
    factories.issue_invoice(database, tenant, customer, amount=zar("500"))
    link = make_link(database, tenant, LinkType.OUTSTANDING, customer=customer)
    assert asked(database, tenant, link) == usd("70")
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, first, amount=usd("15")))
    assert asked(database, tenant, link) == usd("55")
    with database.tenant(tenant.id) as session:
        assert link_details.outstanding(session, customer.id, "ZAR") == zar("500")
        assert link_details.outstanding(session, customer.id, "BWP") == Money(0, "BWP")


def test_links_are_paged_newest_first_and_filtered(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    own = own_link(database, tenant, invoice)
    custom = make_link(database, tenant, LinkType.CUSTOM, invoice=invoice)
    deposit = make_link(database, tenant)
    with database.tenant(tenant.id) as session:
        links.cancel(session, custom.id, "Tendai", NOW)

        def ids(*, after: str | None = None, limit: int = 9, **filters: str) -> list[str]:
            return [found.link.id for found in link_details.page(session, after=after, limit=limit, **filters)]

        assert ids(limit=2) == [deposit.id, custom.id]
        assert ids(after=custom.id) == [own.id]
        assert ids(status="CANCELLED") == [custom.id]
        assert ids(invoice_id=invoice.id) == [custom.id, own.id]
        assert ids(customer_id=deposit.customer_id) == [deposit.id]


def test_a_link_that_is_not_there_is_named(database: Database, tenant: Tenant) -> None:
    with database.tenant(tenant.id) as session:
        for ask in (links.get, links.lock, link_details.get):
            with pytest.raises(NotFoundError, match="payment link lnk_none"):
                ask(session, "lnk_none")


def test_pending_payments_of_the_same_debt_are_found_whichever_link_they_came_by(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    invoice, other = (factories.issue_invoice(database, tenant, customer) for _ in range(2))
    own, balance = own_link(database, tenant, invoice), make_link(database, tenant, LinkType.OUTSTANDING, customer=customer)
    deposit = make_link(database, tenant, LinkType.DEPOSIT, customer=customer)
    by_invoice, by_balance, by_deposit = (pay_by(database, tenant, link, usd("25")).id for link in (own, balance, deposit))
    elsewhere = factories.start_payment(database, tenant, other, method=PaymentMethod.PAYNOW_VISA).id
    factories.start_payment(database, tenant, factories.issue_invoice(database, tenant))
    with database.tenant(tenant.id) as session:

        def pending(link: PaymentLink) -> set[str]:
            return {found.id for found in payments.pending_for(session, link)}

        assert pending(own) == {by_invoice, by_balance}
        assert pending(balance) == {by_invoice, by_balance, elsewhere}
        assert pending(deposit) == {by_deposit}
