"""How a payment stands at its gateway: verified updates that prove something, and the present answer, put together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.payment import Outcome
from gateways.base import Gateway, GatewayAccount, PaymentState

# Money that was given back or is held counts before money that came: both may be told of one payment, in any order.
_STRONGEST_FIRST = (Outcome.REFUNDED, Outcome.DISPUTED, Outcome.PAID)


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
    """The strongest update that proves money, with the other payments that came in under the same reference."""
    paid: dict[str | None, PaymentState] = {}
    for state in told:
        if state.outcome is Outcome.PAID:
            paid.setdefault(state.gateway_reference, state)
    for outcome in _STRONGEST_FIRST:
        for state in told:
            if state.outcome is outcome:
                others = [one for reference, one in paid.items() if reference != state.gateway_reference]
                return replace(state, others=(*state.others, *others))
    return None
