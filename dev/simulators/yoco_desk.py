"""What Yoco does with a request: check it, make the checkout, answer, refund; and what happens when a payer or staff decide.

No HTTP here. Where the documents are silent we chose, and the docstrings say so.
"""

from typing import Any

from dev.simulators.incoming import read_json
from dev.simulators.yoco_book import Account, Book, Checkout, Config
from dev.simulators.yoco_cards import Card, default_card
from dev.simulators.yoco_courier import Courier
from dev.simulators.yoco_wire import ASKED, RefusedError, Reply, checkout_fields, new_id, payment_event, refund_event

SMALLEST_AMOUNT = 200
CURRENCY = "ZAR"
ADDRESSES = ("successUrl", "cancelUrl", "failureUrl")


class Desk:
    """Answers merchants from `book` and lets `courier` tell them what happens later."""

    def __init__(self, config: Config, book: Book, courier: Courier) -> None:
        self._config = config
        self._book = book
        self._courier = courier

    def account(self, authorization: str) -> Account:
        """Whose key it is. A missing or wrong one is answered with 403, not 401."""
        scheme, _, key = authorization.partition(" ")
        account = self._config.account(key.strip()) if scheme.lower() == "bearer" else None
        if account is None:
            raise RefusedError(403, "forbidden", "The secret key is missing or not valid.")
        return account

    def create(self, account: Account, body: bytes, key: str, base_url: str) -> Reply:
        """A checkout with a page of its own. The documents give no status for a wrong field; ours is 400."""
        asked = read_object(body)
        _check(asked)
        checkout_id = new_id("ch")
        checkout = Checkout(
            id=checkout_id,
            merchant_id=account.merchant_id,
            mode=account.mode,
            amount=asked["amount"],
            currency=asked["currency"],
            page_url=f"{base_url}/checkout/{checkout_id}",
            asked={"metadata": {}} | {name: asked[name] for name in ASKED if asked.get(name) is not None},
            key=key,
        )
        self._book.add(checkout)
        return Reply(200, checkout_fields(checkout))

    def read(self, account: Account, checkout_id: str) -> Reply:
        return Reply(200, checkout_fields(self._own(account, checkout_id)))

    def refund(self, account: Account, checkout_id: str, body: bytes) -> Reply:
        """Give back what was asked for, or all that is left."""
        checkout = self._own(account, checkout_id)
        asked = read_object(body) if body.strip() else {}
        if checkout.mode == "test" and not self._config.refund_test_mode:
            raise RefusedError(400, "refund_not_available", "Test-mode checkouts cannot be refunded.")
        if not checkout.is_paid:
            raise RefusedError(400, "refund_not_available", "The checkout has not been paid.")
        if checkout.refunded >= checkout.amount:
            raise RefusedError(400, "already_refunded", "Payment has already been refunded.")
        amount = asked.get("amount", checkout.amount - checkout.refunded)
        if type(amount) is not int or not 0 < amount <= checkout.amount - checkout.refunded:
            raise RefusedError(400, "invalid_amount", "The amount must be above zero and no more than what is left.")
        refund_id = self._refund(checkout, amount)
        message = "Refund successful."
        return Reply(200, {"id": checkout.id, "refundId": refund_id, "message": message, "status": "successful"})

    def open_page(self, checkout: Checkout) -> None:
        """The payer looks at the page."""
        if checkout.status == "created":
            checkout.status = "started"
            self._book.save()

    def charge(self, checkout: Checkout, card: Card) -> bool:
        """Charge a card, and tell the merchant; whether it was taken. A paid or expired checkout takes none."""
        if checkout.status in {"completed", "expired"}:
            return False
        if card.is_declined:
            self._decline(checkout, card)
            return False
        self._complete(checkout, card)
        return True

    def move(self, checkout: Checkout, status: str, amount: int | None) -> None:
        """Bring a checkout into `status`, whatever it was, and tell the merchant what Yoco would tell of it.

        Beside the words of the API: `declined` is a card that was refused, `refunded` and `refund_failed` a refund of `amount`
        cents (or all that is left) that was made where merchants make them by hand.
        """
        left = checkout.amount - checkout.refunded
        match status:
            case "completed":
                self._complete(checkout, default_card())
            case "declined":
                self._decline(checkout, default_card())
            case "refunded":
                self._refund(checkout, min(left, amount or left))
            case "refund_failed":
                self._courier.tell(checkout, refund_event(checkout, "refund.failed", new_id("rfd"), min(left, amount or left)))
            case _:
                checkout.status = status
        self._book.save()

    def _own(self, account: Account, checkout_id: str) -> Checkout:
        checkout = self._book.checkout(checkout_id)
        if checkout is None or (checkout.merchant_id, checkout.mode) != (account.merchant_id, account.mode):
            raise RefusedError(404, "not_found", "There is no such checkout.")
        return checkout

    def _complete(self, checkout: Checkout, card: Card) -> None:
        checkout.status = "completed"
        checkout.payment_id = checkout.payment_id or new_id("p")
        checkout.card = card.told()
        self._courier.tell(checkout, payment_event(checkout, "payment.succeeded", checkout.payment_id))

    def _decline(self, checkout: Checkout, card: Card) -> None:
        checkout.status = "started"
        checkout.declines += 1
        checkout.card = card.told()
        if self._config.sends_payment_failed:
            self._courier.tell(checkout, payment_event(checkout, "payment.failed", new_id("p")))
        self._book.save()

    def _refund(self, checkout: Checkout, amount: int) -> str:
        refund_id = new_id("rfd")
        checkout.refunded += amount
        self._courier.tell(checkout, refund_event(checkout, "refund.succeeded", refund_id, amount))
        return refund_id


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request."""
    try:
        asked = read_json(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise RefusedError(400, "invalid_request", "The body must be a JSON object.")
    return asked


def _check(asked: dict[str, Any]) -> None:
    amount = asked.get("amount")
    if type(amount) is not int or amount < SMALLEST_AMOUNT:
        raise RefusedError(400, "invalid_amount", f"amount must be a whole number of cents, {SMALLEST_AMOUNT} or more.")
    if asked.get("currency") != CURRENCY:
        raise RefusedError(400, "invalid_currency", f"currency must be {CURRENCY}.")
    if not isinstance(asked.get("metadata") or {}, dict):
        raise RefusedError(400, "invalid_metadata", "metadata must be an object.")
    for name in ADDRESSES:
        address = asked.get(name)
        if address is not None and not (isinstance(address, str) and address.startswith(("http://", "https://"))):
            raise RefusedError(400, "invalid_url", f"{name} must be a web address.")
