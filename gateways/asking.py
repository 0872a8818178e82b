"""How a payment stands at its gateway: verified updates that prove something, and the present answer, put together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.money import total
from domain.payment import Outcome
from gateways.base import Gateway, GatewayAccount, PaymentState


@dataclass(frozen=True, slots=True)
class Question:
    """About one attempt.

    Attributes:
        trace: our key of the attempt.
        poll_url: where its state can be asked for, when that is known.
        updates: the bodies of its verified updates, as they were kept, in the order they came.
    """

    trace: str
    poll_url: str | None = None
    updates: Sequence[bytes] = ()


def ask(gateway: Gateway, account: GatewayAccount, question: Question) -> PaymentState:
    """The present state of an attempt.

    An update that proves money settles the matter without a further question; else the provider is asked, and its word goes
    before updates that tell of no money, because those may be old.

    Raises:
        GatewayUnreachableError, GatewayOutcomeUnknownError: there is no proof, and the provider did not answer.
    """
    told = [state for body in question.updates if (state := gateway.confirm_update(account, body)) is not None]
    proof = _proof(told)
    if proof is not None:
        return proof
    asked = gateway.poll(account, question.poll_url) if question.poll_url else gateway.trace(account, question.trace)
    if asked.found and asked.outcome is not Outcome.UNKNOWN:
        return asked
    return told[-1] if told else asked


def _proof(told: Sequence[PaymentState]) -> PaymentState | None:
    """The update that proves money came, with what became of it since, and with other payments under the same reference.

    Without one, an update that tells of money held or given back; None when no update tells of money.
    """
    paid: dict[str | None, PaymentState] = {}
    for state in told:
        if state.outcome is Outcome.PAID:
            paid.setdefault(state.gateway_reference, state)
    returned = _returned(told)
    if not paid:
        return returned
    first, *others = paid.values()
    return replace(first, others=(*first.others, *others), returned=returned)


def _returned(told: Sequence[PaymentState]) -> PaymentState | None:
    """The last word about money given back, over the sum of all that was, or about money that is held."""
    refunds = [state for state in told if state.outcome is Outcome.REFUNDED]
    disputes = [state for state in told if state.outcome is Outcome.DISPUTED]
    if not refunds:
        return disputes[-1] if disputes else None
    amounts = [state.amount for state in refunds if state.amount is not None]
    if len(amounts) < len(refunds) or len({amount.currency for amount in amounts}) != 1:
        return refunds[-1]
    return replace(refunds[-1], amount=total(amounts, amounts[0].currency))
