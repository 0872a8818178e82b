"""The sentences of a timeline about money: payments, payment links, and what a person must look at."""

from collections.abc import Callable, Mapping

from domain.happenings import LinkChanged, Part, PaymentMoved, Questioned, Words
from domain.money import Money, total
from domain.payment import PaymentStatus
from domain.timeline_moves import money_of, readable


def payment_sentence(what: PaymentMoved, words: Words) -> str:
    """What happened to a payment; an action that has no sentence here is told by its name."""
    sentence = _SENTENCES.get(what.action)
    return sentence(what, words) if sentence else f"{readable(what.action)}: {_paid(what, words)}"


def link_sentence(what: LinkChanged, words: Words) -> str:
    amount = f", {words.money(what.amount)}" if what.amount is not None else ""
    return f"{_LINKS.get(what.action, readable(what.action))}: {what.purpose}{amount}"


def question_sentence(what: Questioned, words: Words) -> str:
    return f"Somebody must look at {words.money(what.amount)} by {what.method.human_name}"


_LINKS = {
    "PAYMENT_LINK_CREATED": "Payment link was made",
    "PAYMENT_LINK_CANCELLED": "Payment link was cancelled",
    "PAYMENT_LINK_EXPIRED": "Payment link expired",
}


def _paid(what: PaymentMoved, words: Words) -> str:
    return f"{words.money(what.amount)} by {what.method.human_name}"


def _begun(what: PaymentMoved, words: Words) -> str:
    if what.status is PaymentStatus.PENDING:
        return f"{_paid(what, words)} is being confirmed"
    return f"Payment of {_paid(what, words)} was begun"


def _received(what: PaymentMoved, words: Words) -> str:
    if not what.parts:
        why = ", as nothing was left to pay" if what.of_invoice else ""
        return f"Received: {_paid(what, words)}; it is kept as credit{why}"
    if what.of_invoice is not None:
        (part,) = what.parts
        share = f"{words.money(part.amount)} of " if part.amount != what.amount else ""
        return f"Paid: {share}{_paid(what, words)}; {_left(part, words)}"
    used = [f"invoice {part.number}: {words.money(part.amount)}, {_left(part, words)}" for part in what.parts]
    if len(used) == 1:
        used = [f"invoice {what.parts[0].number}: {_left(what.parts[0], words)}"]
    credit = [f"{words.money(what.credited)} is kept as credit"] if what.credited else []
    return f"Paid: {_paid(what, words)}; {'; '.join(used + credit)}"


def _left(part: Part, words: Words) -> str:
    return f"{words.money(part.left)} is left to pay" if part.left else "nothing is left to pay"


def _failed(what: PaymentMoved, words: Words) -> str:
    return f"Payment of {_paid(what, words)} failed"


def _reversed(what: PaymentMoved, words: Words) -> str:
    if not what.parts:
        return f"Payment of {_paid(what, words)} was reversed"
    again: Money = total([part.amount for part in what.parts], what.amount.currency)
    where = "" if what.of_invoice else f" on {' and '.join(f'invoice {part.number}' for part in what.parts)}"
    return f"Payment of {_paid(what, words)} was reversed; {words.money(again)} is owed again{where}"


def _reversal_asked(what: PaymentMoved, words: Words) -> str:
    return f"Reversal of {_paid(what, words)} was asked for"


def _fee_corrected(what: PaymentMoved, words: Words) -> str:
    fee, estimate = money_of(what.details, "fee"), money_of(what.details, "estimate")
    if fee is None or estimate is None:
        return f"The gateway's fee for {_paid(what, words)} was corrected"
    return f"The gateway's fee for {_paid(what, words)} is {words.money(fee)}, not {words.money(estimate)} as estimated"


_SENTENCES: Mapping[str, Callable[[PaymentMoved, Words], str]] = {
    "PAYMENT_INITIATED": _begun,
    "ONLINE_PAYMENT_RECEIVED": _received,
    "MANUAL_PAYMENT_RECORDED": _received,
    "CREDIT_APPLIED": _received,
    "PAYMENT_FAILED": _failed,
    "PAYMENT_REVERSED": _reversed,
    "PAYMENT_REVERSAL_REQUESTED": _reversal_asked,
    "FEE_CORRECTED": _fee_corrected,
}
