"""What Paynow does with a request: check it, make the payment, answer, and move the money of its test numbers.

No HTTP here. Where the documents are silent we chose, and the docstrings say so.
"""

import asyncio
import re
import time
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

from dev.simulators.paynow_book import Book, Config, Integration, Transaction
from dev.simulators.paynow_courier import Courier
from dev.simulators.paynow_wire import Reply, decode, fields_of, hash_of, refusal

HARARE = timezone(timedelta(hours=2))
CODE_LIFETIME = timedelta(minutes=10)

MOBILE_METHODS = frozenset({"ecocash", "onemoney", "innbucks", "paygo", "omari"})
TOKEN_METHODS = frozenset({"vmc", "zimswitch"})

# By the digit that a documented test phone (077 and seven of them) or card token (32 of them) is made of.
TEST_ENDINGS = {"1": ("Paid", 5.0), "2": ("Paid", 30.0), "3": ("Failed", 30.0)}
REFUSED_AT_ONCE = "4"

INSTRUCTIONS = {
    "ecocash": "Dial *151*2*4# and enter your EcoCash PIN. Once you have authorized the payment via your handset, "
    "please wait for the confirmation.",
    "onemoney": "Please enter your OneMoney PIN on your handset to authorize the payment, and wait for the confirmation.",
    "innbucks": "Please open the InnBucks app and approve the authorization code.",
}

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,30})?")
_TEST_PHONE = re.compile(r"077([0-9])\1{6}")
_TEST_TOKEN = re.compile(r"([0-9])\1{31}")


class RefusedError(Exception):
    """The request is answered with an error; the text is the reason."""


