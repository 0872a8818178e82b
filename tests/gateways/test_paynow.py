"""What Paynow's words mean, and what is never sent to it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import CheckoutRequest, GatewayAccount, Inbound, MalformedUpdateError
from gateways.paynow import Paynow, checkout_pairs
from gateways.paynow_wire import encode_pairs, sign_pairs
from gateways.transport import Transport

KEY = "3e9fed89-60e1-4ce5-ab6e-6b1eb2d4f977"
ACCOUNT = GatewayAccount(
    id="gwa_1",
    gateway="paynow",
    currency="USD",
    base_url="https://www.paynow.co.zw",
    result_url="https://billing.example.com/api/webhooks/paynow",
    credentials={"integration_id": "1201", "integration_key": KEY},
)
REQUEST = CheckoutRequest(
    reference="CVT-000012-1",
    trace="0123456789abcdef",
    amount=Money(25_00, "USD"),
    method=PaymentMethod.PAYNOW_ECOCASH,
    description="Invoice CVT-000012",
    return_url="https://billing.example.com/pay/1",
    email="payer@example.com",
    phone="0771111111",
)


@pytest.fixture
def paynow(transport: Transport) -> Paynow:
    return Paynow(transport)


def update(**changes: str) -> Inbound:
    fields = {
        "reference": "CVT-000012-1",
        "paynowreference": "1,082",
        "amount": "25.00",
        "status": "Paid",
        "pollurl": "https://www.paynow.co.zw/Interface/CheckPayment/?guid=1",
    }
    body = encode_pairs(sign_pairs(list((fields | changes).items()), KEY))
    return Inbound(body, {}, None, datetime(2026, 7, 1, 6, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("Paid", Outcome.PAID),
        ("Awaiting Delivery", Outcome.PAID),
        ("Delivered", Outcome.PAID),
        (" PAID ", Outcome.PAID),
        ("Created", Outcome.PENDING),
        ("Sent", Outcome.PENDING),
        ("Cancelled", Outcome.DECLINED),
        ("Failed", Outcome.DECLINED),
        ("Disputed", Outcome.DISPUTED),
        ("Refunded", Outcome.REFUNDED),
        ("Ok", Outcome.UNKNOWN),
        ("Error", Outcome.UNKNOWN),
        ("Teleported", Outcome.UNKNOWN),
    ],
)
def test_each_status_means_one_outcome_and_an_unknown_word_is_no_failure(paynow: Paynow, status: str, outcome: Outcome) -> None:
    state = paynow.verify_update(ACCOUNT, update(status=status))
    assert state.outcome is outcome
    assert state.gateway_status == status.strip()


def test_an_update_is_read_whole(paynow: Paynow) -> None:
    state = paynow.verify_update(ACCOUNT, update(merchantfees="0.63", paymentchannel="Ecocash"))
    assert state.reference == "CVT-000012-1"
    assert state.gateway_reference == "1,082"
    assert state.amount == Money(25_00, "USD")
    assert state.fee == Money(63, "USD")
    assert state.poll_url == "https://www.paynow.co.zw/Interface/CheckPayment/?guid=1"


def test_a_fee_that_cannot_be_read_does_not_stop_the_money(paynow: Paynow) -> None:
    state = paynow.verify_update(ACCOUNT, update(merchantfees="2.5%"))
    assert (state.outcome, state.fee) == (Outcome.PAID, None)


def test_an_amount_that_cannot_be_read_is_never_guessed(paynow: Paynow) -> None:
    with pytest.raises(MalformedUpdateError, match="amount"):
        paynow.verify_update(ACCOUNT, update(amount="1,000.00"))


def test_a_poll_address_elsewhere_is_not_passed_on(paynow: Paynow) -> None:
    state = paynow.verify_update(ACCOUNT, update(pollurl="https://paynow.example.net/?guid=1"))
    assert (state.outcome, state.poll_url) == (Outcome.PAID, None)


@pytest.mark.parametrize("name", ["reference", "paynowreference", "status"])
def test_a_signed_update_without_what_identifies_it_is_malformed(paynow: Paynow, name: str) -> None:
    told = update(**{name: " "})
    with pytest.raises(MalformedUpdateError, match=name):
        paynow.verify_update(ACCOUNT, told)
    with pytest.raises(MalformedUpdateError, match=name):
        paynow.read_update(told)


def test_the_event_key_is_of_the_payment_and_its_status_in_any_case(paynow: Paynow) -> None:
    key = paynow.read_update(update()).event_key
    assert key == "1,082/cvt-000012-1/paid"
    assert paynow.read_update(update(status="PAID", amount="25")).event_key == key
    assert paynow.read_update(update(status="Refunded")).event_key != key
    assert paynow.read_update(update(paynowreference="1082")).event_key != key
    assert paynow.read_update(update(paynowreference="1/a", reference="b")).event_key != (
        paynow.read_update(update(paynowreference="1", reference="a/b")).event_key
    )


def test_an_express_checkout_sends_phone_email_and_method_with_two_decimals() -> None:
    assert checkout_pairs(ACCOUNT, REQUEST) == [
        ("resulturl", "https://billing.example.com/api/webhooks/paynow"),
        ("returnurl", "https://billing.example.com/pay/1"),
        ("reference", "CVT-000012-1"),
        ("amount", "25.00"),
        ("id", "1201"),
        ("additionalinfo", "Invoice CVT-000012"),
        ("authemail", "payer@example.com"),
        ("phone", "0771111111"),
        ("method", "ecocash"),
        ("merchanttrace", "0123456789abcdef"),
        ("status", "Message"),
    ]


@pytest.mark.parametrize("method", [PaymentMethod.PAYNOW_VISA, PaymentMethod.PAYNOW_MASTERCARD])
def test_a_card_checkout_sends_nothing_of_the_payer(method: PaymentMethod) -> None:
    pairs = checkout_pairs(ACCOUNT, replace(REQUEST, method=method, phone=None, email=""))
    assert {"authemail", "phone", "method"}.isdisjoint(name for name, _ in pairs)


def test_text_is_trimmed_before_it_is_hashed_and_empty_fields_are_left_out() -> None:
    request = replace(REQUEST, reference=" CVT-1\n", description="  ")
    sent = dict(checkout_pairs(ACCOUNT, request))
    assert sent["reference"] == "CVT-1"
    assert "additionalinfo" not in sent


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": None}, "phone"),
        ({"phone": " "}, "phone"),
        ({"email": ""}, "email"),
        ({"amount": Money(25_00, "ZWG")}, "amount"),
        ({"amount": Money(0, "USD")}, "amount"),
        ({"amount": Money(-1, "USD")}, "amount"),
        ({"reference": " "}, "reference"),
        ({"trace": "x" * 33}, "trace"),
        ({"trace": ""}, "trace"),
        ({"method": PaymentMethod.CASH}, "method"),
    ],
)
def test_what_paynow_would_refuse_is_not_sent(paynow: Paynow, change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        paynow.open_checkout(ACCOUNT, replace(REQUEST, **change))  # type: ignore[arg-type]  # the table mixes fields
    assert raised.value.field == field


def test_an_account_without_its_key_says_which_credential_is_missing(paynow: Paynow) -> None:
    account = replace(ACCOUNT, credentials={"integration_id": "1201"})
    with pytest.raises(InvalidInputError, match="integration_key: Account gwa_1"):
        paynow.open_checkout(account, REQUEST)
