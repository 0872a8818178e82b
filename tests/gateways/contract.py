"""What every gateway must do, against its simulator over real HTTP, whatever the provider.

A provider's test module makes a subclass of each contract that its protocol allows, and a fixture `bench` that gives a `Bench`
of its own. `GatewayContract`, `UpdateContract` and `QuestionContract` are for all. The contracts of updates stand in
`update_contract.py`; all are imported from here.
"""

import socket
from dataclasses import replace

import pytest

from domain.payment import Outcome
from gateways.base import GatewayOutcomeUnknownError, GatewayUnreachableError, UntrustedAddressError
from tests.gateways.bench import Bench, Door, Fault
from tests.gateways.update_contract import (
    CurrencyContract,
    ModeContract,
    ReorderedUpdateContract,
    UpdateContract,
    settles,
)

__all__ = [
    "CurrencyContract",
    "GatewayContract",
    "ModeContract",
    "OpeningContract",
    "PollContract",
    "QuestionContract",
    "ReorderedUpdateContract",
    "ReturnedMoneyContract",
    "SignedReplyContract",
    "UpdateContract",
    "settles",
]


class GatewayContract:
    """The life of a payment."""

    def test_a_checkout_waits_for_its_payer(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        assert bench.look(request).outcome in {Outcome.PENDING, Outcome.UNKNOWN}

    def test_what_is_paid_is_told_to_the_cent_with_the_providers_reference(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        told, looked = bench.gateway.verify_update(bench.account, update.inbound()), bench.look(request)
        for state in (told, looked):
            assert state.outcome is Outcome.PAID
            assert state.amount == request.amount
            assert settles(request, state)
        assert told.gateway_reference == looked.gateway_reference
        assert told.gateway_reference

    def test_a_payment_whose_update_never_comes_is_found_by_asking(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, Fault.SILENCE)
        bench.pay(request.reference)
        state = bench.look(request)
        assert state.outcome is Outcome.PAID
        assert settles(request, state)

    def test_a_payer_who_cancels_has_paid_nothing(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.cancel(request.reference)
        if Outcome.DECLINED in bench.told_by_update:
            bench.updates(request.reference)
            assert bench.look(request).outcome is Outcome.DECLINED
        else:
            assert bench.look(request).outcome in {Outcome.DECLINED, Outcome.PENDING}

    def test_a_refusal_leaves_nothing_paid(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.decide(request.reference, Outcome.DECLINED)
        assert bench.look(request).outcome in {Outcome.DECLINED, Outcome.PENDING, Outcome.UNKNOWN}

    def test_an_abandoned_checkout_stays_open_or_ends_and_is_never_paid(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        looks = [bench.look(request).outcome for _ in range(3)]
        assert Outcome.PAID not in looks

    def test_money_that_comes_after_a_refusal_is_told(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.decide(request.reference, Outcome.DECLINED)
        bench.decide(request.reference, Outcome.PAID)
        assert bench.look(request).outcome is Outcome.PAID


class ReturnedMoneyContract:
    """For a provider that tells when money is given back."""

    def test_a_refund_is_told_by_looking(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.decide(request.reference, Outcome.PAID)
        bench.updates(request.reference)
        bench.decide(request.reference, Outcome.REFUNDED)
        if Outcome.REFUNDED in bench.told_by_update:
            bench.updates(request.reference, 2)
        state = bench.look(request)
        assert Outcome.REFUNDED in {state.outcome, state.returned.outcome if state.returned else None}


class OpeningContract:
    """For a provider that is called to open a checkout: nothing that leaves doubt is a failure."""

    @pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.SLOW])
    def test_an_answer_that_never_came_ends_in_one_checkout(self, bench: Bench, fault: Fault) -> None:
        request = bench.request()
        bench.arm(Door.OPEN, fault)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.impatient.open_checkout(bench.account, request)
        if bench.gateway.resending_is_safe:
            bench.open(request)
        else:
            traced = bench.gateway.trace(bench.account, request.trace)
            assert traced.found
            assert (traced.reference, traced.amount) == (request.reference, request.amount)
        assert bench.look(request).outcome is Outcome.PENDING
        assert bench.payments(request.reference) == 1

    @pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.SERVER_ERROR, Fault.HTML])
    def test_a_request_that_had_no_effect_is_unknown_until_it_is_looked_up(self, bench: Bench, fault: Fault) -> None:
        request = bench.request()
        bench.arm(Door.OPEN, fault)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.impatient.open_checkout(bench.account, request)
        assert bench.payments(request.reference) == 0
        assert not bench.gateway.trace(bench.account, request.trace).found
        bench.open(request)
        assert bench.payments(request.reference) == 1

    def test_the_same_attempt_sent_twice_is_one_payment(self, bench: Bench) -> None:
        request = bench.request()
        bench.arm(Door.OPEN, Fault.LOST_ANSWER)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.gateway.open_checkout(bench.account, request)
        bench.open(request)
        assert bench.payments(request.reference) == 1

    def test_a_provider_that_cannot_be_reached_was_asked_nothing(self, bench: Bench) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused, and nobody else gets the port
            nowhere = f"http://127.0.0.1:{held.getsockname()[1]}"
            account = replace(bench.account, base_url=nowhere, api_url=nowhere if bench.account.api_url else "")
            with pytest.raises(GatewayUnreachableError):
                bench.gateway.open_checkout(account, bench.request())

    def test_a_checkout_that_leads_to_another_host_is_not_handed_out(self, bench: Bench) -> None:
        bench.arm(Door.OPEN, Fault.FOREIGN_ADDRESS)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.gateway.open_checkout(bench.account, bench.request())


class QuestionContract:
    """Asking how a payment stands."""

    @pytest.mark.parametrize("fault", [Fault.SLOW, Fault.SERVER_ERROR, Fault.HTML, Fault.LOST_ANSWER])
    def test_a_question_without_a_clear_answer_leaves_the_outcome_unknown(self, bench: Bench, fault: Fault) -> None:
        for door in bench.asks_at:
            request = bench.request()
            bench.open(request)
            if door is Door.CONFIRM:
                bench.pay(request.reference)
                bench.updates(request.reference)
            question = bench.question(request)
            if door is Door.TRACE:
                question = replace(question, poll_url=None, updates=())
            bench.arm(door, fault)
            with pytest.raises(GatewayOutcomeUnknownError):
                bench.ask_impatiently(question)

    def test_a_provider_that_answers_passes_the_probe(self, bench: Bench) -> None:
        bench.gateway.probe(bench.account)

    def test_a_provider_that_fails_does_not_pass_the_probe(self, bench: Bench) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            nowhere = f"http://127.0.0.1:{held.getsockname()[1]}"
            account = replace(bench.account, base_url=nowhere, api_url=nowhere if bench.account.api_url else "")
            with pytest.raises(GatewayUnreachableError):
                bench.gateway.probe(account)

    def test_an_attempt_that_the_provider_never_heard_of_was_paid_by_nobody(self, bench: Bench) -> None:
        state = bench.gateway.trace(bench.account, bench.request().trace)
        assert not state.found
        assert state.outcome is Outcome.UNKNOWN


class PollContract:
    """For a provider that is asked at an address of one payment's own."""

    def test_only_the_providers_own_host_is_polled(self, bench: Bench) -> None:
        genuine = bench.open(bench.request()).poll_url
        assert genuine is not None
        scheme, _, rest = genuine.partition("://")
        host, _, path = rest.partition("/")
        for foreign in (
            f"{scheme}://gateway.example.net/{path}",
            f"{scheme}://{host}@gateway.example.net/{path}",
            f"{scheme}://payer:secret@{host}/{path}",
            f"{scheme}://gateway.example.net\\@{host}/{path}",
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


class SignedReplyContract:
    """For a provider that signs its replies: none is believed that the account's key did not sign."""

    @pytest.mark.parametrize("fault", [Fault.WRONG_SIGNATURE, Fault.NO_SIGNATURE])
    @pytest.mark.parametrize("door", [Door.OPEN, Door.POLL, Door.TRACE])
    def test_a_reply_without_the_right_signature_leaves_the_outcome_unknown(
        self, bench: Bench, door: Door, fault: Fault
    ) -> None:
        request = bench.request()
        if door is Door.OPEN:
            bench.arm(door, fault)
            with pytest.raises(GatewayOutcomeUnknownError):
                bench.gateway.open_checkout(bench.account, request)
            return
        bench.open(request)
        question = bench.question(request)
        bench.arm(door, fault)
        with pytest.raises(GatewayOutcomeUnknownError):
            bench.ask_impatiently(replace(question, poll_url=None) if door is Door.TRACE else question)
