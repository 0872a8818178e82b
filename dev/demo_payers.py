"""Who pays in the demo, when, and how; given out to the invoices in turn, in the order of their numbers."""

from dataclasses import dataclass
from enum import Enum

# Paynow's documented test numbers.
PAYS = "0771111111"
CANCELS = "0773333333"
HAS_NO_MONEY = "0774444444"


class Stage(Enum):
    """The stages of an unpaid invoice's life: a title for people, and the step of the default ladder that it begins with."""

    ISSUED = ("Payments soon after the invoice", None)
    REMINDED = ("Three days before the due day: payment reminder", "0-remind")
    DUE = ("The due day: overdue notice", "1-overdue_notice")
    OVERDUE = ("A week late: overdue notice", "2-overdue_notice")
    WARNED = ("Two weeks late: final warning", "3-final_warning")
    SUSPENDED = ("Three weeks late: suspension, and who pays is back in seconds", "4-suspend")

    @property
    def title(self) -> str:
        return str(self.value[0])

    @property
    def step(self) -> str | None:
        return self.value[1] and str(self.value[1])


@dataclass(frozen=True, slots=True)
class Payer:
    """How one kind of customer behaves.

    Attributes:
        stage: when they pay; None never.
        tries: (method, phone) one after the other; the last one succeeds.
        over_minor: how much more than was due is paid, in minor units.
        at_once: the tries are two people who open the link and pay at the same moment; both succeed.
    """

    how: str
    stage: Stage | None
    tries: tuple[tuple[str, str | None], ...] = ()
    over_minor: int = 0
    at_once: bool = False


TECHNOLOGIES = (
    Payer("by EcoCash", Stage.ISSUED, (("PAYNOW_ECOCASH", PAYS),)),
    Payer("by Visa on Paynow's page", Stage.ISSUED, (("PAYNOW_VISA", None),)),
    Payer("never", None),
    Payer("by OneMoney", Stage.ISSUED, (("PAYNOW_ONEMONEY", PAYS),)),
    Payer("by EcoCash", Stage.REMINDED, (("PAYNOW_ECOCASH", PAYS),)),
    Payer("after cancelling once, by EcoCash", Stage.ISSUED, (("PAYNOW_ECOCASH", CANCELS), ("PAYNOW_ECOCASH", PAYS))),
    Payer("by EcoCash", Stage.SUSPENDED, (("PAYNOW_ECOCASH", PAYS),)),
    Payer("by InnBucks", Stage.DUE, (("PAYNOW_INNBUCKS", PAYS),)),
    Payer("never", None),
    Payer(
        "with too little money at first, by OneMoney",
        Stage.OVERDUE,
        (("PAYNOW_ONEMONEY", HAS_NO_MONEY), ("PAYNOW_ONEMONEY", PAYS)),
    ),
    Payer("by EcoCash", Stage.WARNED, (("PAYNOW_ECOCASH", PAYS),)),
    Payer("by Mastercard on Paynow's page", Stage.SUSPENDED, (("PAYNOW_MASTERCARD", None),)),
)

# Parents pay by card, instant EFT or PayFast, or at the bank or the office, where staff record what arrived.
CRECHE = (
    Payer("by card at Yoco, after a declined one", Stage.ISSUED, (("YOCO", None),)),
    Payer("by instant EFT at Ozow", Stage.REMINDED, (("OZOW", None),)),
    Payer("in cash", Stage.ISSUED, (("CASH", None),)),
    Payer("by bank transfer of more than was due", Stage.ISSUED, (("BANK_TRANSFER", None),), over_minor=200_00),
    Payer("never", None),
    Payer("through PayFast", Stage.DUE, (("PAYFAST", None),)),
    Payer("by card at Yoco, after a declined one", Stage.SUSPENDED, (("YOCO", None),)),
    Payer("by instant EFT at Ozow", Stage.OVERDUE, (("OZOW", None),)),
    Payer("twice at once, by card and by instant EFT", Stage.ISSUED, (("YOCO", None), ("OZOW", None)), at_once=True),
)
