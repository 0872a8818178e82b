"""The Paynow simulator answers as Paynow is documented and was captured."""

import hashlib
import re
from collections.abc import Iterator

import pytest

from tests.dev.paynow_shop import ID, KEY, Shop, genuine, refused, simulated, visiting
from tests.gateways.serving import eventually


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with simulated() as url:
        yield url


@pytest.fixture
def shop(simulator: str) -> Iterator[Shop]:
    with visiting(simulator) as shop:
        yield shop


def test_a_web_reply_is_written_as_in_the_captures(shop: Shop) -> None:
    base = str(shop.http.base_url).rstrip("/").replace(":", "%3a").replace("/", "%2f")
    assert re.fullmatch(
        rf"status=Ok&browserurl={base}%2fPayment%2fConfirmPayment%2f\d{{8}}%2f"
        rf"&pollurl={base}%2fInterface%2fCheckPayment%2f%3fguid%3d[0-9a-f-]{{36}}&paynowreference=\d{{8}}&hash=[0-9A-F]{{128}}",
        shop.web(),
    )


def test_an_express_reply_is_written_as_in_the_captures(shop: Shop) -> None:
    reply = shop.express()
    assert reply.startswith("status=Ok&instructions=Dial+*151*2*4%23+and+enter+your+EcoCash+PIN.")
    assert list(genuine(reply)) == ["status", "instructions", "paynowreference", "pollurl", "hash"]


def test_a_status_message_has_the_wire_order_of_the_captures(shop: Shop) -> None:
    status = shop.poll(shop.web(reference="Bücher & Öl"))
    assert list(status) == ["reference", "paynowreference", "amount", "status", "pollurl", "hash"]
    assert (status["reference"], status["amount"], status["status"]) == ("Bücher & Öl", "25.00", "Created")


@pytest.mark.parametrize(
    ("amount", "told"), [("20", "20.00"), ("12.5", "12.50"), ("25.00", "25.00"), ("0.30000000000000004", "0.30")]
)
def test_an_amount_is_taken_as_the_official_clients_send_it(shop: Shop, amount: str, told: str) -> None:
    assert shop.poll(shop.web(amount=amount))["amount"] == told


@pytest.mark.parametrize("amount", ["0", "0.00", "-1", "ten", "", "1,000.00", "USD 5", "NaN", "\u0662\u0665.\u0660\u0660"])
def test_an_amount_that_is_none_is_refused(shop: Shop, amount: str) -> None:
    assert refused(shop.web(amount=amount)) == "Invalid amount field"


def test_an_unknown_integration_is_refused(shop: Shop) -> None:
    assert refused(shop.web(id="9")) == "Invalid Id."


def test_a_wrong_hash_is_refused_with_the_beginning_of_the_right_one(shop: Shop) -> None:
    fields = {"id": ID, "reference": "1", "amount": "1.00", "status": "Message", "hash": "0" * 128}
    right = hashlib.sha512(f"{ID}11.00Message{KEY}".encode()).hexdigest().upper()
    answer = shop.http.post("/interface/initiatetransaction", data=fields).text
    assert answer == f"status=Error&error=Invalid+Hash.++Hash+should+start+with%3a+{right[:6]}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"authemail": ""}, "Invalid authemail field"),
        ({"phone": ""}, "Invalid phone field"),
        ({"method": "cash"}, "Invalid method field"),
        ({"reference": ""}, "Invalid reference field"),
        ({"phone": "0774444444"}, "Insufficient balance"),
        ({"phone": "+263774444444"}, "Insufficient balance"),
        ({"method": "vmc", "token": ""}, "Invalid merchanttrace field"),
        ({"method": "vmc", "merchanttrace": "t"}, "Invalid token field"),
        ({"method": "zimswitch", "merchanttrace": "t", "token": "4" * 32}, "Insufficient balance"),
    ],
)
def test_an_express_checkout_that_cannot_be_is_refused_and_makes_nothing(
    shop: Shop, change: dict[str, str], reason: str
) -> None:
    assert refused(shop.express(**change)) == reason
    assert shop.reference not in {made["reference"] for made in shop.control("GET", "transactions")["transactions"]}


@pytest.mark.parametrize(("phone", "status"), [("0771111111", "Paid"), ("0772222222", "Paid"), ("0773333333", "Failed")])
@pytest.mark.parametrize("method", ["ecocash", "OneMoney", "innbucks"])
def test_a_test_number_decides_by_itself(shop: Shop, method: str, phone: str, status: str) -> None:
    reply = shop.express(method=method, phone=phone)
    assert eventually(lambda: shop.poll(reply)["status"] == status, status)


def test_a_test_card_token_decides_by_itself(shop: Shop) -> None:
    token = "{11111111-1111-1111-1111-111111111111}"
    reply = shop.express(method="vmc", token=token, merchanttrace=shop.mark, phone="")
    assert eventually(lambda: shop.poll(reply)["status"] == "Paid", "the charge")


def test_any_other_number_waits_for_somebody(shop: Shop) -> None:
    reply = shop.express(phone="0771234567")
    assert shop.poll(reply)["status"] == "Sent"
    shop.move("Paid")
    assert shop.poll(reply)["status"] == "Paid"


def test_innbucks_gives_a_code_and_when_it_ends(shop: Shop) -> None:
    reply = genuine(shop.express(method="innbucks"))
    assert re.fullmatch(r"\d{9}", reply["authorizationcode"])
    assert re.fullmatch(r"[1-9]\d?-[A-Z][a-z]{2}-\d{4} \d\d:\d\d", reply["authorizationexpires"])


def test_a_trace_that_was_used_is_answered_with_the_same_transaction(shop: Shop) -> None:
    first, second = (genuine(shop.express(merchanttrace=shop.mark, phone="0771111111")) for _ in range(2))
    assert first == second
    made = shop.control("GET", "transactions")["transactions"]
    assert [transaction["reference"] for transaction in made].count(shop.reference) == 1


def test_a_trace_finds_what_was_made_and_says_so_when_nothing_was(shop: Shop) -> None:
    shop.web(merchanttrace=shop.mark)
    assert shop.trace(shop.mark)["reference"] == shop.reference
    assert shop.trace("nobody")["status"] == "NotFound"


@pytest.mark.parametrize("path", ["/Interface/InitiateTransaction/", "/INTERFACE/INITIATETRANSACTION"])
def test_paths_are_read_in_any_case_and_with_a_slash_at_the_end(shop: Shop, path: str) -> None:
    answer = shop.send(path, id=ID, reference="1", amount="1", returnurl="", resulturl="", status="Message")
    assert genuine(answer)["status"] == "Ok"


def test_a_poll_address_nobody_was_given_is_refused(shop: Shop) -> None:
    shop.web()
    assert refused(shop.http.post("/Interface/CheckPayment/?guid=1").text) == "Transaction not found"
    assert refused(shop.http.post("/Interface/CheckPayment/").text) == "Transaction not found"
