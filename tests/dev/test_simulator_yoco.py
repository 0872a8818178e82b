"""The Yoco simulator's API as Yoco documents it: checkouts, idempotency, refunds and webhook subscriptions."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.dev.yoco_shop import GOOD_CARD, LIVE_KEY, TEST_KEY, Shop, opened, simulated, visiting


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with simulated() as url:
        yield url


@pytest.fixture
def shop(simulator: str) -> Iterator[Shop]:
    with visiting(simulator) as shop:
        yield shop


@pytest.fixture
def live_shop(simulator: str) -> Iterator[Shop]:
    with visiting(simulator, LIVE_KEY) as shop:
        yield shop


def test_a_checkout_is_answered_as_documented(shop: Shop) -> None:
    answer = shop.create(metadata={"order": "7"})
    checkout = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch(r"ch_[A-Za-z0-9]{24}", checkout["id"])
    assert checkout["redirectUrl"] == f"{str(shop.http.base_url).rstrip('/')}/checkout/{checkout['id']}"
    told = {name: checkout[name] for name in ("status", "amount", "currency", "paymentId", "processingMode", "externalId")}
    assert told == {
        "status": "created",
        "amount": 900,
        "currency": "ZAR",
        "paymentId": None,
        "processingMode": "test",
        "externalId": shop.reference,
    }
    assert (checkout["metadata"], checkout["lineItems"], checkout["totalDiscount"]) == ({"order": "7"}, None, None)


def test_the_api_stands_at_the_root_as_well(shop: Shop) -> None:
    checkout = shop.http.post("/checkouts", json=shop.order()).json()
    assert shop.http.get(f"/checkouts/{checkout['id']}").json() == shop.read(checkout)


@pytest.mark.parametrize("authorization", ["", "Bearer sk_test_other", f"Basic {TEST_KEY}", TEST_KEY])
def test_a_missing_or_wrong_key_is_forbidden(shop: Shop, authorization: str) -> None:
    shop.http.headers["Authorization"] = authorization
    for answer in (shop.create(), shop.http.get("/api/checkouts/ch_1"), shop.http.get("/api/webhooks")):
        assert answer.status_code == 403
        assert answer.json()["errorMessage"]
    shop.http.headers["Authorization"] = f"Bearer {TEST_KEY}"


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 199},
        {"amount": 9.0},
        {"amount": "900"},
        {"amount": True},
        {"amount": None},
        {"currency": "USD"},
        {"currency": None},
        {"metadata": "order"},
        {"successUrl": "javascript:alert(1)"},
        {"cancelUrl": 7},
    ],
)
def test_a_checkout_that_cannot_be_is_refused_and_makes_nothing(shop: Shop, change: dict[str, object]) -> None:
    answer = shop.create(None, **change)
    assert answer.status_code == 400
    assert answer.json()["errorMessage"]
    assert shop.http.get(f"/_control/transactions/{shop.reference}").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(shop: Shop, body: bytes) -> None:
    assert shop.http.post("/api/checkouts", content=body).status_code == 400


def test_another_accounts_checkout_is_not_there(shop: Shop, live_shop: Shop) -> None:
    checkout = shop.checkout()
    assert live_shop.http.get(f"/api/checkouts/{checkout['id']}").status_code == 404
    assert live_shop.refund(checkout).status_code == 404


def test_a_key_that_comes_again_is_answered_with_the_same_checkout(shop: Shop) -> None:
    first, second = shop.create("key-1"), shop.create("key-1")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    made = [one for one in shop.control("GET", "transactions")["transactions"] if one["reference"] == shop.reference]
    assert len(made) == 1
    assert shop.create("key-2").json()["id"] != shop.create().json()["id"] != first.json()["id"]


def test_a_key_is_its_accounts_own(shop: Shop, live_shop: Shop) -> None:
    assert shop.create("shared").json()["id"] != live_shop.create("shared").json()["id"]


def test_a_key_with_another_request_is_refused(shop: Shop) -> None:
    shop.create("key-3")
    assert shop.create("key-3", amount=901).status_code == 422


@pytest.mark.parametrize(("kind", "status"), [("http_500", 500), ("error", 429)])
def test_a_failure_is_played_again_until_another_key_is_used(shop: Shop, kind: str, status: int) -> None:
    shop.control("POST", "faults", operation="create", kind=kind, value=status)
    first, again, other = shop.create(f"a-{kind}"), shop.create(f"a-{kind}"), shop.create(f"b-{kind}")
    assert (first.status_code, again.status_code, other.status_code) == (status, status, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == first.content


def test_a_refusal_is_played_again_too(shop: Shop) -> None:
    first, again = shop.create("key-4", amount=1), shop.create("key-4", amount=1)
    assert (first.status_code, again.status_code, again.content) == (400, 400, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_an_answer_that_was_lost_is_played_again_as_it_was_made(shop: Shop) -> None:
    shop.control("POST", "faults", operation="create", kind="drop_after_effect")
    assert shop.create("key-5").status_code == 503
    assert shop.create("key-5").json()["id"] == shop.control("GET", "transactions/key-5")["checkoutId"]


def test_a_key_that_is_being_worked_on_is_told_to_wait(shop: Shop) -> None:
    shop.control("POST", "faults", operation="create", kind="in_progress", value=3)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(shop.create, ["key-6", "key-6"]))
    made, waiting = sorted(answers, key=lambda answer: answer.status_code)
    assert (made.status_code, waiting.status_code) == (200, 409)
    assert shop.create("key-6").content == made.content


def test_a_live_checkout_is_refunded_whole_and_only_once(live_shop: Shop) -> None:
    checkout = live_shop.checkout()
    live_shop.press(checkout, **GOOD_CARD)
    answer = live_shop.refund(checkout)
    assert answer.status_code == 200
    assert answer.json()["id"] == checkout["id"]
    assert re.fullmatch(r"rfd_[A-Za-z0-9]{24}", answer.json()["refundId"])
    again = live_shop.refund(checkout)
    assert (again.status_code, again.json()["description"]) == (400, "Payment has already been refunded.")


def test_a_checkout_is_refunded_in_parts_up_to_what_was_paid(live_shop: Shop) -> None:
    checkout = live_shop.checkout()
    live_shop.press(checkout, **GOOD_CARD)
    asked = [live_shop.refund(checkout, amount=amount).status_code for amount in (300, 601, 0, -1, 600)]
    assert asked == [200, 400, 400, 400, 200]


def test_a_refund_under_the_same_key_gives_money_back_once(live_shop: Shop) -> None:
    checkout = live_shop.checkout()
    live_shop.press(checkout, **GOOD_CARD)
    live_shop.http.headers["Idempotency-Key"] = "refund-1"
    first, again = live_shop.refund(checkout, amount=300), live_shop.refund(checkout, amount=300)
    assert first.json()["refundId"] == again.json()["refundId"]
    assert live_shop.control("GET", f"transactions/{checkout['id']}")["refunded"] == 300


def test_what_was_not_paid_or_was_play_money_cannot_be_refunded(shop: Shop, live_shop: Shop) -> None:
    unpaid, play = live_shop.checkout(), shop.checkout()
    shop.press(play, **GOOD_CARD)
    assert (live_shop.refund(unpaid).status_code, shop.refund(play).status_code) == (400, 400)


def test_a_simulator_that_was_told_so_refunds_play_money() -> None:
    with opened(refund_test_mode=True) as shop:
        checkout = shop.checkout()
        shop.press(checkout, **GOOD_CARD)
        assert shop.refund(checkout).status_code == 200


def test_a_webhook_shows_its_secret_once(shop: Shop) -> None:
    made = shop.http.post("/api/webhooks", json={"name": "shop", "url": "https://shop.example.com/yoco"}).json()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{32}", made["secret"])
    listed = shop.http.get("/api/webhooks").json()["subscriptions"]
    assert listed == [{name: made[name] for name in ("id", "name", "url", "mode")}]
    assert shop.http.delete(f"/api/webhooks/{made['id']}").is_success
    assert shop.http.get("/api/webhooks").json() == {"subscriptions": []}
    assert shop.http.delete(f"/api/webhooks/{made['id']}").status_code == 404


def test_an_account_has_five_webhooks_at_most(shop: Shop, live_shop: Shop) -> None:
    asked = {"name": "shop", "url": "https://shop.example.com/yoco"}
    assert [shop.http.post("/api/webhooks", json=asked).status_code for _ in range(6)] == [200] * 5 + [400]
    assert live_shop.http.get("/api/webhooks").json() == {"subscriptions": []}


@pytest.mark.parametrize(
    "asked", [{"name": "shop"}, {"url": "https://shop.example.com"}, {"name": "shop", "url": "mailto:a@b.c"}]
)
def test_a_webhook_without_name_or_address_is_refused(shop: Shop, asked: dict[str, str]) -> None:
    assert shop.http.post("/api/webhooks", json=asked).status_code == 400
