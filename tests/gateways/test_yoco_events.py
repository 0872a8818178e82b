"""What Yoco's events mean, and which are none."""

from typing import Any

import pytest

from domain.money import Money
from domain.payment import Outcome
from gateways.base import MalformedUpdateError, PaymentState
from gateways.transport import Transport
from gateways.yoco import Yoco
from tests.gateways.yoco_events import PAYMENT, REFUND, body_of, changed, sent
from tests.gateways.yoco_script import ACCOUNT


@pytest.fixture
def yoco(transport: Transport) -> Yoco:
    return Yoco(transport)


def told(yoco: Yoco, event: object) -> PaymentState:
    """What an event says when it comes, which is what it says when it was kept."""
    body = body_of(event)
    state = yoco.verify_update(ACCOUNT, sent(body))
    assert yoco.confirm_update(ACCOUNT, yoco.keepable(body)) == state
    return state


def test_a_payment_is_told_whole(yoco: Yoco) -> None:
    state = told(yoco, PAYMENT)
    assert state.outcome is Outcome.PAID
    assert state.gateway_reference == "p_bx4bY9JA6r4UwAKFyAjHY2bE"
    assert state.gateway_status == "payment.succeeded"
    assert state.amount == Money(9_00, "ZAR")
    assert (state.card_brand, state.card_last_four) == ("visa", "1111")
    assert (state.reference, state.fee, state.is_other_mode) == (None, None, False)


def test_a_refund_is_told_of_the_payment_that_it_gives_back(yoco: Yoco) -> None:
    state = told(yoco, REFUND)
    assert state.outcome is Outcome.REFUNDED
    assert state.gateway_reference == "p_bx4bY9JA6r4UwAKFyAjHY2bE"
    assert state.amount == Money(9_00, "ZAR")
    assert (state.card_brand, state.card_last_four) == (None, None)


def test_a_refund_of_a_part_tells_how_much(yoco: Yoco) -> None:
    state = told(yoco, changed(REFUND, {"amount": 300, "refundableAmount": 600}))
    assert (state.outcome, state.amount) == (Outcome.REFUNDED, Money(3_00, "ZAR"))


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        ("payment.succeeded", "succeeded", Outcome.PAID),
        ("payment.succeeded", "failed", Outcome.UNKNOWN),
        ("payment.succeeded", "Succeeded", Outcome.UNKNOWN),
        ("payment.succeeded", None, Outcome.UNKNOWN),
        ("payment.failed", "failed", Outcome.DECLINED),
        ("payment.failed", "succeeded", Outcome.UNKNOWN),
        ("refund.succeeded", "successful", Outcome.REFUNDED),
        ("refund.failed", "failed", Outcome.UNKNOWN),
        ("payment.created", "succeeded", Outcome.UNKNOWN),
        ("payment.refunded", "succeeded", Outcome.UNKNOWN),
    ],
)
def test_each_event_means_one_outcome_and_an_unknown_one_is_no_failure(
    yoco: Yoco, kind: str, status: str | None, outcome: Outcome
) -> None:
    assert told(yoco, changed(PAYMENT, {"status": status}, type=kind)).outcome is outcome


@pytest.mark.parametrize(
    "change",
    [
        {"amount": None},
        {"amount": "900"},
        {"amount": 9.5},
        {"amount": 900.0},
        {"amount": float("nan")},
        {"amount": True},
        {"amount": -900},
        {"amount": 10**16},
        {"amount": {"value": 900}},
        {"currency": "XXX"},
        {"currency": None},
        {"currency": "zar"},
    ],
)
def test_an_amount_that_makes_no_sense_is_never_guessed(yoco: Yoco, change: dict[str, Any]) -> None:
    state = told(yoco, changed(PAYMENT, change))
    assert (state.outcome, state.amount) == (Outcome.PAID, None)


