"""Paynow's replies that only some methods or some moments bring, from the simulator."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from domain.payment import Outcome, PaymentMethod
from gateways.base import CheckoutRequest, GatewayAccount, GatewayOutcomeUnknownError
from gateways.transport import Transport
from tests.gateways.paynow_bench import PaynowBench
from tests.gateways.serving import Merchant, eventually


@pytest.fixture
def bench(
    paynow_account: GatewayAccount, merchant: Merchant, transport: Transport, impatient_transport: Transport
) -> Iterator[PaynowBench]:
    bench = PaynowBench(paynow_account, merchant, PaymentMethod.PAYNOW_ECOCASH, transport, impatient_transport)
    yield bench
    bench.close()


def with_phone(bench: PaynowBench, phone: str) -> CheckoutRequest:
    return replace(bench.request(), phone=phone)


def refuse(bench: PaynowBench, operation: str, reason: str) -> None:
    arm(bench, operation, "error", reason)


def arm(bench: PaynowBench, operation: str, kind: str, value: str) -> None:
    order = {"operation": operation, "kind": kind, "value": value}
    httpx.post(f"{bench.account.base_url}/_control/faults", json=order, trust_env=False).raise_for_status()


def test_a_card_payer_is_sent_to_paynow_and_told_nothing_else(bench: PaynowBench) -> None:
    request = replace(bench.request(), method=PaymentMethod.PAYNOW_MASTERCARD)
    checkout = bench.gateway.open_checkout(bench.account, request)
    assert checkout.redirect_url is not None
    assert checkout.redirect_url.startswith(f"{bench.account.base_url}/Payment/ConfirmPayment/")
    assert (checkout.instructions, checkout.authorization_code) == (None, None)


def test_an_ecocash_payer_is_told_what_to_dial(bench: PaynowBench) -> None:
    checkout = bench.gateway.open_checkout(bench.account, bench.request())
    assert "*151*2*4#" in (checkout.instructions or "")
    assert (checkout.redirect_url, checkout.gateway_status) == (None, "Ok")
    assert checkout.gateway_reference


def test_an_innbucks_payer_gets_a_code_its_end_and_a_link_that_opens_the_app(bench: PaynowBench) -> None:
    request = replace(bench.request(), method=PaymentMethod.PAYNOW_INNBUCKS)
    checkout = bench.gateway.open_checkout(bench.account, request)
    code = checkout.authorization_code
    assert code
    assert checkout.deep_link == f"schinn.wbpycode://innbucks.co.zw?pymInnCode={code}"
    assert checkout.authorization_expires


@pytest.mark.parametrize(
    ("phone", "outcome"),
    [
        ("0771111111", Outcome.PAID),
        ("0772222222", Outcome.PAID),
        ("0773333333", Outcome.DECLINED),
    ],
)
def test_the_documented_test_numbers_end_as_documented(bench: PaynowBench, phone: str, outcome: Outcome) -> None:
    request = with_phone(bench, phone)
    bench.open(request)
    [update] = bench.updates(request.reference)
    assert bench.gateway.verify_update(bench.account, update.inbound()).outcome is outcome


def test_insufficient_balance_is_the_reason_of_the_fourth_test_number(bench: PaynowBench) -> None:
    checkout = bench.gateway.open_checkout(bench.account, with_phone(bench, "0774444444"))
    assert (checkout.outcome, checkout.decline_reason) == (Outcome.DECLINED, "Insufficient balance")
    assert checkout.poll_url is None


def test_trace_failed_does_not_mean_not_found(bench: PaynowBench) -> None:
    refuse(bench, "trace", "Trace failed")
    with pytest.raises(GatewayOutcomeUnknownError, match="Trace failed"):
        bench.gateway.trace(bench.account, "0123456789abcdef")


def test_a_poll_that_is_refused_tells_nothing_about_the_payment(bench: PaynowBench) -> None:
    poll_url = bench.open(bench.request()).poll_url
    assert poll_url is not None
    refuse(bench, "poll", "Cannot be polled now")
    with pytest.raises(GatewayOutcomeUnknownError, match="Cannot be polled now"):
        bench.gateway.poll(bench.account, poll_url)


@pytest.mark.parametrize("reason", ["Duplicate transaction", "merchanttrace already used"])
def test_a_checkout_refused_as_a_repetition_may_have_been_paid_before(bench: PaynowBench, reason: str) -> None:
    refuse(bench, "remote", reason)
    with pytest.raises(GatewayOutcomeUnknownError, match=reason):
        bench.gateway.open_checkout(bench.account, bench.request())


@pytest.mark.parametrize("status", ["302", "403", "429"])
def test_a_bot_wall_in_front_of_paynow_is_no_refusal(bench: PaynowBench, status: str) -> None:
    arm(bench, "remote", "html", status)
    with pytest.raises(GatewayOutcomeUnknownError, match=status):
        bench.gateway.open_checkout(bench.account, bench.request())


def test_wrong_credentials_are_refused_with_paynows_words(bench: PaynowBench) -> None:
    other_id = replace(bench.account, credentials={**bench.account.credentials, "integration_id": "9"})
    assert bench.gateway.open_checkout(other_id, bench.request()).decline_reason == "Invalid Id"
    other_key = replace(bench.account, credentials={**bench.account.credentials, "integration_key": "wrong"})
    reason = bench.gateway.open_checkout(other_key, bench.request()).decline_reason or ""
    assert reason.startswith("Invalid Hash.  Hash should start with: ")


def test_an_update_that_the_merchant_could_not_take_comes_again_until_it_can(bench: PaynowBench) -> None:
    request = bench.request()
    bench.open(request)
    bench.merchant.answers = [500, 503, 404]
    bench.pay(request.reference)
    updates = bench.updates(request.reference, 4)
    assert len({update.body for update in updates}) == 1
    assert eventually(lambda: bench.merchant.answers == [], "the merchant's recovery")
