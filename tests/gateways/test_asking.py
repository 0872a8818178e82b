"""How verified updates and the present answer are put together, whatever order they come in."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import pytest

from domain.money import Money
from domain.payment import Outcome
from gateways.asking import Question, ask
from gateways.base import GatewayAccount, GatewayOutcomeUnknownError, PaymentState
from gateways.paynow import Paynow
from gateways.transport import Transport

ACCOUNT = GatewayAccount("gwa_1", "scripted", "ZAR", "https://gateway.example", "https://us.example", {})
R50 = Money(50_00, "ZAR")


class Scripted(Paynow):
    """A gateway that answers by a script: `told` by an update's body, `asked` when it is asked; it opens nothing."""

    name = "scripted"

    def __init__(self, told: Mapping[bytes, PaymentState | None], asked: PaymentState | None) -> None:
        super().__init__(Transport())
        self._told, self._asked = told, asked
        self.questions = 0

    def confirm_update(self, account: GatewayAccount, body: bytes) -> PaymentState | None:
        return self._told[body]

    def trace(self, account: GatewayAccount, trace: str) -> PaymentState:
        self.questions += 1
        if self._asked is None:
            raise GatewayOutcomeUnknownError(self.name, "no answer")
        return self._asked


def state(outcome: Outcome, reference: str = "p_1") -> PaymentState:
    return PaymentState(outcome, "gtx_1", reference, outcome.value, R50)


def answer(told: list[PaymentState | None], asked: PaymentState | None) -> PaymentState:
    by_body = {str(number).encode(): one for number, one in enumerate(told)}
    return ask(Scripted(by_body, asked), ACCOUNT, Question("gtx_1", updates=list(by_body)))


def test_proof_of_money_needs_no_further_question() -> None:
    gateway = Scripted({b"1": state(Outcome.PAID)}, None)
    assert ask(gateway, ACCOUNT, Question("gtx_1", updates=[b"1"])).outcome is Outcome.PAID
    assert gateway.questions == 0


@pytest.mark.parametrize("order", list(permutations([Outcome.PENDING, Outcome.PAID, Outcome.DECLINED])))
def test_the_order_of_updates_cannot_hurt(order: tuple[Outcome, ...]) -> None:
    assert answer([state(outcome) for outcome in order], None).outcome is Outcome.PAID


@pytest.mark.parametrize("order", list(permutations([Outcome.PAID, Outcome.REFUNDED])))
def test_money_that_came_and_was_given_back_is_told_as_both(order: tuple[Outcome, ...]) -> None:
    told = answer([state(outcome) for outcome in order], None)
    assert told.outcome is Outcome.PAID
    assert told.returned is not None
    assert (told.returned.outcome, told.returned.amount) == (Outcome.REFUNDED, R50)


def test_refunds_in_parts_are_told_as_their_sum() -> None:
    parts = [replace(state(Outcome.REFUNDED), amount=Money(minor, "ZAR")) for minor in (20_00, 5_00)]
    told = answer([state(Outcome.PAID), *parts], None)
    assert told.returned is not None
    assert told.returned.amount == Money(25_00, "ZAR")


def test_money_given_back_of_which_nobody_told_that_it_came_is_told_too() -> None:
    assert answer([state(Outcome.REFUNDED)], None).outcome is Outcome.REFUNDED


def test_the_present_answer_goes_before_updates_without_money() -> None:
    assert answer([state(Outcome.DECLINED)], state(Outcome.PAID)).outcome is Outcome.PAID
    assert answer([state(Outcome.DECLINED)], state(Outcome.PENDING)).outcome is Outcome.PENDING


def test_an_update_counts_where_the_provider_cannot_tell() -> None:
    never_heard = PaymentState(Outcome.UNKNOWN, found=False)
    assert answer([state(Outcome.DECLINED)], never_heard).outcome is Outcome.DECLINED
    assert answer([None], never_heard) == never_heard


def test_updates_that_prove_nothing_leave_the_question() -> None:
    assert answer([None, None], state(Outcome.PENDING)).outcome is Outcome.PENDING
    with pytest.raises(GatewayOutcomeUnknownError):
        answer([None], None)


def test_two_payments_under_one_reference_are_both_told_and_a_resent_update_is_no_payment() -> None:
    told = answer([state(Outcome.PAID), state(Outcome.PAID, "p_2"), state(Outcome.PAID)], None)
    assert told.gateway_reference == "p_1"
    assert [other.gateway_reference for other in told.others] == ["p_2"]
