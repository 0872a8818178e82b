"""Builders of rows for tests: a sensible thing by default, what a test is about by keyword.

Each opens a transaction of its own on the real database. What is spelled out in a test matters to it; what is not does not.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from activities import settlement
from domain.allocation import Target
from domain.calendar import Period, due_day, local_day
from domain.customer import Customer, Tenant
from domain.dunning_policy import ANY_HOUR, DunningPolicy, default_policy
from domain.ids import Prefix
from domain.invoice import Invoice, InvoiceDraft, InvoiceLine, tax_parts
from domain.money import Money
from domain.payment import PaymentMethod, Settlement
from domain.subscription import Charge, Plan, Subscription
from persistence import attempts, audit, billing_runs, customers, dunning_policies, issuing, payments, tenants
from persistence.attempts import Attempt
from persistence.billing_runs import BillingRunState
from persistence.columns import new_id
from persistence.database import Database
from persistence.dunning_policies import StoredPolicy
from persistence.models import ChargeRow, CustomerRow, PlanRow, SubscriptionRow, TenantRow
from persistence.payments import Payment
from persistence.secrets import CredentialBox
from persistence.tenants import StoredAccount
from public_holidays import plan_of_new_invoice

# 10:00 in Harare and Johannesburg, on the first day of the period that is billed.
NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
PERIOD = Period(2026, 11)
SECRET_KEY = "3Zy0lJw1m8T4c5qS6uV7wX8yZ9aB0cD1eF2gH3iJ4kI="
BOX = CredentialBox([SECRET_KEY])
PAYNOW_CREDENTIALS = {"integration_id": "1201", "integration_key": "3e9fed89-60e1-4ce5-ab6e-6b1eb2d4f977"}


usd, zar = partial(Money.parse, currency="USD"), partial(Money.parse, currency="ZAR")


# The ladder by default, whatever day and hour a test runs on, and a letter an invoice.
EVERY_DAY = replace(default_policy(), working_days_only=False, window=ANY_HOUR, one_letter_a_day=False)


def make_tenant(database: Database, **overrides: Any) -> Tenant:
    """A tenant with a slug of its own; `overrides` are columns of `TenantRow`."""
    identity = overrides.pop("id", None) or new_id(Prefix.TENANT)
    slug = overrides.pop("slug", None) or f"t{identity.removeprefix('ten_')}"
    values: dict[str, Any] = {
        "name": "Christus Veritas Technologies",
        "currency": "USD",
        "time_zone": "Africa/Harare",
        "payment_terms_days": 14,
        "prices_include_tax": False,
        "invoice_prefix": "CVT-",
        "sender_email": f"billing@{slug}.example",
        "contact_email": f"accounts@{slug}.example",
        "address_line": "12 Samora Machel Avenue, Harare",
        "colour": "#1e3a5f",
        "portal_url": f"https://{slug}.example/portal",
        "locale": "en_ZW",
        "country": "ZW",
        "created_at": NOW,
    }
    policy = overrides.pop("dunning_policy", None)
    with database.system() as system:
        tenant = tenants.add(system, TenantRow(id=identity, slug=slug, **{**values, **overrides}))
        dunning_policies.add_first(
            system, tenant.id, DunningPolicy.from_data(policy) if policy else EVERY_DAY, audit.SYSTEM, NOW
        )
    return tenant


def make_customer(
    database: Database,
    tenant: Tenant,
    *,
    reference: str | None = None,
    name: str = "Acacia Traders",
    email: str | None = "accounts@acacia.example",
    phone: str | None = None,
) -> Customer:
    identity = new_id(Prefix.CUSTOMER)
    with database.tenant(tenant.id) as session:
        session.add(
            CustomerRow(id=identity, reference=reference or identity, name=name, email=email, phone=phone, created_at=NOW)
        )
        session.flush()
        return customers.get(session, identity)


def make_plan(
    database: Database,
    tenant: Tenant,
    *,
    price: Money | None = None,
    name: str = "Point of sale",
    interval_months: int = 1,
    tax_basis_points: int = 1500,
    prorated: bool = False,
) -> Plan:
    """A monthly plan at 100.00 in the tenant's currency with 15 % tax, unless told otherwise."""
    identity = new_id(Prefix.PLAN)
    amount = price or Money.parse("100", tenant.currency)
    terms: dict[str, Any] = {"interval_months": interval_months, "tax_basis_points": tax_basis_points, "prorated": prorated}
    with database.tenant(tenant.id) as session:
        session.add(PlanRow(id=identity, code=identity, name=name, price=amount.minor, currency=amount.currency, **terms))
    return Plan(identity, identity, name, amount, **terms)


def make_subscription(
    database: Database,
    tenant: Tenant,
    customer: Customer,
    plan: Plan,
    *,
    quantity: int = 1,
    starts_on: date = date(2026, 1, 1),
    ends_on: date | None = None,
) -> Subscription:
    identity = new_id(Prefix.SUBSCRIPTION)
    terms: dict[str, Any] = {"quantity": quantity, "starts_on": starts_on, "ends_on": ends_on}
    with database.tenant(tenant.id) as session:
        session.add(SubscriptionRow(id=identity, customer_id=customer.id, plan_id=plan.id, **terms))
    return Subscription(identity, customer.id, plan, **terms)


def make_charge(
    database: Database,
    tenant: Tenant,
    customer: Customer,
    *,
    unit_price: Money | None = None,
    quantity: int = 1,
    description: str = "Installation",
    tax_basis_points: int = 0,
    charge_on: date = PERIOD.first_day,
) -> Charge:
    """A one-off charge of 25.00 in the tenant's currency without tax, unless told otherwise."""
    price = unit_price or Money.parse("25", tenant.currency)
    charge = Charge(new_id(Prefix.CHARGE), customer.id, description, quantity, price, tax_basis_points, charge_on)
    with database.tenant(tenant.id) as session:
        session.add(
            ChargeRow(
                id=charge.id,
                customer_id=customer.id,
                description=description,
                quantity=quantity,
                unit_price=price.minor,
                currency=price.currency,
                tax_basis_points=tax_basis_points,
                charge_on=charge_on,
            )
        )
    return charge