def test_another_currency_is_told_as_it_came(yoco: Yoco) -> None:
    assert told(yoco, changed(PAYMENT, {"currency": "USD"})).amount == Money(9_00, "USD")


@pytest.mark.parametrize(("mode", "is_other"), [("live", False), ("test", True), ("sandbox", True), (None, False)])
def test_a_test_event_is_told_apart_on_a_live_account(yoco: Yoco, mode: str | None, is_other: bool) -> None:
    assert told(yoco, changed(PAYMENT, {"mode": mode})).is_other_mode is is_other


@pytest.mark.parametrize("payment_id", [None, "", 7, "p 1", "p_\u0000", "p" * 101])
def test_a_payment_without_a_sensible_id_is_told_without_one(yoco: Yoco, payment_id: object) -> None:
    state = told(yoco, changed(PAYMENT, {"id": payment_id}))
    assert (state.outcome, state.gateway_reference) == (Outcome.PAID, None)


def test_fields_that_yoco_adds_are_left_alone(yoco: Yoco) -> None:
    state = told(
        yoco, changed(PAYMENT, {"metadata": {"checkoutId": "ch_1", "reference": "é \ud83d\ude00 \u0000"}}, more=[1, {}])
    )
    assert state.outcome is Outcome.PAID
    assert state.raw.isascii()


def test_an_event_is_known_by_its_id_and_its_checkout(yoco: Yoco) -> None:
    update = yoco.read_update(sent(body_of(PAYMENT)))
    assert (update.event_key, update.checkout_id, update.reference) == ("evt_sample", "ch_9LVKD8GnAj7f39DFbn4F16bE", None)


def test_an_id_longer_than_the_inbox_takes_is_cut(yoco: Yoco) -> None:
    assert yoco.read_update(sent(body_of(changed(PAYMENT, id="e" * 201)))).event_key == "e" * 200


@pytest.mark.parametrize(
    "event",
    [
        {},
        [PAYMENT],
        "event",
        7,
        changed(PAYMENT, id=None),
        changed(PAYMENT, id=7),
        changed(PAYMENT, id=""),
        changed(PAYMENT, id="evt\u0000"),
        changed(PAYMENT, id="\ud800"),
        changed(PAYMENT, type=None),
        changed(PAYMENT, type=["payment.succeeded"]),
        changed(PAYMENT, {"metadata": None}),
        changed(PAYMENT, {"metadata": []}),
        changed(PAYMENT, {"metadata": {"checkoutId": None}}),
        changed(PAYMENT, {"metadata": {"checkoutId": ["ch_1"]}}),
        changed(PAYMENT, {"metadata": {"checkoutId": "ch_\n"}}),
        changed(PAYMENT, {"metadata": {"checkoutId": "c" * 101}}),
        changed(PAYMENT, {"metadata": {"checkoutid": "ch_1"}}),
        {**PAYMENT, "payload": None},
        {**PAYMENT, "payload": "payload"},
        {**PAYMENT, "payload": [PAYMENT["payload"]]},
    ],
)
def test_a_signed_message_that_is_no_event_is_malformed(yoco: Yoco, event: object) -> None:
    inbound = sent(body_of(event))
    for read in (lambda: yoco.read_update(inbound), lambda: yoco.verify_update(ACCOUNT, inbound)):
        with pytest.raises(MalformedUpdateError):
            read()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"a":' + b"9" * 5_000 + b"}",
        b"{'id':1}",
        b'{"id":1}{"id":2}',
        b"x" * 70_000,
        body_of(PAYMENT) + b" " * 70_000,
    ],
)
def test_what_is_no_json_or_too_deep_or_too_long_is_malformed(yoco: Yoco, body: bytes) -> None:
    inbound = sent(body)
    for read in (lambda: yoco.read_update(inbound), lambda: yoco.verify_update(ACCOUNT, inbound), lambda: yoco.keepable(body)):
        with pytest.raises(MalformedUpdateError):
            read()
