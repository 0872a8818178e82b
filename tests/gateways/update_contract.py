"""What every gateway must make of the updates that come in: repeated, reordered, forged, or about something else."""

from dataclasses import replace

import pytest

from domain.money import Money
from domain.payment import Outcome, mismatch
from gateways.base import BadSignatureError, CheckoutRequest, MalformedUpdateError, PaymentState
from tests.gateways.bench import Bench, Door, Fault


def settles(request: CheckoutRequest, state: PaymentState) -> bool:
    """Whether the house would settle on this word: it is about what was asked for, to the cent."""
    wrong = mismatch(request.reference, request.amount, state.reference, state.amount, is_other_mode=state.is_other_mode)
    return wrong is None


class UpdateContract:
    """Updates: repeated, reordered, forged, and about something else than was asked for."""

    def test_an_update_that_comes_again_has_the_same_event_key(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, Fault.DUPLICATE)
        bench.pay(request.reference)
        bench.updates(request.reference, 2)
        bench.resend(request.reference)
        updates = bench.updates(request.reference, 3)
        assert len({bench.gateway.read_update(update.inbound()).event_key for update in updates}) == 1
        assert bench.look(request).others == ()

    def test_updates_of_two_payments_have_two_event_keys(self, bench: Bench) -> None:
        first, second = bench.request(), bench.request()
        keys = set()
        for request in (first, second):
            bench.open(request)
            bench.pay(request.reference)
            [update] = bench.updates(request.reference)
            keys.add(bench.gateway.read_update(update.inbound()).event_key)
        assert len(keys) == 2

    def test_an_amount_that_differs_is_told_as_it_came(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, Fault.OTHER_AMOUNT)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        told = bench.gateway.verify_update(bench.account, update.inbound())
        assert isinstance(told.amount, Money)
        assert told.amount != request.amount
        assert not settles(request, told)

    @pytest.mark.parametrize("fault", [Fault.WRONG_SIGNATURE, Fault.NO_SIGNATURE])
    def test_an_update_without_the_right_signature_is_refused(self, bench: Bench, fault: Fault) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, fault)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        with pytest.raises(BadSignatureError):
            bench.gateway.verify_update(bench.account, update.inbound())

    def test_a_genuine_update_that_was_touched_is_refused(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        assert bench.gateway.verify_update(bench.account, update.inbound()).outcome is Outcome.PAID
        for touched in bench.tampered(update):
            with pytest.raises(BadSignatureError):
                bench.gateway.verify_update(bench.account, touched.inbound())

    def test_an_update_signed_for_another_account_is_refused(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        other = replace(bench.account, credentials=bench.other_credentials())
        with pytest.raises(BadSignatureError):
            bench.gateway.verify_update(other, update.inbound())

    @pytest.mark.parametrize(
        "body", [b"", b"<html><body>hello</body></html>", b"\xff\xfe=\x80", b'{"type":"nothing"}', b"[]", b"null", b"{" * 9000]
    )
    def test_what_is_not_an_update_is_refused_as_malformed(self, bench: Bench, body: bytes) -> None:
        request = bench.request()
        bench.open(request)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        with pytest.raises(MalformedUpdateError):
            bench.gateway.read_update(replace(update, body=body).inbound())

    def test_no_secret_shows_in_an_error(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, Fault.WRONG_SIGNATURE)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        with pytest.raises(BadSignatureError) as raised:
            bench.gateway.verify_update(bench.account, update.inbound())
        told = f"{raised.value} {raised.value!r} {bench.account!r}"
        assert bench.account.id in told
        assert not [secret for secret in bench.account.credentials.values() if len(secret) > 8 and secret in told]


class ReorderedUpdateContract:
    """For a provider that tells of a payment more than once."""

    def test_an_update_out_of_order_is_another_event_and_asking_knows_better(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, Fault.OUT_OF_ORDER)
        bench.pay(request.reference)
        newer, older = bench.updates(request.reference, 2)
        assert bench.gateway.verify_update(bench.account, newer.inbound()).outcome is Outcome.PAID
        assert bench.gateway.verify_update(bench.account, older.inbound()).outcome is not Outcome.PAID
        keys = {bench.gateway.read_update(update.inbound()).event_key for update in (newer, older)}
        assert len(keys) == 2
        assert bench.look(request).outcome is Outcome.PAID


class CurrencyContract:
    """For a provider whose messages name a currency."""

    def test_another_currency_is_told_as_it_came_and_settles_nothing(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, Fault.OTHER_CURRENCY)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        told = bench.gateway.verify_update(bench.account, update.inbound())
        assert told.amount is None or told.amount.currency != request.amount.currency
        assert not settles(request, told)


class ModeContract:
    """For a provider whose messages say whether the money was real."""

    def test_a_test_event_on_a_live_account_settles_nothing(self, bench: Bench) -> None:
        request = bench.request()
        bench.open(request)
        bench.arm(Door.UPDATE, Fault.OTHER_MODE)
        bench.pay(request.reference)
        [update] = bench.updates(request.reference)
        told = bench.gateway.verify_update(bench.account, update.inbound())
        assert told.is_other_mode
        assert not settles(request, told)
