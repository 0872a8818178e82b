"""Payments: the methods people pay by, the states a payment climbs through, and what a gateway's answer means."""

from dataclasses import dataclass
from enum import StrEnum

from domain.money import Money


class PaymentMethod(StrEnum):
    """How money reaches the business (requirements P1 to P4)."""

    PAYNOW_ECOCASH = "PAYNOW_ECOCASH"
    PAYNOW_ONEMONEY = "PAYNOW_ONEMONEY"
    PAYNOW_INNBUCKS = "PAYNOW_INNBUCKS"
    PAYNOW_VISA = "PAYNOW_VISA"
    PAYNOW_MASTERCARD = "PAYNOW_MASTERCARD"
    YOCO = "YOCO"
    PAYFAST = "PAYFAST"
    OZOW = "OZOW"
    BANK_TRANSFER = "BANK_TRANSFER"
    CASH = "CASH"
    CREDIT = "CREDIT"

    @property
    def human_name(self) -> str:
        """The name people know it by (requirements M3)."""
        return _HUMAN_NAMES[self]

    @property
    def gateway(self) -> str | None:
        """The gateway that carries it; None for what staff record by hand."""
        return _GATEWAYS.get(self)

    @property
    def is_mobile_money(self) -> bool:
        """Whether the payer's phone is asked to confirm, so that a phone number is required."""
        return self in {PaymentMethod.PAYNOW_ECOCASH, PaymentMethod.PAYNOW_ONEMONEY, PaymentMethod.PAYNOW_INNBUCKS}

    @property
    def kind(self) -> str:
        """What sort of paying it is, in a payer's words."""
        return "mobile money" if self.is_mobile_money else _KINDS[self]


_HUMAN_NAMES = {
    PaymentMethod.PAYNOW_ECOCASH: "EcoCash",
    PaymentMethod.PAYNOW_ONEMONEY: "OneMoney",
    PaymentMethod.PAYNOW_INNBUCKS: "InnBucks",
    PaymentMethod.PAYNOW_VISA: "Visa",
    PaymentMethod.PAYNOW_MASTERCARD: "Mastercard",
    PaymentMethod.YOCO: "Card (Yoco)",
    PaymentMethod.PAYFAST: "PayFast",
    PaymentMethod.OZOW: "Instant EFT (Ozow)",
    PaymentMethod.BANK_TRANSFER: "Bank Transfer",
    PaymentMethod.CASH: "Cash",
    PaymentMethod.CREDIT: "Account Credit",
}

_GATEWAYS = {
    PaymentMethod.PAYNOW_ECOCASH: "paynow",
    PaymentMethod.PAYNOW_ONEMONEY: "paynow",
    PaymentMethod.PAYNOW_INNBUCKS: "paynow",
    PaymentMethod.PAYNOW_VISA: "paynow",
    PaymentMethod.PAYNOW_MASTERCARD: "paynow",
    PaymentMethod.YOCO: "yoco",
    PaymentMethod.PAYFAST: "payfast",
    PaymentMethod.OZOW: "ozow",
}

_KINDS = {
    PaymentMethod.PAYNOW_VISA: "card",
    PaymentMethod.PAYNOW_MASTERCARD: "card",
    PaymentMethod.YOCO: "card",
    PaymentMethod.PAYFAST: "card or EFT",
    PaymentMethod.OZOW: "from your bank account",
    PaymentMethod.BANK_TRANSFER: "recorded by staff",
    PaymentMethod.CASH: "recorded by staff",
    PaymentMethod.CREDIT: "from the account's credit",
}


class PaymentStatus(StrEnum):
    """Where a payment stands; it only climbs, which the database holds as well.

    A failed payment can still settle, because money that arrives late is money (requirements P11); a settled one never
    falls back. What staff recorded by mistake, or a gateway gave back, is reversed: the last rung.
    """

    PENDING = "PENDING"
    FAILED = "FAILED"
    SETTLED = "SETTLED"
    REVERSED = "REVERSED"

    @property
    def rank(self) -> int:
        return list(PaymentStatus).index(self)

    def may_become(self, later: "PaymentStatus") -> bool:
        if later is PaymentStatus.REVERSED:
            return self is PaymentStatus.SETTLED
        return later.rank > self.rank


class Outcome(StrEnum):
    """What a gateway's present answer means for the money. Unknown is not failed (design, rule 5)."""

    PAID = "PAID"  # the payer's money was received
    PENDING = "PENDING"  # not yet; ask again
    DECLINED = "DECLINED"  # final: no money moved; the payer may try again
    DISPUTED = "DISPUTED"  # held by the gateway: neither lost nor paid, a person must look
    REFUNDED = "REFUNDED"  # returned to the payer
    UNKNOWN = "UNKNOWN"  # the answer could not be had or understood: look it up before anything is tried again

    @property
    def is_final(self) -> bool:
        return self in {Outcome.PAID, Outcome.DECLINED, Outcome.REFUNDED}


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a gateway says was received, as far as settling needs it.

    Attributes:
        gateway_reference: the gateway's own id of the payment, unique per gateway account.
        amount: what the payer paid.
        fee: what the gateway kept, or will probably keep; None when nobody knows.
    """

    gateway_reference: str
    amount: Money
    fee: Money | None = None


def mismatch(
    asked_reference: str,
    asked_amount: Money,
    told_reference: str | None,
    told_amount: Money | None,
    *,
    is_other_mode: bool = False,
) -> str | None:
    """Why a gateway's word that something was paid does not fit what was asked for; None when it fits (design, rule 4).

    Args:
        is_other_mode: the gateway speaks of play money where real money was asked for, or the other way round.
    """
    if is_other_mode:
        return f"The gateway's word about {asked_reference} is from its other mode: a test payment is no money."
    if told_reference is not None and told_reference != asked_reference:
        return f"The gateway answered about {told_reference} when it was asked about {asked_reference}."
    if told_amount is None:
        return f"The gateway says that {asked_reference} is paid, but not how much."
    if told_amount != asked_amount:
        return f"The gateway received {told_amount} for {asked_reference}, but {asked_amount} was asked for."
    return None
