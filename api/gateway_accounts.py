"""The tenant's accounts at gateways as its staff see them: which there are, and what was agreed about fees. No credentials."""

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Page
from api.services import Services
from api.staff import AnyStaff, BillingStaff
from domain.fees import FeeRate, agreed_rates
from domain.payment import PaymentMethod
from persistence import audit, tenants
from persistence.tenants import AccountRates

router = APIRouter(prefix="/api/gateway-accounts", tags=["gateway accounts"])


class FeeRateBody(BaseModel):
    """`basis_points` are hundredths of a per cent of the amount; `fixed_minor` is on top, in minor units."""

    model_config = ConfigDict(extra="forbid")

    basis_points: int = Field(strict=True, examples=[250])
    fixed_minor: int = Field(default=0, strict=True)


class GatewayAccountShown(BaseModel):
    """An account; `fee_rates` by method are what was agreed, empty where the published rates hold."""

    id: str
    gateway: str
    currency: str
    fee_rates: dict[PaymentMethod, FeeRateBody]


@router.get("")
def list_gateway_accounts(services: Services, staff: AnyStaff) -> Page[GatewayAccountShown]:
    """The accounts, in the order in which they were made."""
    with services.database.tenant(staff.tenant_id) as session:
        found = tenants.accounts(session)
    return Page[GatewayAccountShown](items=[_shown(account) for account in found], next=None)


@router.put("/{account_id}/fee-rates")
def change_fee_rates(
    account_id: str,
    rates: Annotated[dict[PaymentMethod, FeeRateBody], Body()],
    services: Services,
    staff: BillingStaff,
) -> GatewayAccountShown:
    """Replace what was agreed about fees; methods that are left out go by the published rates. Past fees stay."""
    with services.database.tenant(staff.tenant_id) as session:
        account = tenants.lock_account(session, account_id)
        agreed = agreed_rates(account.gateway, {method.value: body.model_dump() for method, body in rates.items()})
        data = {method: _data(rate) for method, rate in agreed.items()}
        tenants.put_fee_rates(session, account_id, data)
        audit.record(
            session, services.clock(), staff.name, "FEE_RATES_CHANGED", "GatewayAccount", account_id,
            before=account.fee_rates, after=data,
        )  # fmt: skip
    return _shown(AccountRates(account.id, account.gateway, account.currency, data))


def _data(rate: FeeRate) -> dict[str, int]:
    return {"basis_points": rate.basis_points, "fixed_minor": rate.fixed_minor}


def _shown(account: AccountRates) -> GatewayAccountShown:
    rates = {PaymentMethod(method): FeeRateBody(**rate) for method, rate in account.fee_rates.items()}
    return GatewayAccountShown(id=account.id, gateway=account.gateway, currency=account.currency, fee_rates=rates)
