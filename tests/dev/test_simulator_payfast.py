"""The PayFast simulator as browsers and a merchant written from the documents see it: forms, the page, and ITNs."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from tests.dev.payfast_shop import KEY, SETTINGS, Shop, genuine, signed, simulated, visiting
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
    with visiting(simulator, merchant.url) as shop:
        yield shop


def test_the_page_shows_what_is_paid_with_nothing_run_as_markup(shop: Shop) -> None:
    page = shop.http.get(shop.page(item_name="<b>Lessons</b>"))
    assert page.status_code == 200
    assert all(text in page.text for text in (shop.reference, "R149.50", "&lt;b&gt;Lessons", "Complete payment", "Instant EFT"))
    assert "<b>Lessons" not in page.text


def test_the_merchant_is_told_before_the_buyer_comes_back(shop: Shop, merchant: Merchant) -> None:
    answer = shop.press(shop.page())
    assert len(merchant.posted) == 1
    assert (answer.status_code, answer.headers["location"]) == (303, "https://shop.example.com/back?a=1&b=2")


def test_an_itn_has_all_fields_in_the_order_of_the_captures(shop: Shop, merchant: Merchant) -> None:
    shop.press(shop.page())
    fields = genuine(merchant.posted[0].body)
    custom = [f"custom_{kind}{number}" for kind in ("str", "int") for number in range(1, 6)]
    assert list(fields) == [
        *("m_payment_id", "pf_payment_id", "payment_status", "item_name", "item_description"),
        *("amount_gross", "amount_fee", "amount_net", *custom),
        *("name_first", "name_last", "email_address", "merchant_id", "signature"),
    ]
    assert (fields["amount_gross"], fields["amount_fee"], fields["amount_net"]) == ("149.50", "-5.21", "144.29")
    assert (fields["payment_status"], fields["custom_str1"], fields["custom_int2"]) == ("COMPLETE", "a b&c=d", "")
    assert fields["pf_payment_id"] == shop.shown()["pf_payment_id"]
    headers = merchant.posted[0].headers
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Referer"] == "https://www.payfast.co.za"  # by which the official SDK believes it


def test_an_itn_is_confirmed_by_its_own_string_and_no_other(shop: Shop, merchant: Merchant) -> None:
    shop.press(shop.page())
    told = merchant.posted[0].body.partition(b"&signature=")[0]
    for asked, word in [
        (told, "VALID"),
        (told.replace(b"149.50", b"150.50"), "INVALID"),
        (b"testing", "INVALID"),
        (b"\xff", "INVALID"),
    ]:
        assert shop.http.post("/eng/query/validate", content=asked).text == word


def test_a_form_may_come_as_a_link(shop: Shop) -> None:
    answer = shop.http.get(f"/eng/process?{urlencode(signed(shop.fields()))}")
    assert answer.status_code == 303


def test_a_merchant_without_a_passphrase_may_leave_the_signature_out(shop: Shop) -> None:
    fields = shop.fields(merchant_id="10000200", merchant_key="0123456789abc")
    for form in (fields, signed(fields, "")):
        assert shop.http.post("/eng/process", data=form).status_code == 303
    assert shop.http.post("/eng/process", data=signed(fields, "a")).status_code == 400


def test_a_form_is_signed_in_the_order_it_is_posted_in_and_without_blanks(shop: Shop) -> None:
    right = signed(shop.fields())
    turned = dict(reversed(right.items()))
    assert shop.http.post("/eng/process", data={**right, "name_last": " "}).status_code == 303
    for wrong in (
        turned,
        {**right, "amount": "5.00"},
        {**right, "signature": ""},
        shop.fields(),
        signed(shop.fields(), "other"),
    ):
        answer = shop.http.post("/eng/process", data=wrong)
        assert answer.status_code == 400
        assert "Generated signature does not match submitted signature" in answer.text


def test_fields_that_are_not_documented_are_posted_unsigned(shop: Shop) -> None:
    unsigned = {"setup": "cash_on_delivery", "source": "WooCommerce-1.6.7", "submit": "Pay now"}
    right = signed(shop.fields())
    assert shop.http.post("/eng/process", data={**unsigned, **right}).status_code == 303
    assert shop.http.post("/eng/process", data=signed(shop.fields() | unsigned)).status_code == 400


def test_a_zero_may_be_signed_or_left_out_of_the_signature(shop: Shop) -> None:
    fields = shop.fields(custom_int1="0", cycles="0")
    without = {name: value for name, value in fields.items() if value != "0"}
    for form in (signed(fields), fields | {"signature": signed(without)["signature"]}):
        assert shop.http.post("/eng/process", data=form).status_code == 303


def test_only_a_subscription_may_begin_with_nothing(shop: Shop, merchant: Merchant) -> None:
    assert shop.send(amount="0.00").status_code == 400
    assert shop.send(amount="4.99", subscription_type="1").status_code == 400
    shop.press(shop.page(amount="0.00", subscription_type="2"))
    fields = genuine(merchant.posted[0].body)
    assert [fields[name] for name in ("amount_gross", "amount_fee", "amount_net")] == ["0.00", "0.00", "0.00"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"merchant_id": "1"}, "merchant_id:"),
        ({"merchant_key": "1"}, "merchant_id:"),
        ({"amount": "4.99"}, "at least R5.00"),
        ({"amount": "149.5"}, "two decimals"),
        ({"amount": "\u0662\u0665.\u0660\u0660"}, "two decimals"),
        ({"amount": ""}, "amount:"),
        ({"item_name": ""}, "item_name: is required"),
        ({"item_name": "x" * 101}, "item_name: at most 100"),
        ({"custom_str1": "x" * 256}, "custom_str1: at most 255"),
        ({"custom_int1": "seven"}, "custom_int1:"),
    ],
)
def test_a_form_that_is_not_complete_is_refused_by_its_field(shop: Shop, changes: dict[str, str], words: str) -> None:
    answer = shop.send(**changes)
    assert answer.status_code == 400
    assert words in answer.text


def test_a_form_that_cannot_be_read_is_refused(shop: Shop) -> None:
    assert shop.http.post("/eng/process", content=b"a=%FF").status_code == 400


def test_the_same_form_posted_and_paid_twice_is_two_payments(shop: Shop, merchant: Merchant) -> None:
    pages = [shop.page(), shop.page()]
    for page in pages:
        shop.press(page)
    assert len({genuine(posted.body)["pf_payment_id"] for posted in merchant.posted}) == 2


def test_a_page_is_paid_once_however_often_it_is_pressed(shop: Shop, merchant: Merchant) -> None:
    page = shop.page()
    for decision in ("pay", "pay", "cancel"):
        assert shop.press(page, decision).headers["location"].startswith("https://shop.example.com/back")
    assert len(merchant.posted) == 1
    assert "<button" not in shop.http.get(page).text


def test_a_buyer_who_cancels_goes_back_and_the_merchant_hears_nothing(shop: Shop, merchant: Merchant) -> None:
    answer = shop.press(shop.page(), "cancel")
    assert answer.headers["location"] == "https://shop.example.com/cancelled"
    shop.press(shop.page())
    assert [genuine(posted.body)["payment_status"] for posted in merchant.posted] == ["COMPLETE"]


def test_a_page_that_is_not_there_says_so(shop: Shop) -> None:
    assert shop.http.get("/eng/process/payment/1").status_code == 404
    assert shop.press("/eng/process/payment/1").status_code == 404


def test_a_return_address_that_is_no_web_address_is_not_followed(shop: Shop) -> None:
    page = shop.page(return_url="javascript:alert(1)")
    assert shop.press(page).status_code == 200
    assert "javascript:" not in shop.http.get(page).text


def test_an_itn_is_sent_until_it_is_answered_with_200(shop: Shop, merchant: Merchant) -> None:
    merchant.answers = [500, 302, 201]
    shop.press(shop.page(), method="eft")
    eventually(lambda: len(merchant.posted) >= 4, "the fourth ITN")
    assert len({posted.body for posted in merchant.posted}) == 1
    eventually(lambda: [update["http_status"] for update in shop.shown()["updates"]] == [500, 302, 201, 200], "all answers")


def test_an_itn_that_nobody_takes_is_given_up(shop: Shop) -> None:
    shop.notify_url = "http://127.0.0.1:1/nobody"
    assert shop.press(shop.page()).status_code == 303
    eventually(lambda: len(shop.shown()["updates"]) == 7, "six resends")
    assert {update["http_status"] for update in shop.shown()["updates"]} == {None}


def test_an_itn_that_takes_its_time_does_not_hold_the_buyer_for_ever(shop: Shop, merchant: Merchant) -> None:
    shop.control("POST", "faults", operation="itn", kind="latency", value=3600)
    assert shop.press(shop.page()).status_code == 303
    assert merchant.posted == []


@pytest.mark.parametrize("kind", ["wrong_signature", "no_signature"])
def test_a_signature_can_be_spoilt(shop: Shop, merchant: Merchant, kind: str) -> None:
    shop.control("POST", "faults", operation="itn", kind=kind)
    shop.press(shop.page())
    with pytest.raises(AssertionError):
        genuine(merchant.posted[0].body)


def test_an_itn_can_tell_another_amount_or_merchant_signed_all_the_same(shop: Shop, merchant: Merchant) -> None:
    shop.control("POST", "faults", operation="itn", kind="amount_changed", value="7.00")
    shop.control("POST", "faults", operation="itn", kind="other_merchant")
    for _ in range(2):
        shop.press(shop.page())
    changed, foreign = (genuine(posted.body) for posted in merchant.posted)
    assert (changed["amount_gross"], changed["merchant_id"]) == ("7.00", "10000100")
    assert (foreign["amount_gross"], foreign["merchant_id"]) == ("149.50", "10099999")


def test_an_itn_can_stay_away_come_twice_and_come_late(shop: Shop, merchant: Merchant) -> None:
    shop.control("POST", "faults", operation="itn", kind="never")
    shop.press(shop.page())
    assert merchant.posted == []
    shop.control("POST", "faults", operation="itn", kind="duplicate")
    shop.control("POST", f"transactions/{shop.reference}/resend")
    eventually(lambda: len(merchant.posted) == 2, "both copies")
    shop.control("POST", "faults", operation="itn", kind="out_of_order")
    shop.control("POST", f"transactions/{shop.reference}/resend")
    eventually(lambda: len(merchant.posted) == 4, "the older one as well")
    told = [genuine(posted.body)["payment_status"] for posted in merchant.posted]
    assert told == ["COMPLETE", "COMPLETE", "COMPLETE", "PENDING"]


def test_a_payment_can_be_brought_into_any_status_that_payfast_knows(shop: Shop, merchant: Merchant) -> None:
    shop.page()
    for status in ("PENDING", "FAILED", "COMPLETE"):
        shop.control("POST", f"transactions/{shop.reference}/status", status=status)
    assert [genuine(posted.body)["payment_status"] for posted in merchant.posted] == ["PENDING", "FAILED", "COMPLETE"]
    assert shop.shown()["past"] == ["OPEN", "PENDING", "FAILED"]
    refused = shop.http.post(f"/_control/transactions/{shop.reference}/status", json={"status": "TELEPORTED"})
    assert refused.status_code == 422
    assert shop.http.get("/_control/transactions/nobody").status_code == 404


def test_a_fault_that_cannot_be_is_refused_by_its_field(shop: Shop) -> None:
    answer = shop.http.post("/_control/faults", json={"operation": "validate", "kind": "duplicate"})
    assert answer.status_code == 422
    assert "kind: 'duplicate' cannot befall validate" in answer.json()["detail"]


def test_the_program_answers_on_its_port_and_remembers_over_a_restart(tmp_path: Path, merchant: Merchant) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(SETTINGS), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    command = [sys.executable, "-m", "dev.simulators.payfast", "--port", str(port), "--config", str(config)]
    shop = Shop(f"http://127.0.0.1:{port}", merchant.url)
    for run in range(2):
        program = subprocess.Popen([*command, "--state-dir", str(tmp_path / "state")])
        try:
            eventually(lambda: healthy(shop), "the start")
            if run == 0:
                shop.press(shop.page())
            told = merchant.posted[0].body.partition(b"&signature=")[0]
            assert shop.http.post("/eng/query/validate", content=told).text == "VALID"
        finally:
            program.terminate()
            assert program.wait(20) in {0, -15}
    shop.http.close()
    assert KEY not in (tmp_path / "state" / "payfast.json").read_text(encoding="utf-8")


def healthy(shop: Shop) -> bool:
    try:
        return bool(shop.http.get("/healthz").json() == {"status": "ok"})
    except httpx.TransportError:
        return False
