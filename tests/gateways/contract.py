"""What every gateway must do, against its simulator over real HTTP, whatever the provider.

A provider's test module makes a subclass of each contract here and a fixture `bench` that gives a `Bench` of its own.
"""

import socket
from dataclasses import replace

import pytest

from domain.money import Money
from domain.payment import Outcome
from gateways.base import (
    BadSignatureError,
    GatewayOutcomeUnknownError,
    GatewayUnreachableError,
    MalformedUpdateError,
    UntrustedAddressError,
)
from tests.gateways.bench import Bench, Door, Fault


class GatewayContract:
    def test_a_checkout_waits_for_its_payer(self, bench: Bench) -> None:
        request = bench.request()
        state = bench.gateway.poll(bench.account, bench.open(request))
        assert state.outcome is Outcome.PENDING
        assert (state.reference, state.amount) == (request.reference, request.amount)

    def test_what_is_paid_is_told_by_update_poll_and_trace_alike(self, bench: Bench) -> None:
        request = bench.request()
        poll_url = bench.open(request)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        told = bench.gateway.verify_update(bench.account, update.body, update.headers)
        polled = bench.gateway.poll(bench.account, poll_url)
        traced = bench.gateway.trace(bench.account, request.trace)
        for state in (told, polled, traced):
            assert state.outcome is Outcome.PAID
            assert state.found
            assert (state.reference, state.amount) == (request.reference, request.amount)
        assert told.gateway_reference == polled.gateway_reference == traced.gateway_reference
        assert told.gateway_reference

    def test_a_payer_who_cancels_has_declined(self, bench: Bench) -> None:
        request = bench.request()
        poll_url = bench.open(request)
        bench.cancel(request.reference)
        [update] = bench.updates(request.reference)
        assert bench.gateway.verify_update(bench.account, update.body, update.headers).outcome is Outcome.DECLINED
        assert bench.gateway.poll(bench.account, poll_url).outcome is Outcome.DECLINED

    @pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.DISPUTED, Outcome.REFUNDED])
    def test_what_became_of_a_payment_is_told_by_its_poll(self, bench: Bench, outcome: Outcome) -> None:
        request = bench.request()
        poll_url = bench.open(request)
        bench.decide(request.reference, outcome)
        assert bench.gateway.poll(bench.account, poll_url).outcome is outcome

    def test_a_refusal_at_once_is_an_answer_with_its_reason(self, bench: Bench) -> None:
        checkout = bench.gateway.open_checkout(bench.account, bench.refused_request())
        assert checkout.outcome is Outcome.DECLINED
        assert checkout.decline_reason

    def test_money_that_comes_after_a_failure_is_told(self, bench: Bench) -> None:
        request = bench.request()
        poll_url = bench.open(request)
        bench.decide(request.reference, Outcome.DECLINED)
        bench.decide(request.reference, Outcome.PAID)
        assert bench.gateway.poll(bench.account, poll_url).outcome is Outcome.PAID

    def test_an_update_that_comes_again_has_the_same_event_key(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, Fault.DUPLICATE)
        bench.pay(request.reference)
        bench.updates(request.reference, 2)
        bench.resend(request.reference)
        updates = bench.updates(request.reference, 3)
        assert len({bench.gateway.read_update(update.body, update.headers).event_key for update in updates}) == 1

    def test_an_update_out_of_order_is_another_event_and_the_poll_knows_better(self, bench: Bench) -> None:
        request = bench.request()
        poll_url = bench.open(request)
        bench.arm(Door.UPDATE, Fault.OUT_OF_ORDER)
        bench.pay(request.reference)
        newer, older = bench.updates(request.reference, 2)
        assert bench.gateway.verify_update(bench.account, newer.body, newer.headers).outcome is Outcome.PAID
        assert bench.gateway.verify_update(bench.account, older.body, older.headers).outcome is Outcome.PENDING
        keys = {bench.gateway.read_update(update.body, update.headers).event_key for update in (newer, older)}
        assert len(keys) == 2
        assert bench.gateway.poll(bench.account, poll_url).outcome is Outcome.PAID

    @pytest.mark.parametrize("door", [Door.UPDATE, Door.POLL])
    def test_an_amount_that_differs_is_told_as_it_came(self, bench: Bench, door: Door) -> None:
        request = bench.request()
        poll_url = bench.open(request)
        bench.arm(door, Fault.OTHER_AMOUNT)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        told = bench.gateway.verify_update(bench.account, update.body, update.headers)
        polled = bench.gateway.poll(bench.account, poll_url)
        other = {Door.UPDATE: told, Door.POLL: polled}[door]
        assert other.amount not in {None, request.amount}
        assert {told.amount, polled.amount} == {request.amount, other.amount}


