"""The official Python client, which knows nothing of us, takes the simulator for Paynow."""

import secrets

import pytest
from paynow import Paynow as OfficialPaynow

from tests.gateways.paynow_bench import PAYNOW_ID, PAYNOW_KEY
from tests.gateways.serving import Merchant, eventually


@pytest.fixture
def client(paynow_url: str, merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> OfficialPaynow:
    monkeypatch.setattr(OfficialPaynow, "URL_INITIATE_TRANSACTION", f"{paynow_url}/interface/initiatetransaction")
    monkeypatch.setattr(OfficialPaynow, "URL_INITIATE_MOBILE_TRANSACTION", f"{paynow_url}/interface/remotetransaction")
    return OfficialPaynow(PAYNOW_ID, PAYNOW_KEY, "https://shop.example.com/back?a=1&b=2", merchant.url)


@pytest.mark.parametrize("amount", [20, 12.5, 0.1 + 0.2])
def test_it_opens_a_web_payment_of_any_amount(client: OfficialPaynow, paynow_url: str, amount: float) -> None:
    payment = client.create_payment(f"Order {secrets.token_hex(4)} & more", "buyer@example.com")
    payment.add("A test ticket transaction", amount)
    response = client.send(payment)
    assert response.success
    assert response.redirect_url.startswith(f"{paynow_url}/Payment/ConfirmPayment/")
    status = client.check_transaction_status(response.poll_url)
    assert (status.status, status.paid, status.amount) == ("created", False, round(amount, 2))


@pytest.mark.parametrize("method", ["ecocash", "onemoney"])
def test_it_opens_a_mobile_payment_and_reads_it_paid(client: OfficialPaynow, method: str) -> None:
    payment = client.create_payment(f"Order{secrets.token_hex(4)}", "buyer@example.com")
    payment.add("Bananas", 2.5)
    payment.add("Apples", 3.4)
    response = client.send_mobile(payment, "0771111111", method)
    assert response.success
    assert response.instruction
    assert eventually(lambda: client.check_transaction_status(response.poll_url).paid, "the payment")
    assert client.check_transaction_status(response.poll_url).amount == 5.9


def test_it_learns_that_the_balance_is_too_small(client: OfficialPaynow) -> None:
    payment = client.create_payment("Order", "buyer@example.com")
    payment.add("Bananas", 1)
    response = client.send_mobile(payment, "0774444444", "ecocash")
    assert not response.success
    assert response.data["error"] == "Insufficient balance"
