"""One set of facts a letter, as a business in Harare would have them."""

from datetime import date

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
