"""Opening a checkout at Yoco: what is sent, and what each answer means."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways.base import GatewayOutcomeUnknownError
from gateways.transport import Transport
from gateways.yoco import Yoco
from tests.gateways.yoco_script import ACCOUNT, CHECKOUT, REQUEST, SECRET_KEY, Script, scripted


@pytest.fixture(scope="module")
def played() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def script(played: Script) -> Script:
    played.answers.clear()
    played.seen.clear()
    return played


@pytest.fixture
def yoco(transport: Transport) -> Yoco:
    return Yoco(transport)


def test_a_checkout_asks_for_cents_with_our_reference_and_three_ways_back(yoco: Yoco, script: Script) -> None:
    script.says(200, CHECKOUT)
    yoco.open_checkout(script.account, REQUEST)
    [asked] = script.seen
    assert (asked.method, asked.path) == ("POST", "/api/checkouts")
    assert asked.headers["authorization"] == f"Bearer {SECRET_KEY}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["idempotency-key"] == REQUEST.trace
    assert json.loads(asked.body) == {
        "amount": 14950,
        "currency": "ZAR",
        "successUrl": "https://billing.example.com/pay/abc?back=paid",
        "cancelUrl": "https://billing.example.com/pay/abc?back=cancelled",
        "failureUrl": "https://billing.example.com/pay/abc?back=failed",
        "externalId": REQUEST.reference,
        "metadata": {"reference": REQUEST.reference},
    }


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_open_checkout_is_known_by_its_id_and_polled_under_the_api(yoco: Yoco, script: Script, status: int) -> None:
    script.says(status, CHECKOUT)
    checkout = yoco.open_checkout(replace(script.account, base_url=f"{script.account.base_url}/"), REQUEST)
    assert checkout.outcome is Outcome.PENDING
    assert checkout.checkout_id == CHECKOUT["id"]
    assert checkout.redirect_url == CHECKOUT["redirectUrl"]
    assert checkout.poll_url == f"{script.account.base_url}/checkouts/{CHECKOUT['id']}"
    assert checkout.gateway_reference is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": Money(1_99, "ZAR")}, "amount"),
        ({"amount": Money(25_00, "USD")}, "amount"),
        ({"method": PaymentMethod.OZOW}, "method"),
        ({"reference": " "}, "reference"),
        ({"trace": ""}, "trace"),
        ({"trace": "x" * 33}, "trace"),
        ({"trace": "a\nb"}, "trace"),
    ],
)
def test_what_yoco_would_refuse_is_not_sent(yoco: Yoco, change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        yoco.open_checkout(ACCOUNT, replace(REQUEST, **change))  # type: ignore[arg-type]  # the table mixes fields
    assert raised.value.field == field


def test_two_rand_is_enough(yoco: Yoco, script: Script) -> None:
    script.says(200, CHECKOUT)
    assert yoco.open_checkout(script.account, replace(REQUEST, amount=Money(2_00, "ZAR"))).outcome is Outcome.PENDING


@pytest.mark.parametrize(
    "credentials", [{}, {"secret_key": " "}, {"secret_key": "sk_live_1\nX: 1"}, {"secret_key": "sk_live_é"}]
)
def test_an_account_without_a_key_that_can_be_sent_says_so(yoco: Yoco, credentials: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match="gwa_1") as raised:
        yoco.open_checkout(replace(ACCOUNT, credentials=credentials), REQUEST)
    assert raised.value.field == "secret_key"


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_yoco_does_not_take_is_named_and_not_shown(yoco: Yoco, script: Script, status: int) -> None:
    script.says(status, {"errorMessage": f"Key {SECRET_KEY} is wrong"})
    with pytest.raises(InvalidInputError, match="gwa_1") as raised:
        yoco.open_checkout(script.account, REQUEST)
    assert raised.value.field == "secret_key"
    assert SECRET_KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errorType": "x", "errorMessage": "The amount is\ttoo large.", "displayMessage": "no"}, "The amount is too large."),
        ({"description": "Metadata is wrong"}, "Metadata is wrong"),
        ({"errorMessage": " ", "displayMessage": "Please try later"}, "Please try later"),
        ({"errorMessage": 7}, "Yoco refused the checkout and gave no reason (HTTP 422)."),
        ("", "Yoco refused the checkout and gave no reason (HTTP 422)."),
        ("nothing", "Yoco refused the checkout and gave no reason (HTTP 422)."),
    ],
)
def test_a_refusal_is_an_answer_with_yocos_words(yoco: Yoco, script: Script, body: object, words: str) -> None:
    script.says(422, body)
    checkout = yoco.open_checkout(script.account, REQUEST)
    assert (checkout.outcome, checkout.decline_reason) == (Outcome.DECLINED, words)
    assert (checkout.poll_url, checkout.redirect_url) == (None, None)


@pytest.mark.parametrize("status", [204, 302, 408, 409, 425, 429, 500, 502])
def test_what_is_no_answer_to_the_request_leaves_the_outcome_unknown(yoco: Yoco, script: Script, status: int) -> None:
    script.says(status)
    with pytest.raises(GatewayOutcomeUnknownError, match=str(status)):
        yoco.open_checkout(script.account, REQUEST)
    assert len(script.seen) == 1


@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_a_page_of_whoever_stands_before_yoco_is_no_answer(yoco: Yoco, script: Script, status: int) -> None:
    script.says(status, "\n<!DOCTYPE html><html>Just a moment...</html>")
    with pytest.raises(GatewayOutcomeUnknownError):
        yoco.open_checkout(script.account, REQUEST)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"id": 7},
        {"id": "../../webhooks"},
        {"id": "c" * 101},
        {"redirectUrl": None},
        {"redirectUrl": 1},
    ],
)
def test_a_checkout_without_an_id_or_an_address_leaves_the_outcome_unknown(
    yoco: Yoco, script: Script, change: dict[str, object]
) -> None:
    script.says(200, CHECKOUT | change)
    with pytest.raises(GatewayOutcomeUnknownError):
        yoco.open_checkout(script.account, REQUEST)


@pytest.mark.parametrize("body", ["", "null", "[]", '"ch_1"', "{", '{"id":', "[" * 60_000, "\ufeff{}"])
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(yoco: Yoco, script: Script, body: str) -> None:
    script.says(200, body)
    with pytest.raises(GatewayOutcomeUnknownError):
        yoco.open_checkout(script.account, REQUEST)


@pytest.mark.parametrize(
    "address",
    ["https://yoco.com/x", "https://c.yoco.com/checkout/ch_1", "https://pay.yoco.com:443/checkout?id=1#top"],
)
def test_a_payer_is_sent_to_yocos_domain(yoco: Yoco, script: Script, address: str) -> None:
    script.says(200, CHECKOUT | {"redirectUrl": address})
    assert yoco.open_checkout(script.account, REQUEST).redirect_url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://c.yoco.com/checkout/ch_1",
        "https://c.yoco.com:8443/checkout/ch_1",
        "https://yoco.com.example.net/checkout",
        "https://notyoco.com/checkout",
        "https://payer@c.yoco.com/checkout",
        "https://example.net\\@c.yoco.com/checkout",
        "https://example.net/c.yoco.com",
        "https://c.yoco.com/check out",
        "//c.yoco.com/checkout",
        "javascript:alert(1)",
        "https://[",
        "https://c.yoco.com:x/checkout",
        "",
    ],
)
def test_a_payer_is_sent_nowhere_else(yoco: Yoco, script: Script, address: str) -> None:
    script.says(200, CHECKOUT | {"redirectUrl": address})
    with pytest.raises(GatewayOutcomeUnknownError):
        yoco.open_checkout(script.account, REQUEST)


def test_a_failure_that_is_played_again_is_left_behind_with_a_key_of_its_own(yoco: Yoco, script: Script) -> None:
    for _ in range(2):
        script.says(500, Idempotent_Replayed="true")
    script.says(200, CHECKOUT)
    assert yoco.open_checkout(script.account, REQUEST).outcome is Outcome.PENDING
    keys = [asked.headers["idempotency-key"] for asked in script.seen]
    assert keys == [REQUEST.trace, f"{REQUEST.trace}-2", f"{REQUEST.trace}-3"]


def test_a_new_failure_is_not_followed_by_another_request(yoco: Yoco, script: Script) -> None:
    script.says(503, Idempotent_Replayed="false")
    with pytest.raises(GatewayOutcomeUnknownError, match="503"):
        yoco.open_checkout(script.account, REQUEST)
    assert len(script.seen) == 1


def test_when_every_key_has_failed_before_it_says_so(yoco: Yoco, script: Script) -> None:
    script.says(500, Idempotent_Replayed="true")
    with pytest.raises(GatewayOutcomeUnknownError, match=REQUEST.trace):
        yoco.open_checkout(script.account, REQUEST)
    assert len({asked.headers["idempotency-key"] for asked in script.seen}) == len(script.seen) == 5
