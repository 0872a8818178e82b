"""The Ozow simulator's notifications, refunds and faults, and the program itself."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from dev.simulators.ozow import build_app
from dev.simulators.ozow_book import Config
from tests.dev.ozow_shop import API_KEY, KEY, SETTINGS, SITE, Shop, genuine, hashed, opened, visiting
from tests.gateways.serving import Merchant, eventually, served


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with served(build_app(Config.load(SETTINGS))) as url:
        yield url


@pytest.fixture
def shop(simulator: str) -> Iterator[Shop]:
    with visiting(simulator) as shop:
        yield shop


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    merchant = Merchant()
    yield merchant
    merchant.close()


def test_a_notification_has_the_documented_fields_in_order_and_a_right_hash(shop: Shop, merchant: Merchant) -> None:
    shop.pay(shop.ask(NotifyUrl=merchant.url))
    [update] = eventually(lambda: merchant.posted, "the notification")
    told = genuine(update.body)
    assert list(told)[:5] == ["SiteCode", "TransactionId", "TransactionReference", "Amount", "Status"]
    assert (told["Status"], told["IsTest"], told["BankName"]) == ("Complete", "false", "FNB")
    assert update.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_try_that_is_pending_is_told_when_it_is_decided(shop: Shop, merchant: Merchant) -> None:
    shop.ask(NotifyUrl=merchant.url)
    for status in ("PendingInvestigation", "Complete"):
        shop.move(shop.reference, status)
        eventually(lambda: merchant.posted and genuine(merchant.posted[-1].body)["Status"] == status, status)  # noqa: B023 - asked within the loop
    assert len({genuine(update.body)["TransactionId"] for update in merchant.posted}) == 1
    assert [row["status"] for row in shop.rows()] == ["Complete"]


def test_a_notification_is_sent_again_until_it_is_taken(shop: Shop, merchant: Merchant) -> None:
    merchant.answers = [500, 302, 404]
    shop.pay(shop.ask(NotifyUrl=merchant.url))
    eventually(lambda: len(merchant.posted) >= 4, "the fourth")
    assert len({update.body for update in merchant.posted}) == 1


def test_a_merchant_that_cannot_be_reached_is_tried_five_times(shop: Shop) -> None:
    shop.pay(shop.ask(NotifyUrl="http://127.0.0.1:1/nobody"))

    def posted() -> list[dict[str, Any]]:
        [tried] = shop.control("GET", f"transactions/{shop.reference}")["transactions"]
        found: list[dict[str, Any]] = tried["posted"]
        return found

    eventually(lambda: len(posted()) >= 5, "five attempts")
    assert {update["http_status"] for update in posted()} == {None}


@pytest.mark.parametrize(
    ("kind", "value", "name", "told"),
    [
        ("amount_changed", None, "Amount", "26.00"),
        ("amount_changed", "7.00", "Amount", "7.00"),
        ("currency_changed", None, "CurrencyCode", "USD"),
        ("mode_changed", None, "IsTest", "true"),
    ],
)
def test_a_notification_can_tell_what_was_never_asked_and_is_signed_all_the_same(
    shop: Shop, merchant: Merchant, kind: str, value: str | None, name: str, told: str
) -> None:
    shop.control("POST", "faults", operation="notification", kind=kind, value=value)
    shop.pay(shop.ask(NotifyUrl=merchant.url))
    [update] = eventually(lambda: merchant.posted, "the notification")
    assert genuine(update.body)[name] == told


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("amount_changed", "amount", 26),
        ("currency_changed", "currencyCode", "USD"),
        ("mode_changed", "isTest", True),
        ("out_of_order", "status", "Pending"),
    ],
)
def test_the_status_api_can_tell_it_too(shop: Shop, kind: str, name: str, told: object) -> None:
    shop.pay(shop.ask())
    shop.control("POST", "faults", operation="by_reference", kind=kind)
    assert shop.rows()[0][name] == told
    assert shop.rows()[0].get(name) != told


def test_a_notification_that_never_comes_leaves_the_status_right_and_can_be_resent(shop: Shop, merchant: Merchant) -> None:
    shop.control("POST", "faults", operation="notification", kind="never")
    shop.pay(shop.ask(NotifyUrl=merchant.url))
    assert shop.rows()[0]["status"] == "Complete"
    shop.control("POST", f"transactions/{shop.reference}/resend")
    eventually(lambda: merchant.posted, "the resend")
    assert len(merchant.posted) == 1


def test_a_refusal_can_be_ordered_in_ozows_words(shop: Shop) -> None:
    shop.control("POST", "faults", operation="request", kind="error", value="Merchant is not active.")
    assert shop.ask() == {"paymentRequestId": None, "url": None, "errorMessage": "Merchant is not active."}
    assert shop.ask()["errorMessage"] is None


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"operation": "poll", "kind": "html"}, "operation: 'poll' is not known"),
        ({"operation": "notification", "kind": "html"}, "kind: 'html' cannot befall notification"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_its_field(shop: Shop, order: dict[str, object], words: str) -> None:
    answer = shop.http.post("/_control/faults", json=order)
    assert (answer.status_code, words in answer.json()["detail"]) == (422, True)


def test_a_try_is_moved_by_its_own_id_and_by_reference_only_while_it_is_open(shop: Shop) -> None:
    made = shop.ask()
    shop.move(made["paymentRequestId"], "Cancelled")
    shop.move(shop.reference, "Complete")
    [newer, older] = shop.rows()
    assert (newer["status"], older["status"]) == ("Complete", "Cancelled")
    shop.move(older["transactionId"], "Complete")
    assert [row["status"] for row in shop.rows()] == ["Complete", "Complete"]


def test_what_nobody_tried_to_pay_cannot_be_resent(shop: Shop) -> None:
    shop.ask()
    assert shop.http.post(f"/_control/transactions/{shop.reference}/resend").status_code == 409
    assert shop.http.post("/_control/transactions/nobody/resend").status_code == 404


def refund(shop: Shop, amount: str, notify_url: str = "", **changes: str) -> dict[str, Any]:
    """Give back `amount` of the shop's payment as the documents describe it."""
    form = {"grant_type": "password", "SiteCode": SITE}
    token = shop.http.post("/token", data=form, headers={"ApiKey": API_KEY}).raise_for_status().json()["access_token"]
    order = {
        "transactionId": shop.rows()[0]["transactionId"],
        "amount": amount,
        "refundReason": "Too much",
        "notifyUrl": notify_url,
    }
    order |= {"hashCheck": hashed("".join(order.values()))} | changes
    answer = shop.http.post("/secure/refunds/submit", json=[order], headers={"Authorization": f"Bearer {token}"})
    [told] = answer.raise_for_status().json()
    return dict(told)


