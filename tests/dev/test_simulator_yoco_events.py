"""The Yoco simulator's events, its faults, and the program itself, seen by a merchant that is not ours."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.dev.yoco_shop import DECLINED_CARD, GOOD_CARD, SETTINGS, TEST_KEY, Shop, opened, simulated, visiting
from tests.gateways.serving import Merchant, eventually


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with simulated() as url:
        yield url


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    merchant = Merchant()
    yield merchant
    merchant.close()


@pytest.fixture
def shop(simulator: str, merchant: Merchant) -> Iterator[Shop]:
    with visiting(simulator) as shop:
        shop.subscribe(merchant)
        yield shop


def arm(shop: Shop, kind: str, value: object = None) -> None:
    shop.control("POST", "faults", operation="event", kind=kind, value=value)


def test_a_merchant_by_the_book_collects_and_gives_back(merchant: Merchant) -> None:
    with opened(refund_test_mode=True) as shop:
        shop.subscribe(merchant)
        checkout = shop.checkout()
        shop.press(checkout, **GOOD_CARD)
        [paid] = shop.events(merchant)
        assert (paid["type"], paid["payload"]["status"]) == ("payment.succeeded", "succeeded")
        assert paid["payload"]["metadata"] == {"checkoutId": checkout["id"]}
        assert (paid["payload"]["amount"], paid["payload"]["currency"], paid["payload"]["mode"]) == (900, "ZAR", "test")
        card = paid["payload"]["paymentMethodDetails"]["card"]
        assert card == {"expiryMonth": 8, "expiryYear": 39, "maskedCard": "************1111", "scheme": "visa"}
        refund = shop.refund(checkout, amount=300).json()
        _, returned = shop.events(merchant, 2)
        assert (returned["type"], returned["payload"]["id"]) == ("refund.succeeded", refund["refundId"])
        assert returned["payload"]["paymentId"] == paid["payload"]["id"] == shop.read(checkout)["paymentId"]
        assert (returned["payload"]["amount"], returned["payload"]["refundableAmount"]) == (300, 600)
        assert returned["payload"]["metadata"] == {"checkoutId": checkout["id"]}


def test_an_event_carries_the_headers_of_standard_webhooks(shop: Shop, merchant: Merchant) -> None:
    shop.move(shop.checkout(), "completed")
    [event] = shop.events(merchant)
    headers = merchant.posted[0].headers
    assert headers["webhook-id"] == event["id"]
    assert re.fullmatch(r"\d{10}", headers["webhook-timestamp"])
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", headers["webhook-signature"])
    assert headers["Content-Type"] == "application/json"


def test_the_subscription_of_the_configuration_is_told_as_well(merchant: Merchant) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    account = {"secret_key": TEST_KEY, "webhook_url": merchant.url, "webhook_secret": secret}
    with opened(accounts=[account]) as shop:
        shop.secret = secret
        assert [one["url"] for one in shop.http.get("/api/webhooks").json()["subscriptions"]] == [merchant.url]
        shop.move(shop.checkout(), "completed")
        assert [event["type"] for event in shop.events(merchant)] == ["payment.succeeded"]


def test_a_declined_card_is_not_told(shop: Shop, merchant: Merchant) -> None:
    checkout = shop.checkout()
    shop.press(checkout, **DECLINED_CARD)
    shop.press(checkout, **GOOD_CARD)
    assert [event["type"] for event in shop.events(merchant)] == ["payment.succeeded"]
    assert len(shop.control("GET", f"transactions/{checkout['id']}")["events"]) == 1


def test_a_declined_card_is_told_where_that_is_wanted(merchant: Merchant) -> None:
    with opened(sends_payment_failed=True) as shop:
        shop.subscribe(merchant)
        shop.press(shop.checkout(), **DECLINED_CARD)
        [event] = shop.events(merchant)
        assert (event["type"], event["payload"]["status"]) == ("payment.failed", "failed")
        assert event["payload"]["failureReason"]


def test_an_event_that_is_not_taken_is_sent_eight_times_more_under_the_same_id(shop: Shop, merchant: Merchant) -> None:
    merchant.answers = [500, 302, 404, 503, 400, 500, 500, 500, 500]
    shop.move(shop.checkout(), "completed")
    eventually(lambda: len(merchant.posted) >= 9, "eight more tries")
    shop.move(shop.checkout(), "completed")
    tries = shop.events(merchant, 10)
    assert len({event["id"] for event in tries[:9]}) == 1
    assert len({posted.body for posted in merchant.posted[:9]}) == 1
    assert {posted.headers["webhook-id"] for posted in merchant.posted[:9]} == {tries[0]["id"]}
    assert tries[9]["id"] != tries[0]["id"]


def test_what_was_sent_can_be_looked_at(shop: Shop, merchant: Merchant) -> None:
    checkout = shop.checkout()
    merchant.answers = [500]
    shop.move(checkout, "completed")
    shop.events(merchant, 2)

    def tried() -> list[int] | None:
        [event] = shop.control("GET", f"transactions/{shop.reference}")["events"]
        assert json.loads(event["body"])["type"] == event["type"]
        statuses = [one["http_status"] for one in event["tries"]]
        assert all(one["headers"]["webhook-id"] == event["id"] for one in event["tries"])
        return statuses if len(statuses) == 2 else None

    assert eventually(tried, "the second try") == [500, 200]


@pytest.mark.parametrize("kind", ["wrong_signature", "no_signature", "other_secret", "stale"])
def test_an_event_that_nobody_may_believe(shop: Shop, merchant: Merchant, kind: str) -> None:
    arm(shop, kind)
    shop.move(shop.checkout(), "completed")
    [posted] = eventually(lambda: merchant.posted, "the event")
    with pytest.raises(WebhookVerificationError):
        Webhook(shop.secret).verify(posted.body, dict(posted.headers))


@pytest.mark.parametrize(
    ("kind", "value", "field", "told"),
    [
        ("amount_changed", None, "amount", 1000),
        ("amount_changed", 7, "amount", 7),
        ("currency_changed", None, "currency", "USD"),
        ("mode_changed", None, "mode", "live"),
    ],
)
def test_an_event_may_tell_something_else_and_be_signed(
    shop: Shop, merchant: Merchant, kind: str, value: object, field: str, told: object
) -> None:
    arm(shop, kind, value)
    checkout = shop.checkout()
    shop.move(checkout, "completed")
    assert shop.events(merchant)[0]["payload"][field] == told
    assert shop.read(checkout)["amount"] == 900


def test_a_poll_may_tell_something_else_once(shop: Shop) -> None:
    checkout = shop.checkout()
    shop.control("POST", "faults", operation="poll", kind="mode_changed")
    assert [shop.read(checkout)["processingMode"] for _ in range(2)] == ["live", "test"]


def test_an_event_may_come_twice(shop: Shop, merchant: Merchant) -> None:
    arm(shop, "duplicate")
    checkout = shop.checkout()
    shop.move(checkout, "completed")
    shop.events(merchant, 2)
    shop.control("POST", f"transactions/{checkout['id']}/resend")
    assert len({event["id"] for event in shop.events(merchant, 3)}) == 1


def test_a_refund_may_overtake_its_payment(shop: Shop, merchant: Merchant) -> None:
    checkout = shop.checkout()
    arm(shop, "out_of_order")
    shop.move(checkout, "completed")
    shop.move(checkout, "refunded")
    assert [event["type"] for event in shop.events(merchant, 2)] == ["refund.succeeded", "payment.succeeded"]


def test_an_event_that_never_comes_leaves_the_checkout_right(shop: Shop, merchant: Merchant) -> None:
    arm(shop, "never")
    checkout = shop.checkout()
    shop.move(checkout, "completed")
    shop.control("POST", f"transactions/{checkout['id']}/resend")
    shop.events(merchant)
    assert len(merchant.posted) == 1
    assert shop.read(checkout)["status"] == "completed"


def test_a_refund_may_fail(shop: Shop, merchant: Merchant) -> None:
    checkout = shop.checkout()
    shop.move(checkout, "completed")
    shop.move(checkout, "refund_failed", amount=100)
    _, failed = shop.events(merchant, 2)
    assert (failed["type"], failed["payload"]["status"], failed["payload"]["amount"]) == ("refund.failed", "failed", 100)


def test_a_fault_that_cannot_be_is_refused(shop: Shop) -> None:
    answer = shop.http.post("/_control/faults", json={"operation": "event", "kind": "html"})
    assert (answer.status_code, "cannot befall event" in answer.json()["detail"]) == (422, True)


def test_a_restart_keeps_checkouts_webhooks_and_keys_but_no_secret_key(tmp_path: Path, merchant: Merchant) -> None:
    with simulated(SETTINGS, tmp_path) as url:
        before = Shop(url)
        before.subscribe(merchant)
        checkout = before.create("kept").json()
        before.move(checkout, "completed")
        before.events(merchant)
        before.http.close()
    assert TEST_KEY not in (tmp_path / "yoco.json").read_text(encoding="utf-8")
    with opened(tmp_path) as shop:
        assert shop.read(checkout)["status"] == "completed"
        shop.reference = before.reference
        assert shop.create("kept").headers["Idempotent-Replayed"] == "true"
        shop.secret = before.secret
        shop.move(checkout, "refunded")
        assert shop.events(merchant, 2)[1]["type"] == "refund.succeeded"


def test_the_program_answers_on_its_port_until_it_is_stopped(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SETTINGS), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    command = [sys.executable, "-m", "dev.simulators.yoco", "--port", str(port), "--config", str(config)]
    program = subprocess.Popen([*command, "--state-dir", str(tmp_path / "state")])
    try:
        shop = Shop(f"http://127.0.0.1:{port}")
        eventually(lambda: healthy(shop), "the start")
        assert shop.read(shop.checkout())["status"] == "created"
        assert (tmp_path / "state" / "yoco.json").exists()
        shop.http.close()
    finally:
        program.terminate()
        assert program.wait(20) in {0, -15}


def healthy(shop: Shop) -> bool:
    try:
        return bool(shop.http.get("/healthz").json() == {"status": "ok"})
    except httpx.TransportError:
        return False
