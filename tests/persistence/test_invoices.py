"""An invoice as it is stored is the draft, numbered; paying it moves what is due together with the ledger."""

from datetime import date, timedelta

import pytest

from domain.customer import Tenant
from domain.dunning_policy import DunningPolicy
from domain.errors import NotFoundError
from domain.invoice import Invoice, InvoiceState
from domain.ledger import Account
from persistence import dunning_policies, invoices, issuing, ledger, links
from persistence.database import Database
from tests import factories
from tests.factories import NOW, PERIOD, usd
from tests.persistence.drafts import draft_of


def state(database: Database, tenant: Tenant, invoice: Invoice) -> invoices.InvoiceDetail:
    with database.tenant(tenant.id) as session:
        return invoices.get(session, invoice.id)


def test_an_invoice_is_read_as_it_was_issued(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    subscription = factories.make_subscription(database, tenant, customer, factories.make_plan(database, tenant), quantity=3)
    charge = factories.make_charge(database, tenant, customer, tax_basis_points=1500)
    run = factories.make_run(database, tenant)
    (draft,) = draft_of(subscription, charge)
    terms = factories.issue_terms(tenant, run)
    with database.tenant(tenant.id) as session:
        issued = issuing.issue(session, draft, terms)

    with database.tenant(tenant.id) as session:
        detail = invoices.get(session, issued.id)
        assert tuple(invoices.lines(session, issued.id)) == draft.lines
    assert detail.invoice == issued
    assert (issued.number, issued.state, issued.due_on) == ("CVT-000001", InvoiceState.OPEN, date(2026, 11, 15))
    # Three at 100.00 and one at 25.00, 15 % on top of each: 345.00 and 28.75.
    assert (detail.net, detail.tax, issued.total, issued.amount_due) == (usd("325"), usd("48.75"), usd("373.75"), usd("373.75"))
    assert (detail.period, detail.issued_on, detail.policy) == (str(PERIOD), date(2026, 11, 1), factories.EVERY_DAY)


def test_issuing_posts_what_the_customer_owes_the_business_earned_and_the_state_gets(
    database: Database, tenant: Tenant
) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("115"), tax_basis_points=1500)
    with database.tenant(tenant.id) as session:
        assert ledger.balances(session) == {
            (Account.ACCOUNTS_RECEIVABLE, "USD"): usd("115"),
            (Account.REVENUE, "USD"): usd("-100"),
            (Account.TAX_PAYABLE, "USD"): usd("-15"),
        }
        assert ledger.balances(session, invoice.customer_id) == {(Account.ACCOUNTS_RECEIVABLE, "USD"): usd("115")}


def test_a_part_payment_leaves_the_invoice_open_and_the_rest_closes_it(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant, amount=usd("40"))
    first = factories.start_payment(database, tenant, invoice, amount=usd("15"))
    second = factories.start_payment(database, tenant, invoice, amount=usd("25"))

    factories.settle_payment(database, tenant, first)
    detail = state(database, tenant, invoice)
    assert (detail.invoice.amount_due, detail.invoice.state, detail.closed_at) == (usd("25"), InvoiceState.OPEN, None)

    factories.settle_payment(database, tenant, second, NOW + timedelta(hours=1))
    detail = state(database, tenant, invoice)
    assert (detail.invoice.amount_due, detail.invoice.state) == (usd("0"), InvoiceState.PAID)
    assert detail.closed_at == NOW + timedelta(hours=1)


def test_the_policy_that_was_in_force_stays_with_the_invoice(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    before = state(database, tenant, invoice)
    with database.tenant(tenant.id) as session:
        changed = dunning_policies.put(session, DunningPolicy(()), actor="Rudo", now=NOW)
    later = factories.issue_invoice(database, tenant)
    assert state(database, tenant, invoice) == before
    assert (before.policy, before.plan_round) == (factories.EVERY_DAY, 1)
    assert state(database, tenant, later).policy_id == changed.id != before.policy_id


def test_an_invoices_token_is_the_code_of_its_own_link_and_opens_nothing_else(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    token = state(database, tenant, invoice).payment_token
    with database.system() as system:
        found = links.tenant_of_code(system, token)
        assert found is not None
        assert found[0] == tenant.id
        assert links.tenant_of_code(system, token[:-1]) is None
    with database.tenant(tenant.id) as session:
        assert links.get(session, found[1]).invoice_id == invoice.id


def test_invoices_whose_ladder_reached_suspension_are_remembered_until_they_are_paid(
    database: Database, tenant: Tenant
) -> None:
    customer = factories.make_customer(database, tenant)
    late, fine = (factories.issue_invoice(database, tenant, customer) for _ in range(2))
    with database.tenant(tenant.id) as session:
        invoices.mark_suspending(session, late.id, NOW)
        assert [detail.invoice for detail in invoices.suspending(session, customer.id)] == [late]
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, late))
    with database.tenant(tenant.id) as session:
        assert invoices.suspending(session, customer.id) == []
        assert invoices.get(session, fine.id).suspended_at is None


def test_an_invoice_waits_for_its_lifecycle_until_it_was_started(database: Database, tenant: Tenant) -> None:
    issued = [factories.issue_invoice(database, tenant).id for _ in range(3)]
    with database.tenant(tenant.id) as session:
        invoices.mark_lifecycles_started(session, issued[:1], NOW)
    with database.tenant(tenant.id) as session:
        waiting = [detail.invoice.id for detail in invoices.without_lifecycle(session, after="", limit=9)]
        after = [detail.invoice.id for detail in invoices.without_lifecycle(session, after=issued[1], limit=9)]
    assert (waiting, after) == (issued[1:], issued[2:])


def test_invoices_are_paged_in_the_order_of_issue_and_filtered(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    mine = [factories.issue_invoice(database, tenant, customer) for _ in range(2)]
    other = factories.issue_invoice(database, tenant)
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, mine[0]))
    with database.tenant(tenant.id) as session:

        def ids(**filters: str) -> list[str]:
            return [detail.invoice.id for detail in invoices.page(session, after=None, limit=9, **filters)]

        assert ids() == [mine[0].id, mine[1].id, other.id]
        assert ids(customer_id=customer.id) == [mine[0].id, mine[1].id]
        assert ids(state="OPEN") == [mine[1].id, other.id]
        assert ids(run_id=invoices.get(session, other.id).run_id) == [
            detail.invoice.id
            for detail in invoices.page(session, after=None, limit=9)
            if detail.run_id == invoices.get(session, other.id).run_id
        ]
        assert [item.invoice.id for item in invoices.page(session, after=mine[0].id, limit=1)] == [mine[1].id]


def test_an_invoice_that_is_not_there_is_named(database: Database, tenant: Tenant) -> None:
    with pytest.raises(NotFoundError, match="invoice inv_none"), database.tenant(tenant.id) as session:
        invoices.get(session, "inv_none")
