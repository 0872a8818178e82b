"""PayFast, South Africa: cards, instant EFT and more on PayFast's own page, to which the payer's browser posts a signed form.

Opening a checkout asks PayFast nothing. It tells by ITN that something was paid, which proves money only after its server has
confirmed it; where no ITN came, the transaction history is looked at. The wire is in `payfast_wire.py`, the history in
`payfast_history.py`. Sources and open questions: `docs/gateways`.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from urllib.parse import quote, urlsplit

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome, PaymentMethod
from gateways import payfast_history as history
from gateways.base import (
    BadSignatureError,
    Checkout,
    CheckoutRequest,
    Gateway,
    GatewayAccount,
    GatewayError,
    GatewayOutcomeUnknownError,
    Handover,
    Inbound,
    PaymentState,
    UntrustedAddressError,
    UnverifiedUpdate,
    back_url,
)
from gateways.payfast_sources import Resolver, Sources, addresses_of
from gateways.payfast_wire import FIELD_ORDER, Itn, api_signature, checkout_signature, urlencode
from gateways.transport import Answer, Transport

PROCESS_PATH = "/eng/process"
VALIDATE_PATH = "/eng/query/validate"
HISTORY_PATH = "/transactions/history"

SANDBOX_HOST = "sandbox.payfast.co.za"
CURRENCY = "ZAR"
LEAST = Money(5_00, CURRENCY)
LONGEST_TEXT = 100  # of m_payment_id, item_name and email_address

OK = 200
UNAUTHORISED = 401

# A payment is asked about for 24 hours by itself, and later when a person wants to know.
DAYS_LOOKED_AT = timedelta(days=31)
ROWS_A_PAGE = 500  # well within the largest answer that is read
MOST_PAGES = 20

# The documents of today know COMPLETE and CANCELLED, older ones and PayFast's own plugins all four.
OUTCOMES = {
    "COMPLETE": Outcome.PAID,
    "PENDING": Outcome.PENDING,
    "FAILED": Outcome.DECLINED,
    "CANCELLED": Outcome.DECLINED,
}


def now() -> datetime:
    return datetime.now(history.JOHANNESBURG)  # noqa: TID251 - PayFast wants to see when a call was made; no rule reads it


class Payfast(Gateway):
    """PayFast over `transport`; accounts carry `merchant_id`, `merchant_key` and, where it is set at PayFast, `passphrase`.

    An account's `base_url` is https://www.payfast.co.za or https://sandbox.payfast.co.za, its `api_url`
    https://api.payfast.co.za, and its `update_sources` what PayFast lists for ITNs.

    Attributes:
        resolve: looks up the host names in `update_sources`.
        clock: dates API calls.
    """

    name = "payfast"
    resending_is_safe = True

    def __init__(self, transport: Transport, *, resolve: Resolver = addresses_of, clock: Callable[[], datetime] = now) -> None:
        self._transport = transport
        self._sources = Sources(resolve)
        self._clock = clock

    def open_checkout(self, account: GatewayAccount, request: CheckoutRequest) -> Checkout:
        """Make the form that the payer's browser will post; PayFast is not called, so that nothing can be lost.

        Raises:
            InvalidInputError: PayFast would refuse it: not rand, less than R5.00, no reference or too long a one.
        """
        return Checkout(Outcome.PENDING, form=tuple(checkout_fields(account, request)))

    def handover(self, account: GatewayAccount, form: tuple[tuple[str, str], ...]) -> Handover:
        """The form with the account's key and the signature over all of it, in the documented order."""
        fields = dict(form)
        unknown = [name for name in fields if name not in FIELD_ORDER]
        if not fields or unknown:
            named = f"PayFast does not sign {unknown[0]}" if unknown else "it has no fields"
            raise GatewayError(self.name, f"The checkout's form cannot be signed for account {account.id}: {named}.")
        for name in ("merchant_id", "merchant_key"):
            fields[name] = _credential(account, name)
        pairs = [(name, fields[name]) for name in FIELD_ORDER if fields.get(name, "").strip()]
        signature = checkout_signature(pairs, _passphrase(account))
        return Handover(account.base_url.rstrip("/") + PROCESS_PATH, (*pairs, ("signature", signature)))

    def poll(self, account: GatewayAccount, poll_url: str) -> PaymentState:  # noqa: ARG002 - there is none to poll
        raise UntrustedAddressError(self.name, f"PayFast has no poll addresses; that of account {account.id} was not asked.")

    def read_update(self, inbound: Inbound) -> UnverifiedUpdate:
        """Read reference and event key: (pf_payment_id, m_payment_id, payment_status), which is all that a resend shares."""
        itn = Itn(inbound.body)
        reference = itn.require("m_payment_id")
        parts = (itn.require("pf_payment_id"), reference, itn.require("payment_status"))
        return UnverifiedUpdate("/".join(quote(part, safe=", ") for part in parts), reference)

    def verify_update(self, account: GatewayAccount, inbound: Inbound) -> PaymentState:
        """Check signature, merchant and source. Whether it is money, `confirm_update` asks."""
        itn = Itn(inbound.body)
        if not itn.is_signed(_passphrase(account)):
            raise BadSignatureError(
                self.name,
                f"An update for account {account.id} has no signature or one not made with its passphrase; "
                "compare the passphrase with the one in PayFast's settings.",
            )
        if itn.require("merchant_id") != _credential(account, "merchant_id"):
            raise BadSignatureError(self.name, f"An update for account {account.id} names another merchant than its own.")
        if account.update_sources and not self._sources.include(inbound.source, account.update_sources):
            raise BadSignatureError(
                self.name,
                f"An update for account {account.id} came from {inbound.source or 'an unknown address'}, which is none of "
                "PayFast's. If that is a proxy of your own, add it to TRUSTED_PROXIES, so that the address behind it counts; "
                "if PayFast has moved, add it to PAYFAST_SOURCES.",
            )
        return _state(itn)

    def confirm_update(self, account: GatewayAccount, body: bytes) -> PaymentState | None:
        """What an update proves: an ITN of COMPLETE does once PayFast's server calls it VALID, others tell of no money.

        Raises:
            GatewayUnreachableError, GatewayOutcomeUnknownError: the server gave no clear word.
        """
        itn = Itn(body)
        state = _state(itn)
        if state.outcome is not Outcome.PAID:
            return state
        answer = self._validate(account, itn.signed_part)
        word = answer.body.decode("utf-8", "replace").strip().partition("\n")[0].strip()
        if answer.status != OK or word not in {"VALID", "INVALID"}:
            raise GatewayOutcomeUnknownError(
                self.name, f"An update for account {account.id} was neither confirmed nor refused (HTTP {answer.status})."
            )
        return state if word == "VALID" else None

    def trace(self, account: GatewayAccount, trace: str) -> PaymentState:
        """Look for the attempt in the history of the month after it was made, which its id tells.

        The history lists what moved money, so an attempt that is not in it is PENDING, and only one that is not ours is not
        found. It is read page by page; each call ends within the time-out. Up to 500 transactions are one page.
        """
        day = history.day_of(trace)
        if day is None:
            return PaymentState(Outcome.UNKNOWN, found=False)
        return history.standing(self._rows(account, day), trace, account.currency)

    def probe(self, account: GatewayAccount) -> None:
        answer = self._validate(account, b"m_payment_id=")
        if answer.status != OK or answer.body.lstrip().startswith(b"<"):
            raise GatewayOutcomeUnknownError(self.name, f"The validation answered HTTP {answer.status} and no plain word.")

    def _validate(self, account: GatewayAccount, body: bytes) -> Answer:
        url = account.base_url.rstrip("/") + VALIDATE_PATH
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._transport.send(self.name, "POST", url, body=body, headers=headers)

    def _rows(self, account: GatewayAccount, day: date) -> list[history.Row]:
        rows: list[history.Row] = []
        for page in range(MOST_PAGES):
            found = history.read_rows(self._ask_history(account, day, page * ROWS_A_PAGE))
            rows += found
            # One that does not heed the limit gives all at once.
            if len(found) != ROWS_A_PAGE:
                return rows
        raise GatewayOutcomeUnknownError(
            self.name, f"The transaction history of account {account.id} from {day} on has more than {len(rows)} rows."
        )

    def _ask_history(self, account: GatewayAccount, day: date, offset: int) -> bytes:
        moment = self._clock()
        last = max(day, min(day + DAYS_LOOKED_AT, moment.astimezone(history.JOHANNESBURG).date()))
        query = {"from": day.isoformat(), "to": last.isoformat(), "offset": str(offset), "limit": str(ROWS_A_PAGE)}
        headers = {
            "merchant-id": _credential(account, "merchant_id"),
            "version": "v1",
            "timestamp": history.timestamp(moment),
        }
        headers["signature"] = api_signature(headers | query, _passphrase(account))
        if urlsplit(account.base_url).hostname == SANDBOX_HOST:
            query["testing"] = "true"  # not signed
        url = (account.api_url or account.base_url).rstrip("/") + HISTORY_PATH
        asked = "&".join(f"{name}={urlencode(value)}" for name, value in query.items())
        answer = self._transport.send(self.name, "GET", f"{url}?{asked}", headers=headers)
        if answer.status == UNAUTHORISED:
            raise GatewayOutcomeUnknownError(
                self.name,
                f"The transaction history of account {account.id} was refused: its merchant_id or passphrase is probably not "
                "the one in PayFast's settings.",
            )
        if answer.status != OK:
            raise GatewayOutcomeUnknownError(self.name, f"The transaction history was answered with HTTP {answer.status}.")
        return answer.body


