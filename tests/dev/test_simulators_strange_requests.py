"""What no merchant should send is refused by a simulator as its provider refuses things: none of it brings a simulator down."""

import json
from collections.abc import Iterator

import httpx
import pytest

from dev.simulators.ozow import build_app
from dev.simulators.ozow_book import Config
from tests.dev import ozow_shop, payfast_shop, paynow_shop, yoco_shop
from tests.gateways.serving import served

DEEP = b'{"amount":' + b"[" * 100_000
NESTED = b'{"amount": 900, "currency": "ZAR", "metadata": ' + b'{"a":' * 300 + b"1" + b"}" * 301
HALF = "\ud800"  # of a character
STRANGE = [DEEP, NESTED, b'{"amount": NaN}', b'{"amount": Infinity}', json.dumps({"reason": HALF}).encode(), b"\xff"]


@pytest.fixture(scope="module")
def yoco() -> Iterator[str]:
    with yoco_shop.simulated() as url:
        yield url


@pytest.fixture(scope="module")
def payfast() -> Iterator[str]:
    with payfast_shop.simulated() as url:
        yield url


@pytest.fixture(scope="module")
def ozow() -> Iterator[str]:
    with served(build_app(Config.load(ozow_shop.SETTINGS))) as url:
        yield url


@pytest.fixture(scope="module")
def paynow() -> Iterator[str]:
    with paynow_shop.simulated() as url:
        yield url


@pytest.mark.parametrize("body", STRANGE)
def test_yoco_refuses_a_body_that_is_no_object_of_its_own(yoco: str, body: bytes) -> None:
    with yoco_shop.visiting(yoco, yoco_shop.LIVE_KEY) as shop:
        refund = f"/api/checkouts/{shop.checkout()['id']}/refund"
        for path in ("/api/checkouts", refund, "/api/webhooks"):
            answer = shop.http.post(path, content=body)
            assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_request")


@pytest.mark.parametrize("change", [{"successUrl": f"https://shop.example.com/{HALF}"}, {"metadata": {"order": HALF}}])
def test_yoco_refuses_half_of_a_character(yoco: str, change: dict[str, object]) -> None:
    with yoco_shop.visiting(yoco) as shop:
        assert shop.http.post("/api/checkouts", content=json.dumps(shop.order(**change))).status_code == 400


@pytest.mark.parametrize("url", ["http://[::1", "http://[x]/"])
def test_yoco_refuses_a_webhook_address_that_is_none(yoco: str, url: str) -> None:
    with yoco_shop.visiting(yoco) as shop:
        answer = shop.http.post("/api/webhooks", json={"name": "shop", "url": url})
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_url")


@pytest.mark.parametrize("body", [*STRANGE, '{"é": 1}'.encode()])
def test_payfast_refuses_a_call_whose_body_it_cannot_have_signed(payfast: str, body: bytes) -> None:
    with payfast_shop.visiting(payfast) as shop:
        shop.press(shop.page())
        signed = shop.api("POST", f"/refunds/{shop.shown()['pf_payment_id']}", body={}).request
        headers = {name: signed.headers[name] for name in ("merchant-id", "version", "timestamp", "signature")}
        answer = shop.http.post(str(signed.url), content=body, headers=headers)
        assert (answer.status_code, answer.json()["data"]["response"]) == (401, "Merchant authorization failed.")


def test_payfast_refuses_a_form_that_cannot_be_read_on_its_page_and_in_a_link(payfast: str) -> None:
    with payfast_shop.visiting(payfast) as shop:
        assert shop.http.post(shop.page(), content=b"decision=%FF").status_code == 400
        assert shop.http.get("/eng/process", params=httpx.QueryParams("a=%FF")).status_code == 400
        assert shop.shown()["status"] == "OPEN"


@pytest.mark.parametrize("body", [*STRANGE, json.dumps({"Customer": HALF}).encode()])
def test_ozow_refuses_a_request_that_is_not_json(ozow: str, body: bytes) -> None:
    with ozow_shop.visiting(ozow) as shop:
        answer = shop.http.post("/PostPaymentRequest", content=body, headers={"ApiKey": ozow_shop.API_KEY})
        assert answer.status_code == 400
        assert "is not JSON" in answer.json()["errorMessage"] or body == NESTED


def token(shop: ozow_shop.Shop) -> dict[str, str]:
    asked = {"grant_type": "password", "SiteCode": ozow_shop.SITE}
    answer = shop.http.post("/token", data=asked, headers={"ApiKey": ozow_shop.API_KEY})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "1e-999999999", "1e0", "0.001", "-1", "\u0661.\u0660\u0660", ""])
def test_ozow_refunds_no_amount_that_is_none(ozow: str, amount: str) -> None:
    with ozow_shop.visiting(ozow) as shop:
        shop.pay(shop.ask())
        paid = shop.rows()[0]["transactionId"]
        order = {"transactionId": paid, "amount": amount, "hashCheck": ozow_shop.hashed(paid + amount)}
        [told] = shop.http.post("/secure/refunds/submit", json=[order], headers=token(shop)).json()
        assert (told["refundId"], told["errors"]) == (None, ["amount is not a valid amount."])


def test_ozow_refuses_half_of_a_character_in_a_refund(ozow: str) -> None:
    with ozow_shop.visiting(ozow) as shop:
        body = json.dumps([{"refundReason": HALF}]).encode()
        assert shop.http.post("/secure/refunds/submit", content=body, headers=token(shop)).status_code == 400


@pytest.mark.parametrize("value", ["abc", -1, "nan", "Infinity"])
@pytest.mark.parametrize("kind", ["latency", "drop_after_effect"])
def test_a_fault_is_not_armed_with_a_value_that_it_cannot_use(paynow: str, kind: str, value: object) -> None:
    with paynow_shop.visiting(paynow) as shop:
        fault = {"operation": "poll", "kind": kind, "value": value}
        refused = shop.http.post("/_control/faults", json=fault)
        assert (refused.status_code, "value:" in refused.json()["detail"]) == (422, True)
        assert shop.http.get("/_control/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("operation", "kind", "value"),
    [("create", "in_progress", "abc"), ("create", "error", "no"), ("poll", "amount_changed", "7.00"), ("poll", "html", "99")],
)
def test_yocos_faults_have_numbers_of_their_own(yoco: str, operation: str, kind: str, value: str) -> None:
    with yoco_shop.visiting(yoco) as shop:
        fault = {"operation": operation, "kind": kind, "value": value}
        assert shop.http.post("/_control/faults", json=fault).status_code == 422


def test_ozow_tells_no_amount_that_is_none(ozow: str) -> None:
    with ozow_shop.visiting(ozow) as shop:
        fault = {"operation": "by_reference", "kind": "amount_changed", "value": "lots"}
        assert shop.http.post("/_control/faults", json=fault).status_code == 422
