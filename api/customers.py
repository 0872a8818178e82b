"""Customers with their standing."""

from fastapi import APIRouter

from api.schemas import After, Amount, CustomerDetailShown, CustomerShown, Limit, Page
from api.services import Services
from api.staff import AnyStaff
from domain.calendar import local_day
from domain.ledger import Account
from persistence import customers, ledger, tenants

router = APIRouter(prefix="/api/customers", tags=["customers"])


@router.get("")
def list_customers(services: Services, staff: AnyStaff, limit: Limit = 50, after: After = None) -> Page[CustomerShown]:
    """Customers in the order in which they were added, with their billing status today."""
    with services.database.tenant(staff.tenant_id) as session:
        today = local_day(services.clock(), tenants.current(session).time_zone)
        found = customers.page(session, today, after=after, limit=limit + 1)
    return Page[CustomerShown].of(found, limit, CustomerShown.of, lambda standing: standing.customer.id)


@router.get("/{customer_id}")
def show_customer(customer_id: str, services: Services, staff: AnyStaff) -> CustomerDetailShown:
    """One customer with what the ledger says is due and what is credit."""
    with services.database.tenant(staff.tenant_id) as session:
        today = local_day(services.clock(), tenants.current(session).time_zone)
        listed = CustomerShown.of(customers.standing(session, customer_id, today))
        held = ledger.balances(session, customer_id)
    return CustomerDetailShown(
        **listed.model_dump(),
        amounts_due=[Amount.of(money) for (account, _), money in held.items() if account is Account.ACCOUNTS_RECEIVABLE],
        credits=[Amount.of(-money) for (account, _), money in held.items() if account is Account.CUSTOMER_CREDIT],
    )