def test_a_refund_is_made_in_parts_and_notified_with_a_hash_of_its_own(shop: Shop, merchant: Merchant) -> None:
    shop.pay(shop.ask())
    told = refund(shop, "10.00", merchant.url)
    assert (told["refundAmount"], told["errors"]) == ("10.00", [])
    [update] = eventually(lambda: merchant.posted, "the notification")
    fields = dict(parse_qsl(update.body.decode(), keep_blank_values=True))
    assert fields.pop("Hash") == hashed("".join(fields.values()))
    assert (fields["RefundId"], fields["Amount"], fields["Status"]) == (told["refundId"], "10.00", "1")
    assert refund(shop, "15.00")["errors"] == []
    assert refund(shop, "0.01")["errors"] == ["The refund is more than what is left of the payment."]


@pytest.mark.parametrize("changes", [{"hashCheck": "0" * 128}, {"refundReason": "Another one"}])
def test_a_refund_that_was_touched_has_no_id_and_says_why_with_status_200(shop: Shop, changes: dict[str, str]) -> None:
    shop.pay(shop.ask())
    told = refund(shop, "1.00", **changes)
    assert (told["refundId"], told["errors"]) == (None, ["HashCheck value has failed."])


def test_nothing_is_given_back_of_what_was_not_paid(shop: Shop) -> None:
    shop.press(shop.ask(), decision="cancel")
    assert refund(shop, "1.00")["errors"] == ["The transaction was not found, or was not paid."]


def test_refunds_need_a_token_and_a_token_needs_the_key(shop: Shop) -> None:
    form = {"grant_type": "password", "SiteCode": SITE}
    assert shop.http.post("/token", data=form, headers={"ApiKey": "x"}).status_code == 401
    assert shop.http.post("/token", data={"SiteCode": SITE}, headers={"ApiKey": API_KEY}).status_code == 401
    assert shop.http.post("/secure/refunds/submit", json=[], headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_restart_keeps_what_was_paid_and_no_key(tmp_path: Path) -> None:
    with opened(SETTINGS, tmp_path) as before:
        before.pay(before.ask())
    assert KEY not in (tmp_path / "ozow.json").read_text(encoding="utf-8")
    with opened(SETTINGS, tmp_path) as after:
        assert [row["status"] for row in after.rows(reference=before.reference)] == ["Complete"]


def test_the_program_answers_on_its_port_until_it_is_stopped(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SETTINGS), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    command = [sys.executable, "-m", "dev.simulators.ozow", "--port", str(port), "--config", str(config)]
    program = subprocess.Popen([*command, "--state-dir", str(tmp_path / "state")])
    try:
        shop = Shop(f"http://127.0.0.1:{port}")
        eventually(lambda: healthy(shop), "the start")
        shop.pay(shop.ask())
        assert [row["status"] for row in shop.rows()] == ["Complete"]
        assert (tmp_path / "state" / "ozow.json").exists()
        shop.http.close()
    finally:
        program.terminate()
        assert program.wait(20) in {0, -15}


def healthy(shop: Shop) -> bool:
    try:
        return bool(shop.http.get("/healthz").json() == {"status": "ok"})
    except httpx.TransportError:
        return False
