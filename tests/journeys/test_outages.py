"""Parts of the stack go away and come back, and no money is lost."""

from collections.abc import Callable

from dev.stack import Stack
from tests.journeys.business import Shop, eventually


def test_an_update_that_comes_while_temporal_is_down_settles_after_it_is_back(
    stack: Stack, open_shop: Callable[..., Shop]
) -> None:
    shop = open_shop(customers=1)
    [invoice] = shop.bill()
    payment_id = shop.check_out(invoice)
    reference = shop.attempt()["reference"]

    stack.stop("temporal")
    try:
        with shop.gateway as gateway:
            moved = gateway.post(f"/_control/transactions/{reference}/status", json={"status": "Paid"})
        assert moved.status_code == 200, moved.text
        updates = eventually(lambda: shop.attempt()["updates"], "the update to be delivered")
        assert [update["http_status"] for update in updates] == [200], "answered while Temporal is down"
        assert shop.payment(payment_id)["status"] == "PENDING"
    finally:
        stack.start("temporal")

    shop.wait_until_paid(invoice)
    assert shop.payment(payment_id)["status"] == "SETTLED"
    eventually(
        lambda: [mail["Subject"] for mail in shop.mails()].count(f"Payment Received - {invoice['number']}") == 1, "the thanks"
    )


def test_a_worker_killed_between_checkout_and_update_loses_nothing(stack: Stack, open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(customers=2)
    invoices = shop.bill()
    payments = [shop.check_out(invoice) for invoice in invoices]
    with shop.gateway as gateway:
        references = [one["reference"] for one in gateway.get("/_control/transactions").json()["transactions"][-2:]]

    stack.stop("worker", kill=True)
    with shop.gateway as gateway:
        for reference in references:
            gateway.post(f"/_control/transactions/{reference}/status", json={"status": "Paid"})
    stack.start("worker")

    for invoice, payment_id in zip(invoices, payments, strict=True):
        shop.wait_until_paid(invoice)
        assert shop.payment(payment_id)["status"] == "SETTLED"


def test_two_people_who_pay_the_same_invoice_both_keep_their_money(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(customers=1)
    [invoice] = shop.bill()
    first, second = shop.check_out(invoice), shop.check_out(invoice, phone="0782000002")
    with shop.gateway as gateway:
        for one in gateway.get("/_control/transactions").json()["transactions"][-2:]:
            gateway.post(f"/_control/transactions/{one['reference']}/status", json={"status": "Paid"})

    for payment_id in (first, second):
        shop.wait_until_settled(payment_id)
    uses = sorted((shop.payment(one)["allocated"]["minor"], shop.payment(one)["credited"]["minor"]) for one in (first, second))
    assert uses == [(0, 2000), (2000, 0)], "one pays the invoice, the other is the customer's credit"
    customer = shop.get(f"/api/customers/{invoice['customer_id']}")
    assert [credit["minor"] for credit in customer["credits"]] == [2000]
