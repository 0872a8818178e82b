"""Paynow tells of a payment by update, poll and trace: what each must say beyond the contract of all gateways."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.payment import Outcome, PaymentMethod
from gateways.base import GatewayAccount, GatewayOutcomeUnknownError, PaymentState
from gateways.transport import Transport
from tests.gateways.bench import Door, Fault
from tests.gateways.paynow_bench import PaynowBench
from tests.gateways.serving import Merchant


@pytest.fixture(params=[PaymentMethod.PAYNOW_VISA, PaymentMethod.PAYNOW_ECOCASH])
def bench(
    request: pytest.FixtureRequest,
    paynow_account: GatewayAccount,
    merchant: Merchant,
    transport: Transport,
    impatient_transport: Transport,
) -> Iterator[PaynowBench]:
    bench = PaynowBench(paynow_account, merchant, request.param, transport, impatient_transport)
    yield bench
    bench.close()


def polled(bench: PaynowBench, poll_url: str | None) -> PaymentState:
    assert poll_url is not None
    return bench.gateway.poll(bench.account, poll_url)


def test_a_waiting_payment_is_pending_with_our_reference_and_amount(bench: PaynowBench) -> None:
    request = bench.request()
    state = polled(bench, bench.open(request).poll_url)
    assert state.outcome is Outcome.PENDING
    assert (state.reference, state.amount) == (request.reference, request.amount)


def test_what_is_paid_is_told_by_update_poll_and_trace_alike(bench: PaynowBench) -> None:
    request = bench.request()
    poll_url = bench.open(request).poll_url
    bench.pay(request.reference)
    [update] = bench.updates(request.reference)
    told = bench.gateway.verify_update(bench.account, update.inbound())
    states = [told, polled(bench, poll_url), bench.gateway.trace(bench.account, request.trace)]
    assert {state.outcome for state in states} == {Outcome.PAID}
    assert {(state.reference, state.amount) for state in states} == {(request.reference, request.amount)}
    assert {state.gateway_reference for state in states} == {told.gateway_reference}
    assert all(state.found for state in states)
    assert told.gateway_reference


def test_a_payer_who_cancels_has_declined_by_update_and_by_poll(bench: PaynowBench) -> None:
    request = bench.request()
    poll_url = bench.open(request).poll_url
    bench.cancel(request.reference)
    [update] = bench.updates(request.reference)
    assert bench.gateway.verify_update(bench.account, update.inbound()).outcome is Outcome.DECLINED
    assert polled(bench, poll_url).outcome is Outcome.DECLINED


@pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.DISPUTED, Outcome.REFUNDED])
def test_what_became_of_a_payment_is_told_by_its_poll(bench: PaynowBench, outcome: Outcome) -> None:
    request = bench.request()
    poll_url = bench.open(request).poll_url
    bench.decide(request.reference, outcome)
    assert polled(bench, poll_url).outcome is outcome


def test_money_that_comes_after_a_failure_is_told_by_the_poll(bench: PaynowBench) -> None:
    request = bench.request()
    poll_url = bench.open(request).poll_url
    bench.decide(request.reference, Outcome.DECLINED)
    bench.decide(request.reference, Outcome.PAID)
    assert polled(bench, poll_url).outcome is Outcome.PAID


def test_an_older_update_that_comes_late_tells_the_older_state(bench: PaynowBench) -> None:
    request = bench.request()
    bench.open(request)
    bench.arm(Door.UPDATE, Fault.OUT_OF_ORDER)
    bench.pay(request.reference)
    _, older = bench.updates(request.reference, 2)
    assert bench.gateway.verify_update(bench.account, older.inbound()).outcome is Outcome.PENDING


def test_an_amount_that_the_poll_tells_otherwise_is_passed_on_as_told(bench: PaynowBench) -> None:
    request = bench.request()
    poll_url = bench.open(request).poll_url
    bench.pay(request.reference)
    bench.arm(Door.POLL, Fault.OTHER_AMOUNT)
    assert polled(bench, poll_url).amount not in {None, request.amount}
    assert polled(bench, poll_url).amount == request.amount


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.SLOW])
def test_a_checkout_whose_answer_was_lost_can_be_polled_by_what_its_trace_tells(bench: PaynowBench, fault: Fault) -> None:
    request = bench.request()
    bench.arm(Door.OPEN, fault)
    with pytest.raises(GatewayOutcomeUnknownError):
        bench.impatient.open_checkout(bench.account, request)
    traced = bench.gateway.trace(bench.account, request.trace)
    assert polled(bench, traced.poll_url).outcome is Outcome.PENDING


def test_all_amounts_are_in_the_accounts_currency(bench: PaynowBench) -> None:
    other = replace(bench.account, currency="ZWG")
    checkout = bench.open(bench.request())
    state = bench.gateway.poll(other, checkout.poll_url or "")
    assert state.amount is not None
    assert state.amount.currency == "ZWG"


def test_no_credential_shows_when_a_reply_is_not_signed_by_it(bench: PaynowBench) -> None:
    bench.arm(Door.OPEN, Fault.WRONG_SIGNATURE)
    with pytest.raises(GatewayOutcomeUnknownError) as raised:
        bench.gateway.open_checkout(bench.account, bench.request())
    told = f"{raised.value} {raised.value!r} {bench.account!r}"
    assert bench.account.id in told
    assert not [secret for secret in bench.account.credentials.values() if secret in told]
