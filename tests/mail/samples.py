"""One set of facts a letter, as a business in Harare would have them, and one where it lists several invoices."""

from datetime import date, timedelta
from typing import Any

from domain.letters import (
    Branding,
    Facts,
    FinalWarningFacts,
    InvoiceIssuedFacts,
    Letter,
    OverdueNoticeFacts,
    PaymentConfirmationFacts,
    PaymentFailedFacts,
    PaymentLinkFacts,
    PaymentReminderFacts,
    ReactivationConfirmationFacts,
    SuspensionNoticeFacts,
)
from domain.listed_invoice import ListedInvoice
from domain.money import Money

CVT = Branding(
    business_name="Christus Veritas Technologies",
    contact_email="accounts@cvt.co.zw",
    sender="noreply@cvt.co.zw",
    address_line="Harare, Zimbabwe",
    portal_url="https://cvt.co.zw/clients",
)

NAME = "Moyo Traders"
NUMBER = "CVT-000012"
LINK = "https://cvt.co.zw/pay/pay_k3Xw9Qz7LmTb"
DUE_ON = date(2026, 11, 21)
OWED = Money(2500, "USD")

SAMPLES: dict[Letter, Facts] = {
    Letter.INVOICE_ISSUED: InvoiceIssuedFacts(
        customer_name=NAME, invoice_number=NUMBER, amount=OWED, due_on=DUE_ON, payment_link=LINK, total=OWED
    ),
    Letter.PAYMENT_REMINDER: PaymentReminderFacts(
        customer_name=NAME, invoice_number=NUMBER, amount=OWED, due_on=DUE_ON, payment_link=LINK, days_until_due=3
    ),
    Letter.OVERDUE_NOTICE: OverdueNoticeFacts(
        customer_name=NAME,
        invoice_number=NUMBER,
        amount=OWED,
        due_on=DUE_ON,
        payment_link=LINK,
        days_overdue=7,
        suspends_on=date(2026, 12, 12),
    ),
    Letter.FINAL_WARNING: FinalWarningFacts(
        customer_name=NAME,
        invoice_number=NUMBER,
        amount=OWED,
        due_on=DUE_ON,
        payment_link=LINK,
        days_overdue=14,
        suspends_on=date(2026, 12, 12),
    ),
    Letter.PAYMENT_CONFIRMATION: PaymentConfirmationFacts(
        customer_name=NAME,
        reference="pay_01jd3s8v7re2",
        amount=Money(3000, "USD"),
        payment_on=date(2026, 11, 19),
        method_name="EcoCash",
        invoice_number=NUMBER,
        amount_still_due=Money(0, "USD"),
        credit=Money(500, "USD"),
    ),
    Letter.PAYMENT_FAILED: PaymentFailedFacts(
        customer_name=NAME,
        reference="pay_01jd3s8v7re2",
        amount=OWED,
        reason="The payment was not confirmed on the phone.",
        payment_link=LINK,
        invoice_number=NUMBER,
    ),
    Letter.PAYMENT_LINK: PaymentLinkFacts(
        customer_name=NAME,
        description="Registration fee 2027",
        amount=Money(15000, "USD"),
        payment_link=LINK,
        expires_on=date(2026, 11, 28),
    ),
    Letter.SUSPENSION_NOTICE: SuspensionNoticeFacts(
        customer_name=NAME,
        reason="Invoice CVT-000012 is 21 days overdue.",
        contact_email="accounts@cvt.co.zw",
        portal_link="https://cvt.co.zw/clients",
        amount_overdue=OWED,
        payment_link=LINK,
    ),
    Letter.REACTIVATION_CONFIRMATION: ReactivationConfirmationFacts(
        customer_name=NAME, possible_again=("Sales at your tills", "Changes to your till settings")
    ),
}


def listed(number: int, minor: int, days_overdue: int) -> ListedInvoice:
    """A line of a letter that was decided a week after `DUE_ON`."""
    return ListedInvoice(
        invoice_number=f"CVT-0000{number}",
        amount=Money(minor, "USD"),
        due_on=DUE_ON + timedelta(days=7 - days_overdue),
        days_overdue=days_overdue,
        invoice_link=f"https://cvt.co.zw/pay/pay_{number}w9Qz7LmTbk",
    )


def of_several(*lines: ListedInvoice) -> dict[str, Any]:
    """What a letter tells of these invoices, the first of which is due first."""
    return {
        "customer_name": NAME,
        "invoice_number": lines[0].invoice_number,
        "amount": Money(sum(line.amount.minor for line in lines), "USD"),
        "due_on": lines[0].due_on,
        "payment_link": LINK,
        "invoices": lines,
    }


LISTS: dict[Letter, Facts] = {
    Letter.PAYMENT_REMINDER: PaymentReminderFacts(**of_several(listed(12, 2500, -3), listed(13, 120000, -3)), days_until_due=3),
    Letter.OVERDUE_NOTICE: OverdueNoticeFacts(
        **of_several(listed(10, 999, 14), listed(12, 2500, 7), listed(13, 120000, 7)),
        days_overdue=14,
        suspends_on=date(2026, 12, 12),
        outstanding=Money(133499, "USD"),
    ),
    Letter.FINAL_WARNING: FinalWarningFacts(
        **of_several(listed(10, 999, 21), listed(12, 2500, 14), listed(13, 120000, 14)),
        days_overdue=21,
        suspends_on=date(2026, 12, 12),
    ),
}
