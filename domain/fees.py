"""Fees: what a gateway keeps of a payment. Its own word counts; until it tells, an estimate stands in (requirements P13).

The rates are published ones (Yoco's support pages, without VAT) or what the business agreed with its gateway; a gateway whose
rate nobody knows is not guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import InvalidInputError
from domain.money import BASIS_POINTS, Money
from domain.payment import PaymentMethod


@dataclass(frozen=True, slots=True)
class FeeRate:
    """A share and a fixed part.

    Attributes:
        basis_points: hundredths of a per cent of the amount.
        fixed_minor: on top, in minor units of the payment's currency.

    Raises:
        InvalidInputError: a rate that no gateway takes.
    """

    basis_points: int
    fixed_minor: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.basis_points <= BASIS_POINTS:
            raise InvalidInputError("basis_points", f"{self.basis_points} is not between 0 and {BASIS_POINTS} (100 %).")
        if self.fixed_minor < 0:
            raise InvalidInputError("fixed_minor", f"{self.fixed_minor} is below zero.")

    def of(self, amount: Money) -> Money:
        """The fee on `amount`, never more than the amount itself."""
        fee = amount.share(self.basis_points, BASIS_POINTS) + Money(self.fixed_minor, amount.currency)
        return min(fee, amount)


# Of rand. Where a card was issued the gateways do not tell; one brand is charged as international whatever its country.
LOCAL_CARD = FeeRate(295, 80)
INTERNATIONAL_CARD = FeeRate(350, 80)
_INTERNATIONAL_BRANDS = {"amex", "american express"}

DEFAULT_RATES: Mapping[PaymentMethod, FeeRate] = {PaymentMethod.YOCO: LOCAL_CARD, PaymentMethod.PAYFAST: LOCAL_CARD}


def estimate(
    method: PaymentMethod, amount: Money, *, card_brand: str | None = None, agreed: Mapping[str, Any] | None = None
) -> Money | None:
    """What the gateway will probably keep of `amount`; None when no rate is known.

    Args:
        card_brand: as the gateway tells it, in any letter case.
        agreed: the account's own rates by method name, each `{"basis_points": 250, "fixed_minor": 0}`; they go first.
    """
    own = (agreed or {}).get(method.value)
    rate = FeeRate(**own) if own else DEFAULT_RATES.get(method)
    if rate is LOCAL_CARD and (card_brand or "").lower() in _INTERNATIONAL_BRANDS:
        rate = INTERNATIONAL_CARD
    return rate.of(amount) if rate else None


def agreed_rates(gateway: str, data: Mapping[str, Mapping[str, int]]) -> dict[str, FeeRate]:
    """What a business agreed with one gateway, by method name, from `{"YOCO": {"basis_points": 250, "fixed_minor": 0}}`.

    Raises:
        InvalidInputError: names the method that the gateway does not carry, or the part of a rate that no gateway takes.
    """
    carried = [method.value for method in PaymentMethod if method.gateway == gateway]
    rates = {}
    for method, rate in data.items():
        if method not in carried:
            raise InvalidInputError(method, f"{gateway} does not carry it: its methods are {', '.join(carried) or 'none'}.")
        try:
            rates[method] = FeeRate(**rate)
        except InvalidInputError as error:
            raise InvalidInputError(f"{method}.{error.field}", error.message) from None
    return rates