def checkout_fields(account: GatewayAccount, request: CheckoutRequest) -> list[tuple[str, str]]:
    """The fields of a checkout in the documented order, none blank, without merchant_key and signature.

    Raises:
        InvalidInputError: PayFast would refuse them.
    """
    _check(account, request)
    reference, email = request.reference.strip(), request.email.strip()
    fields = {
        "merchant_id": _credential(account, "merchant_id"),
        "return_url": back_url(request.return_url, "paid"),
        "cancel_url": back_url(request.return_url, "cancelled"),
        "notify_url": account.result_url,
        # It only fills in a box on PayFast's page, so that one too long for it is left out.
        "email_address": email if len(email) <= LONGEST_TEXT else "",
        "m_payment_id": reference,
        "amount": request.amount.decimal(),
        "item_name": _printable(request.description)[:LONGEST_TEXT].strip() or reference,
        # The history is searched by the trace, which is in it only if we send it.
        "custom_str1": request.trace if request.trace != reference else "",
    }
    return [(name, fields[name]) for name in FIELD_ORDER if fields.get(name, "").strip()]


def _check(account: GatewayAccount, request: CheckoutRequest) -> None:
    if request.method is not PaymentMethod.PAYFAST:
        raise InvalidInputError("method", f"{request.method.human_name} is not paid through PayFast.")
    if account.currency != CURRENCY or request.amount.currency != CURRENCY:
        raise InvalidInputError(
            "amount", f"{request.amount} cannot be paid into account {account.id}: PayFast takes rand only."
        )
    if request.amount < LEAST:
        raise InvalidInputError("amount", f"{request.amount} cannot be collected: PayFast takes {LEAST} and more.")
    if not 0 < len(request.reference.strip()) <= LONGEST_TEXT:
        raise InvalidInputError("reference", f"{request.reference!r} must have 1 to {LONGEST_TEXT} characters.")
    _credential(account, "merchant_key")


def _printable(text: str) -> str:
    """`text` on one line: browsers rewrite line ends in a form, after which no signature fits."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _state(itn: Itn) -> PaymentState:
    status = itn.require("payment_status")
    fee = itn.amount("amount_fee", CURRENCY)
    return PaymentState(
        OUTCOMES.get(status.upper(), Outcome.UNKNOWN),
        reference=itn.require("m_payment_id"),
        gateway_reference=itn.require("pf_payment_id"),
        gateway_status=status,
        amount=itn.amount("amount_gross", CURRENCY),
        fee=-fee if fee is not None else None,
        raw=itn.raw,
    )


def _passphrase(account: GatewayAccount) -> str:
    return account.credentials.get("passphrase", "").strip()


def _credential(account: GatewayAccount, name: str) -> str:
    value = account.credentials.get(name, "").strip()
    if not value:
        raise InvalidInputError(name, f"Account {account.id} has no {name}; enter what PayFast issued for it.")
    return value