class Desk:
    """Answers merchants from `book` and lets `courier` tell them what happens later."""

    def __init__(self, config: Config, book: Book, courier: Courier) -> None:
        self._config = config
        self._book = book
        self._courier = courier
        self._timers: set[asyncio.TimerHandle] = set()

    def start(self) -> None:
        """Take up what was waiting when the simulator was stopped."""
        for transaction in self._book:
            self._await_payer(transaction)

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def initiate(self, body: bytes, base_url: str) -> Reply:
        """A web checkout: the payer is sent to the hosted page."""
        try:
            integration, fields = self._accept(body)
            transaction = self._book.traced(integration.id, fields.get("merchanttrace", ""))
            if transaction is None:
                transaction = self._open(integration, fields, base_url, "Created")
        except RefusedError as refused:
            return refusal(str(refused))
        pairs = [
            ("status", "Ok"),
            ("browserurl", transaction.browserurl),
            ("pollurl", transaction.pollurl),
            ("paynowreference", str(transaction.number)),
        ]
        return Reply(pairs, integration.key)

    def remote(self, body: bytes, base_url: str) -> Reply:
        """An express checkout: the payer's phone is asked, or a stored card charged."""
        try:
            integration, fields = self._accept(body)
            transaction = self._book.traced(integration.id, fields.get("merchanttrace", ""))
            if transaction is None:
                transaction = self._push(integration, fields, base_url)
        except RefusedError as refused:
            return refusal(str(refused))
        pairs = [
            ("status", "Ok"),
            ("instructions", INSTRUCTIONS.get(transaction.method, "Please wait for the confirmation.")),
            ("paynowreference", str(transaction.number)),
            ("pollurl", transaction.pollurl),
        ]
        if transaction.authorizationcode:
            pairs.append(("authorizationcode", transaction.authorizationcode))
            pairs.append(("authorizationexpires", transaction.authorizationexpires))
        return Reply(pairs, integration.key)

    def trace(self, body: bytes) -> Reply:
        try:
            integration, fields = self._accept(body)
        except RefusedError as refused:
            return refusal(str(refused))
        transaction = self._book.traced(integration.id, fields.get("merchanttrace", ""))
        if transaction is None:
            return Reply([("status", "NotFound")], integration.key)
        return self._state(transaction)

    def poll(self, guid: str) -> Reply:
        transaction = self._book.polled(guid)
        if transaction is None:
            return refusal("Transaction not found")
        return self._state(transaction)

    def move(self, transaction: Transaction, status: str) -> None:
        """Bring a transaction into `status`, whatever it was, and tell the merchant."""
        transaction.past.append(transaction.status)
        transaction.status = status
        transaction.due_status = ""
        self._book.save()
        self._courier.post(transaction)

    def _state(self, transaction: Transaction) -> Reply:
        key = self._config.integrations[transaction.integration_id].key
        return Reply(transaction.message(), key, transaction.past[-1] if transaction.past else "")

    def _accept(self, body: bytes) -> tuple[Integration, dict[str, str]]:
        """Who asks, and for what. The hash is checked over the values in the order received, each decoded once."""
        try:
            pairs = decode(body)
        except ValueError:
            raise RefusedError("Invalid message") from None
        fields = fields_of(pairs)
        integration = self._config.integrations.get(fields.get("id", ""))
        if integration is None:
            raise RefusedError("Invalid Id.")
        expected = hash_of(pairs, integration.key)
        if fields.get("hash", "").upper() != expected:
            # Two spaces, and the beginning of the right hash given away: as the live server was seen to do.
            raise RefusedError(f"Invalid Hash.  Hash should start with: {expected[:6]}")
        return integration, fields

    def _push(self, integration: Integration, fields: dict[str, str], base_url: str) -> Transaction:
        method = fields.get("method", "").lower()
        fields["method"] = method
        if method not in MOBILE_METHODS | TOKEN_METHODS:
            raise RefusedError("Invalid method field")
        if not fields.get("authemail"):
            raise RefusedError("Invalid authemail field")
        if method in MOBILE_METHODS and not fields.get("phone"):
            raise RefusedError("Invalid phone field")
        if method in TOKEN_METHODS and not (fields.get("token") and fields.get("merchanttrace")):
            raise RefusedError("Invalid token field" if fields.get("merchanttrace") else "Invalid merchanttrace field")
        ending = _test_digit(fields)
        _amount(fields)
        if ending == REFUSED_AT_ONCE:
            raise RefusedError("Insufficient balance")
        transaction = self._open(integration, fields, base_url, "Sent")
        if method == "innbucks":
            expires = datetime.now(HARARE) + CODE_LIFETIME
            transaction.authorizationcode = f"{transaction.number * 7919 % 10**9:09d}"
            transaction.authorizationexpires = f"{expires.day}-{expires:%b-%Y %H:%M}"
        if ending in TEST_ENDINGS:
            transaction.due_status, seconds = TEST_ENDINGS[ending]
            transaction.due_at = time.time() + seconds * self._config.delay_scale
            self._await_payer(transaction)
        self._book.save()
        return transaction

    def _open(self, integration: Integration, fields: dict[str, str], base_url: str, status: str) -> Transaction:
        """Make a transaction.

        A `merchanttrace` that was used before never comes here: the documents say that it prevents duplicate debits and not
        how, and our reading is that the earlier transaction is answered again.
        """
        amount = _amount(fields)
        if not fields.get("reference"):
            raise RefusedError("Invalid reference field")
        transaction = Transaction(
            number=self._book.next_number,
            guid=str(uuid.uuid4()),
            integration_id=integration.id,
            reference=fields["reference"],
            amount=amount,
            currency=integration.currency,
            status=status,
            base_url=base_url,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            extras=dict(self._config.update_extras),
            merchanttrace=fields.get("merchanttrace", ""),
            method=fields.get("method", ""),
            phone=fields.get("phone", ""),
            authemail=fields.get("authemail", ""),
            additionalinfo=fields.get("additionalinfo", ""),
            returnurl=fields.get("returnurl", ""),
            resulturl=fields.get("resulturl", ""),
        )
        self._book.add(transaction)
        return transaction

    def _await_payer(self, transaction: Transaction) -> None:
        """Let the payer behind a test number act when it is time."""
        if not transaction.due_status:
            return
        wait = max(0.0, transaction.due_at - time.time())
        self._timers.add(asyncio.get_running_loop().call_later(wait, self._act, transaction))

    def _act(self, transaction: Transaction) -> None:
        if transaction.due_status and transaction.is_unpaid:
            self.move(transaction, transaction.due_status)


def _amount(fields: dict[str, str]) -> str:
    """The amount with two digits. Official clients send a float as it prints (`20`, `12.5`, `0.30000000000000004`)."""
    text = fields.get("amount", "")
    if not _AMOUNT.fullmatch(text):
        raise RefusedError("Invalid amount field")
    amount = Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if amount <= 0:
        raise RefusedError("Invalid amount field")
    return f"{amount:f}"


def _test_digit(fields: dict[str, str]) -> str:
    phone = re.sub(r"[^0-9]", "", fields.get("phone", ""))
    token = re.sub(r"[{}-]", "", fields.get("token", ""))
    found = _TEST_PHONE.fullmatch(re.sub(r"^263", "0", phone)) or _TEST_TOKEN.fullmatch(token)
    return found[1] if found else ""
