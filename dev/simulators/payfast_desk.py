"""What PayFast does with a form: check it, begin a payment, decide it; and whether a notification was really its own.

No HTTP here. PayFast documents neither its error texts, apart from the one about the signature, nor its status codes.
"""

import re
import uuid
from decimal import Decimal

from dev.simulators.payfast_book import COMPLETE, OPEN, Book, Config, Merchant, Payment
from dev.simulators.payfast_wire import BLANKS, Pairs, decode, form_signatures

LEAST = Decimal("5.00")
LONGEST = {
    **dict.fromkeys(("name_first", "name_last", "email_address", "m_payment_id", "item_name"), 100),
    **dict.fromkeys(("item_description", *(f"custom_str{number}" for number in range(1, 6))), 255),
}
SECRETS = frozenset({"merchant_key", "signature"})
ABANDONED = "ABANDONED"

_AMOUNT = re.compile(r"[0-9]{1,10}\.[0-9]{2}")
_INTEGER = re.compile(r"[0-9]{1,255}")


class RefusedError(Exception):
    """The form is answered with a page that lists `reasons`."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class Desk:
    """Takes forms and keeps what became of them in `book`."""

    def __init__(self, config: Config, book: Book) -> None:
        self._config = config
        self._book = book

    def begin(self, form: bytes) -> Payment:
        """A payment for the form that a buyer's browser posted.

        Raises:
            RefusedError: it is not from a merchant, not signed by it, or not complete.
        """
        try:
            pairs = decode(form)
        except ValueError:
            raise RefusedError("The form could not be read.") from None
        merchant = self._merchant(dict(pairs))
        self._check_signature(pairs, merchant)
        fields = {name: value.strip(BLANKS) for name, value in pairs if value.strip(BLANKS)}
        reasons = _faults_of(fields)
        if reasons:
            raise RefusedError(*reasons)
        kept = {name: value for name, value in fields.items() if name not in SECRETS}
        payment = Payment(self._book.next_number, str(uuid.uuid4()), merchant.id, kept)
        self._book.add(payment)
        return payment

    def pay(self, payment: Payment, funding: str) -> bool:
        """Pay as the buyer does; False when it was decided before."""
        if payment.status != OPEN:
            return False
        payment.funding = "EFT" if funding == "eft" else "CC"
        self.move(payment, COMPLETE)
        return True

    def cancel(self, payment: Payment) -> None:
        """Leave the page. PayFast tells the merchant nothing of it: its CANCELLED is for subscriptions."""
        if payment.status == OPEN:
            self.move(payment, ABANDONED)

    def move(self, payment: Payment, status: str) -> None:
        """Bring a payment into `status`, whatever it was."""
        payment.moved(status)
        self._book.save()

    def knows(self, notification: bytes) -> bool:
        """Whether these fields, in this order, were sent to a merchant as an ITN."""
        try:
            asked = [pair for pair in decode(notification) if pair[0] != "signature"]
        except ValueError:
            return False
        sent = [update["body"] for payment in self._book for update in payment.updates]
        return any(asked == [pair for pair in decode(body.encode()) if pair[0] != "signature"] for body in sent)

    def _merchant(self, fields: dict[str, str]) -> Merchant:
        merchant = self._config.merchants.get(fields.get("merchant_id", "").strip(BLANKS))
        if merchant is None or merchant.key != fields.get("merchant_key", "").strip(BLANKS):
            raise RefusedError("merchant_id: the merchant is not known, or the merchant key is not its own.")
        return merchant

    def _check_signature(self, pairs: Pairs, merchant: Merchant) -> None:
        claimed = dict(pairs).get("signature", "").strip(BLANKS)
        if not claimed and not merchant.passphrase:
            return
        if claimed not in form_signatures(pairs, merchant.passphrase):
            raise RefusedError("Generated signature does not match submitted signature")


def _faults_of(fields: dict[str, str]) -> list[str]:
    amount = fields.get("amount", "")
    reasons = []
    if not _AMOUNT.fullmatch(amount):
        reasons.append("amount: must be an amount in rand with two decimals.")
    elif Decimal(amount) < LEAST and not (Decimal(amount) == 0 and fields.get("subscription_type")):
        reasons.append("amount: must be at least R5.00.")
    if not fields.get("item_name"):
        reasons.append("item_name: is required.")
    reasons += [f"{name}: at most {most} characters." for name, most in LONGEST.items() if len(fields.get(name, "")) > most]
    numbers = (f"custom_int{number}" for number in range(1, 6))
    reasons += [
        f"{name}: must be a whole number." for name in numbers if name in fields and not _INTEGER.fullmatch(fields[name])
    ]
    return reasons
