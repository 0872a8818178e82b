"""The Paynow simulator's page, its updates, its faults, and the program itself."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dev.paynow_shop import KEY, SETTINGS, Shop, genuine, opened, simulated, visiting
from tests.gateways.serving import Merchant, eventually


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with simulated() as url:
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


@pytest.mark.parametrize(("decision", "status"), [("pay", "Paid"), ("cancel", "Cancelled")])
def test_the_page_shows_what_is_paid_and_sends_the_payer_back(shop: Shop, decision: str, status: str) -> None:
    reply = shop.web(additionalinfo="<b>Lessons</b>")
    page = shop.http.get(genuine(reply)["browserurl"])
    assert {shop.reference, "USD 25.00", "&lt;b&gt;Lessons"} == {
        text for text in (shop.reference, "USD 25.00", "&lt;b&gt;Lessons", "<b>Lessons") if text in page.text
    }
    pressed = shop.http.post(genuine(reply)["browserurl"], data={"decision": decision})
    assert (pressed.status_code, pressed.headers["location"]) == (303, "https://shop.example.com/back")
    assert shop.poll(reply)["status"] == status


def test_a_decided_payment_cannot_be_decided_again_on_the_page(shop: Shop) -> None:
    reply = shop.web()
    page = genuine(reply)["browserurl"]
    shop.http.post(page, data={"decision": "pay"})
    assert shop.http.post(page, data={"decision": "cancel"}).status_code == 303
    assert shop.poll(reply)["status"] == "Paid"
    assert "<button" not in shop.http.get(page).text


def test_a_page_that_is_not_there_says_so(shop: Shop) -> None:
    assert shop.http.get("/Payment/ConfirmPayment/1/").status_code == 404
    assert shop.http.post("/Payment/ConfirmPayment/1/", data={"decision": "pay"}).status_code == 404


def test_a_return_address_that_is_no_web_address_is_not_followed(shop: Shop) -> None:
    page = genuine(shop.web(returnurl="javascript:alert(1)"))["browserurl"]
    assert shop.http.post(page, data={"decision": "pay"}).status_code == 200
    assert "javascript:" not in shop.http.get(page).text


def test_a_change_is_posted_signed_to_the_merchant(shop: Shop, merchant: Merchant) -> None:
    shop.web(resulturl=merchant.url)
    shop.move("Paid", extras={"paymentchannel": "Ecocash"})
    [update] = eventually(lambda: merchant.posted, "the update")
    fields = genuine(update.body.decode())
    assert list(fields)[-2:] == ["paymentchannel", "hash"]
    assert fields["status"] == "Paid"
    assert update.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_extras_that_are_configured_are_in_every_status_message() -> None:
    with opened(SETTINGS | {"update_extras": {"merchantfees": "0.63"}}) as shop:
        assert shop.poll(shop.web())["merchantfees"] == "0.63"


def test_an_update_is_sent_again_ten_times_and_no_more(shop: Shop, merchant: Merchant) -> None:
    merchant.answers = [500] * 11
    shop.web(resulturl=merchant.url)
    shop.move("Paid")
    eventually(lambda: len(merchant.posted) >= 11, "ten resends")
    shop.move("Refunded")
    eventually(lambda: b"status=Refunded" in merchant.posted[-1].body, "the next update")
    assert len([update for update in merchant.posted if b"status=Paid" in update.body]) == 11


def test_a_merchant_that_cannot_be_reached_is_tried_again(shop: Shop) -> None:
    shop.web(resulturl="http://127.0.0.1:1/nobody")
    shop.move("Paid")
    eventually(lambda: len(posted(shop)) >= 11, "ten resends")
    assert {update["http_status"] for update in posted(shop)} == {None}


def posted(shop: Shop) -> list[dict[str, Any]]:
    updates: list[dict[str, Any]] = shop.control("GET", f"transactions/{shop.reference}")["updates"]
    return updates


def test_an_update_that_never_comes_leaves_the_poll_right(shop: Shop, merchant: Merchant) -> None:
    shop.control("POST", "faults", operation="update", kind="never")
    reply = shop.web(resulturl=merchant.url)
    shop.move("Paid")
    shop.control("POST", f"transactions/{shop.reference}/resend")
    eventually(lambda: merchant.posted, "the resend")
    assert len(merchant.posted) == 1
    assert shop.poll(reply)["status"] == "Paid"


def test_a_fault_strikes_as_often_as_asked_and_can_be_taken_back(shop: Shop) -> None:
    shop.control("POST", "faults", operation="poll", kind="html", times=2)
    reply = shop.web()
    url = genuine(reply)["pollurl"]
    assert [shop.http.post(url).text[:9] for _ in range(2)] == ["<!DOCTYPE"] * 2
    assert shop.poll(reply)["status"] == "Created"
    shop.control("POST", "faults", operation="poll", kind="http_500", times=9)
    assert shop.control("DELETE", "faults") == shop.control("GET", "faults") == {"faults": []}
    assert shop.poll(reply)["status"] == "Created"


def test_a_poll_can_tell_an_amount_that_was_never_asked(shop: Shop) -> None:
    reply = shop.web()
    shop.control("POST", "faults", operation="poll", kind="amount_changed", value="7.00")
    assert shop.poll(reply)["amount"] == "7.00"
    assert shop.poll(reply)["amount"] == "25.00"


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"operation": "teleport", "kind": "html"}, "operation: 'teleport' is not known"),
        ({"operation": "update", "kind": "html"}, "kind: 'html' cannot befall update"),
        ({"operation": "poll", "kind": "html", "times": 0}, "times: must be at least 1"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_its_field(shop: Shop, order: dict[str, object], words: str) -> None:
    answer = shop.http.post("/_control/faults", json=order)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_a_transaction_is_found_by_reference_and_by_trace(shop: Shop) -> None:
    shop.web(merchanttrace=shop.mark)
    assert shop.control("GET", f"transactions/{shop.mark}")["reference"] == shop.reference
    assert shop.control("GET", f"transactions/{shop.reference}")["merchanttrace"] == shop.mark
    assert shop.http.get("/_control/transactions/nobody").status_code == 404


def test_a_restart_keeps_transactions_and_what_was_going_to_happen(tmp_path: Path) -> None:
    with opened(SETTINGS | {"delay_scale": 1000}, tmp_path) as before:
        before.express(phone="0771111111", merchanttrace=before.mark)
    file = tmp_path / "paynow.json"
    assert KEY not in file.read_text(encoding="utf-8").lower()
    file.write_text(re.sub(r'"due_at": [0-9.]+', '"due_at": 1.0', file.read_text(encoding="utf-8")), encoding="utf-8")
    with opened(SETTINGS, tmp_path) as shop:
        assert eventually(lambda: shop.trace(before.mark)["status"] == "Paid", "the payment")
        assert (
            int(genuine(shop.web(reference="Next"))["paynowreference"]) == int(shop.trace(before.mark)["paynowreference"]) + 1
        )


def test_the_program_answers_on_its_port_until_it_is_stopped(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SETTINGS), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    command = [sys.executable, "-m", "dev.simulators.paynow", "--port", str(port), "--config", str(config)]
    program = subprocess.Popen([*command, "--state-dir", str(tmp_path / "state")])
    try:
        shop = Shop(f"http://127.0.0.1:{port}")
        eventually(lambda: healthy(shop), "the start")
        assert shop.poll(shop.web())["status"] == "Created"
        assert (tmp_path / "state" / "paynow.json").exists()
        shop.http.close()
    finally:
        program.terminate()
        assert program.wait(20) in {0, -15}


def healthy(shop: Shop) -> bool:
    try:
        return bool(shop.http.get("/healthz").json() == {"status": "ok"})
    except httpx.TransportError:
        return False
