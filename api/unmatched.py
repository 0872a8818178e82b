"""Money for no payment of ours, of which a verified update told: the gateway is asked whether it has it, before a person is.

A signature alone is no proof here. One that joins values without marks also fits a message cut into other fields, and some
signed messages pass through the payer's hands.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from api.services import ApiServices
from domain.errors import DunlinError
from domain.money import Money
from domain.payment import Outcome
from gateways.base import Gateway, GatewayAccount, GatewayOutcomeUnknownError, PaymentState
from persistence import attempts, reviews, webhooks
from persistence.reviews import MoneyInQuestion
from persistence.tenants import StoredAccount

_LONGEST_REFERENCE = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An update in the inbox that tells of money, and fits no payment.

    Attributes:
        signer: the account whose key signed it.
        told: the money that it tells of.
        reference: the reference of ours that it names; None when it names the gateway's checkout only.
        named: what it names, for people.
        body: as it is kept.
    """

    webhook_id: str
    signer: StoredAccount
    told: MoneyInQuestion
    reference: str | None
    named: str
    body: bytes
    received_at: datetime


def money_of(gateway: str, state: PaymentState) -> MoneyInQuestion | None:
    """What came in by the gateway's word; None when it tells of no money, or of play money."""
    if state.outcome is not Outcome.PAID or state.is_other_mode:
        return None
    return MoneyInQuestion(gateway, (state.gateway_reference or "")[:_LONGEST_REFERENCE] or None, _if_any(state.amount))


def ask_whose(services: ApiServices, adapter: Gateway, unmatched: Unmatched) -> None:
    """Ask the gateway, and then a person whose money it is, unless the gateway denies it.

    For the background, because the gateway may take longer than its own update waits for an answer. A crash before the end
    loses the question and not the update: that lies in the inbox, verified, with a tenant and without a payment. Where the
    gateway could not be asked, or did not say clearly, a person is asked without an amount that nobody vouches for.
    """
    told, is_confirmed = unmatched.told, True
    try:
        confirmed = _confirmed(adapter, services.complete_account(unmatched.signer), unmatched)
    except DunlinError as error:
        log.warning("money for no payment is unconfirmed", webhook_id=unmatched.webhook_id, error=str(error))
        confirmed, is_confirmed = replace(told, amount=None), False
    if confirmed is None:
        log.warning("the gateway denies money for no payment", webhook_id=unmatched.webhook_id, gateway=told.gateway)
        return
    _ask_a_person(services, unmatched, confirmed, _explanation(unmatched, confirmed, is_confirmed=is_confirmed))


def _confirmed(adapter: Gateway, account: GatewayAccount, unmatched: Unmatched) -> MoneyInQuestion | None:
    """The money by the gateway's own word; None when it says that it has no such money.

    Raises:
        DunlinError: it could not be asked, or its word is neither yes nor no.
    """
    state = adapter.confirm_update(account, unmatched.body)
    if state is None and unmatched.reference is not None:
        state = adapter.trace(account, unmatched.reference)
    if state is None:
        raise GatewayOutcomeUnknownError(adapter.name, f"Update {unmatched.webhook_id} names nothing to ask about.")
    for one in (state, *state.others):
        money = money_of(adapter.name, one)
        if money is not None and _is_same(money, unmatched.told):
            return money
    # PayFast lists nothing that was not paid: what it does not name is not there.
    is_unclear = state.outcome not in {Outcome.PAID, Outcome.DECLINED} and state.reference is not None
    if state.found and is_unclear:
        raise GatewayOutcomeUnknownError(
            adapter.name, f"Of {unmatched.reference} it says {state.gateway_status or state.outcome}."
        )
    return None


def _is_same(money: MoneyInQuestion, told: MoneyInQuestion) -> bool:
    # Ids come in other letter cases by other ways.
    same_id = (money.gateway_reference or "").lower() == (told.gateway_reference or "").lower()
    return same_id and told.amount in {None, money.amount}


def _ask_a_person(services: ApiServices, unmatched: Unmatched, money: MoneyInQuestion, explanation: str) -> None:
    """Ask once per payment at the gateway, unless that is booked, or the update has found its payment meanwhile."""
    tenant_id, reference = unmatched.signer.tenant_id, money.gateway_reference
    with services.database.system() as session:
        if not webhooks.lock_unmatched(session, unmatched.webhook_id):
            return
        is_booked = reference is not None and attempts.payment_of_reference(session, unmatched.signer.id, reference) is not None
        is_asked = reference is not None and reviews.is_asked_about(session, tenant_id, money)
        if not is_booked and not is_asked:
            reviews.open_unmatched(session, tenant_id, unmatched.webhook_id, explanation, unmatched.received_at, money)


def _explanation(unmatched: Unmatched, money: MoneyInQuestion, *, is_confirmed: bool) -> str:
    under = f"under its reference {money.gateway_reference or 'none'} for no payment of ours (it names {unmatched.named!r})"
    if is_confirmed:
        return (
            f"{money.gateway} says that {money.amount or 'an amount that it does not tell'} came in {under}: "
            "match it to a payment, record it as credit, or dismiss it with the reason."
        )
    return (
        f"An update that {money.gateway} seems to have signed says that money came in {under}. This is unconfirmed: the "
        "gateway could not be asked, or gave no clear answer. Look it up there: match it to a payment or record it as credit "
        "with the amount that you find, or dismiss it with the reason when it is not there."
    )


def _if_any(amount: Money | None) -> Money | None:
    return amount if amount is not None and amount.minor > 0 else None