class UnknownOutcomeContract:
    """Nothing that leaves doubt is a failure, and a trace ends the doubt."""

    @pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.SLOW])
    def test_an_answer_that_never_came_is_found_by_its_trace(self, bench: Bench, fault: Fault) -> None:
        request = bench.request()
        bench.arm(Door.OPEN, fault)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.impatient.open_checkout(bench.account, request)
        state = bench.gateway.trace(bench.account, request.trace)
        assert state.found
        assert (state.reference, state.amount) == (request.reference, request.amount)
        assert state.poll_url is not None
        assert bench.gateway.poll(bench.account, state.poll_url).outcome is Outcome.PENDING

    @pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.SERVER_ERROR, Fault.HTML])
    def test_a_request_that_had_no_effect_is_not_found_by_its_trace(self, bench: Bench, fault: Fault) -> None:
        request = bench.request()
        bench.arm(Door.OPEN, fault)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.impatient.open_checkout(bench.account, request)
        assert not bench.gateway.trace(bench.account, request.trace).found
        assert bench.payments(request.reference) == 0

    def test_the_same_attempt_sent_twice_is_one_payment(self, bench: Bench) -> None:
        request = bench.request()
        bench.arm(Door.OPEN, Fault.LOST_ANSWER)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.gateway.open_checkout(bench.account, request)
        bench.open(request)
        assert bench.payments(request.reference) == 1

    @pytest.mark.parametrize("fault", [Fault.SLOW, Fault.SERVER_ERROR, Fault.HTML, Fault.LOST_ANSWER])
    @pytest.mark.parametrize("door", [Door.POLL, Door.TRACE])
    def test_a_question_without_a_clear_answer_leaves_the_outcome_unknown(self, bench: Bench, door: Door, fault: Fault) -> None:
        request = bench.request()
        poll_url = bench.open(request)
        bench.arm(door, fault)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.ask(bench.impatient, door, request, poll_url)

    def test_a_provider_that_cannot_be_reached_was_asked_nothing(self, bench: Bench) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused, and nobody else gets the port
            account = replace(bench.account, base_url=f"http://127.0.0.1:{held.getsockname()[1]}")
            with pytest.raises(GatewayUnreachableError):
                bench.gateway.open_checkout(account, bench.request())


class TrustContract:
    """Nothing is believed that the account's key did not sign, and nobody is asked but the provider."""

    @pytest.mark.parametrize("fault", [Fault.WRONG_SIGNATURE, Fault.NO_SIGNATURE])
    @pytest.mark.parametrize("door", [Door.OPEN, Door.POLL, Door.TRACE])
    def test_a_reply_without_the_right_signature_leaves_the_outcome_unknown(
        self, bench: Bench, door: Door, fault: Fault
    ) -> None:
        request = bench.request()
        poll_url = "" if door is Door.OPEN else bench.open(request)
        bench.arm(door, fault)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.ask(bench.gateway, door, request, poll_url)

    @pytest.mark.parametrize("fault", [Fault.WRONG_SIGNATURE, Fault.NO_SIGNATURE])
    def test_an_update_without_the_right_signature_is_refused(self, bench: Bench, fault: Fault) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, fault)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        with pytest.raises(BadSignatureError):
            bench.gateway.verify_update(bench.account, update.body, update.headers)

    def test_a_genuine_update_that_was_touched_is_refused(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        assert bench.gateway.verify_update(bench.account, update.body, update.headers).outcome is Outcome.PAID
        for touched in bench.tampered(update):
            with pytest.raises(BadSignatureError):
                bench.gateway.verify_update(bench.account, touched.body, touched.headers)

    def test_an_update_signed_for_another_account_is_refused(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        other = replace(bench.account, credentials={name: f"{key}0" for name, key in bench.account.credentials.items()})
        with pytest.raises(BadSignatureError):
            bench.gateway.verify_update(other, update.body, update.headers)

    @pytest.mark.parametrize("body", [b"", b"<html><body>hello</body></html>", b"\xff\xfe=\x80", b'{"type":"nothing"}'])
    def test_what_is_not_an_update_is_refused_as_malformed(self, bench: Bench, body: bytes) -> None:
        with pytest.raises(MalformedUpdateError):
            bench.gateway.read_update(body, {})

    def test_only_the_providers_own_host_is_polled(self, bench: Bench) -> None:
        genuine = bench.open(bench.request())
        scheme, _, rest = genuine.partition("://")
        host, _, path = rest.partition("/")
        for foreign in (
            f"{scheme}://paynow.example.net/{path}",
            f"{scheme}://{host}@paynow.example.net/{path}",
            f"{scheme}://payer:secret@{host}/{path}",
            f"{scheme}://paynow.example.net\\@{host}/{path}",
            f"{scheme}://{host}.example.net/{path}",
            f"{scheme}://127.0.0.1:1/{path}",
            f"{'http' if scheme == 'https' else 'https'}://{host}/{path}",
            f"file://{host}/{path}",
            f"//{host}/{path}",
            f"{genuine}\n",
            "",
        ):
            with pytest.raises(UntrustedAddressError):
                bench.gateway.poll(bench.account, foreign)

    def test_a_checkout_that_leads_to_another_host_is_not_handed_out(self, bench: Bench) -> None:
        bench.arm(Door.OPEN, Fault.FOREIGN_ADDRESS)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.gateway.open_checkout(bench.account, bench.request())

    def test_no_secret_shows_in_an_error(self, bench: Bench) -> None:
        bench.arm(Door.OPEN, Fault.WRONG_SIGNATURE)
        with pytest.raises(GatewayOutcomeUnknownError) as raised:
            bench.gateway.open_checkout(bench.account, bench.request())
        told = f"{raised.value} {raised.value!r} {bench.account!r}"
        assert bench.account.id in told
        assert not [secret for secret in bench.account.credentials.values() if secret in told]

    def test_all_amounts_are_in_the_accounts_currency(self, bench: Bench) -> None:
        state = bench.gateway.poll(bench.account, bench.open(bench.request()))
        assert isinstance(state.amount, Money)
        assert state.amount.currency == bench.account.currency
