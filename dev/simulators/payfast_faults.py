"""What can be made to go wrong at the PayFast simulator, and how an ITN is twisted by it."""

from decimal import Decimal

from dev.simulators.faults import AFTER, BEFORE, Fault
from dev.simulators.payfast_book import Config, Payment
from dev.simulators.payfast_wire import Pairs, encode, itn_signature

KINDS: dict[str, frozenset[str]] = {
    "process": BEFORE | AFTER,
    "validate": BEFORE | AFTER | {"invalid"},
    "history": BEFORE | AFTER | {"unauthorised", "rate_limited", "empty"},
    "itn": frozenset(
        {
            "wrong_signature",
            "no_signature",
            "amount_changed",
            "out_of_order",
            "duplicate",
            "never",
            "other_merchant",
            "latency",
        }
    ),
}

OTHER_MERCHANT = "10099999"


def bodies(payment: Payment, config: Config, fault: Fault | None) -> list[str]:
    """The ITNs that tell a payment's present state, in the order they are sent, as the fault leaves them."""
    passphrase = config.merchants[payment.merchant_id].passphrase
    kind, value = (fault.kind, fault.value) if fault else ("", "")
    pairs = payment.itn()
    if kind == "amount_changed":
        pairs = _with(pairs, "amount_gross", value or f"{payment.gross + Decimal(1)}")
    if kind == "other_merchant":
        pairs = _with(pairs, "merchant_id", value or OTHER_MERCHANT)
    if kind == "no_signature":
        return [encode(pairs)]
    told = _signed(pairs, f"{passphrase}-forged" if kind == "wrong_signature" else passphrase)
    if kind == "duplicate":
        return [told, told]
    if kind == "out_of_order":
        return [told, _signed(_with(pairs, "payment_status", "PENDING"), passphrase)]
    return [told]


def _with(pairs: Pairs, name: str, value: str) -> Pairs:
    return [(given, value if given == name else told) for given, told in pairs]


def _signed(pairs: Pairs, passphrase: str) -> str:
    return f"{encode(pairs)}&signature={itn_signature(pairs, passphrase)}"