def make_run(database: Database, tenant: Tenant, period: Period = PERIOD, *, dry_run: bool = False) -> BillingRunState:
    with database.tenant(tenant.id) as session:
        run, _ = billing_runs.create(session, period, dry_run=dry_run, started_by="staff", now=NOW, customers_total=1)
        return run


def charge_draft(charge: Charge) -> InvoiceDraft:
    """An invoice over one charge, whose price includes the tax."""
    net, tax, gross = tax_parts(charge.unit_price * charge.quantity, charge.tax_basis_points, includes_tax=True)
    line = InvoiceLine(
        description=charge.description,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        tax_basis_points=charge.tax_basis_points,
        net=net,
        tax=tax,
        gross=gross,
        charge_id=charge.id,
    )
    return InvoiceDraft(charge.customer_id, gross.currency, (line,))


def issue_terms(
    tenant: Tenant,
    run: BillingRunState,
    *,
    issued_at: datetime = NOW,
    due_in_days: int = 14,
    policy: StoredPolicy | None = None,
) -> issuing.Issue:
    issued_on = local_day(issued_at, tenant.time_zone)
    due_on = due_day(issued_on, due_in_days)
    ladder = policy.in_force if policy else EVERY_DAY
    return issuing.Issue(
        run_id=run.id,
        period=run.period,
        prefix=tenant.invoice_prefix,
        payment_token=new_id(Prefix.INVOICE),
        issued_at=issued_at,
        issued_on=issued_on,
        due_on=due_on,
        policy=ladder,
        policy_id=policy.id if policy else None,
        plan=plan_of_new_invoice(ladder, tenant, due_on, issued_at),
    )


def issue_invoice(
    database: Database,
    tenant: Tenant,
    customer: Customer | None = None,
    *,
    amount: Money | None = None,
    tax_basis_points: int = 0,
    issued_at: datetime = NOW,
    due_in_days: int = 14,
) -> Invoice:
    """An issued invoice over one charge of `amount`, tax included (25.00 when not told), by a run of its own."""
    customer = customer or make_customer(database, tenant)
    charge = make_charge(database, tenant, customer, unit_price=amount, tax_basis_points=tax_basis_points)
    with database.tenant(tenant.id) as session:
        policy = dunning_policies.of_customer(session, customer.id)
        terms = issue_terms(tenant, _new_run(session), issued_at=issued_at, due_in_days=due_in_days, policy=policy)
        return issuing.issue(session, charge_draft(charge), terms)


def start_payment(
    database: Database,
    tenant: Tenant,
    invoice: Invoice,
    *,
    amount: Money | None = None,
    method: PaymentMethod = PaymentMethod.PAYNOW_ECOCASH,
    linked: bool = True,
    target: Target = Target.OLDEST_DUE,
    now: datetime = NOW,
) -> Payment:
    """A pending payment of what is due on `invoice`; not linked to it, it pays whatever is oldest."""
    with database.tenant(tenant.id) as session:
        return payments.start(
            session,
            customer_id=invoice.customer_id,
            invoice_id=invoice.id if linked else None,
            method=method,
            amount=amount or invoice.amount_due,
            payer_phone="0771111111" if method.is_mobile_money else None,
            target=target,
            actor=audit.PAYER,
            now=now,
        )


def settle(session: Session, payment_id: str, now: datetime = NOW) -> Payment:
    """Settle a payment as the house does, without a letter; the payment as it is then."""
    payment = settlement.lock_all(session, payment_id)
    received = Settlement(payment.id, payment.amount)
    settlement.settle(session, payment, received, settlement.money_account(payment), audit.SYSTEM, now, tells_payer=False)
    return payments.get(session, payment_id)


def settle_payment(database: Database, tenant: Tenant, payment: Payment, now: datetime = NOW) -> Payment:
    with database.tenant(tenant.id) as session:
        return settle(session, payment.id, now)


def make_account(database: Database, tenant: Tenant, *, gateway: str = "paynow", currency: str = "USD") -> StoredAccount:
    """The tenant's account at a gateway, sealed with `SECRET_KEY`."""
    with database.system() as system:
        tenants.put_account(system, BOX, tenant.id, gateway, currency, PAYNOW_CREDENTIALS, NOW)
    with database.tenant(tenant.id) as session:
        account = tenants.account_for(session, BOX, gateway, currency)
    assert account is not None
    return account


def make_attempt(database: Database, tenant: Tenant, payment: Payment, *, gateway: str = "paynow", number: int = 1) -> Attempt:
    """An attempt to collect a payment, before the gateway answered."""
    account = make_account(database, tenant, gateway=gateway, currency=payment.amount.currency)
    with database.tenant(tenant.id) as session:
        return attempts.add(session, payment, account_id=account.id, gateway=account.gateway, number=number, now=NOW)


def _new_run(session: Session) -> BillingRunState:
    """A run for a month that the tenant has not billed yet: of one run a customer gets one invoice a currency."""
    newest = billing_runs.page(session, after=None, limit=1)
    period = _month_after(newest[0].period) if newest else PERIOD
    while True:
        run, is_new = billing_runs.create(session, period, dry_run=False, started_by="staff", now=NOW, customers_total=1)
        if is_new:
            return run
        period = _month_after(period)


def _month_after(period: Period) -> Period:
    return Period(period.year + period.month // 12, period.month % 12 + 1)
