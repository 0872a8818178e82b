"""A mail, and a mailer without encryption, for tests that send."""

from datetime import UTC, datetime

from domain.letters import Letter
from domain.message_keys import message_id, message_key
from mail.letters import render
from mail.mailer import OutgoingMail, Security, SmtpMailer, SmtpSettings
from tests.mail.samples import CVT, SAMPLES
from tests.mail.server import HOST

LETTER = render(SAMPLES[Letter.OVERDUE_NOTICE], CVT)
MESSAGE_ID = message_id(message_key("inv_01jd3s8v7re2rbtpkdmj4b5t3k", Letter.OVERDUE_NOTICE, "1-overdue_notice"), "cvt.co.zw")

MAIL = OutgoingMail(
    sender="Christus Veritas Technologies <noreply@cvt.co.zw>",
    to="Moyo Traders <accounts@moyo.co.zw>",
    subject=LETTER.subject,
    text=LETTER.text,
    html=LETTER.html,
    message_id=MESSAGE_ID,
    sent_at=datetime(2026, 11, 28, 7, 0, tzinfo=UTC),
    reply_to="accounts@cvt.co.zw",
    headers={"X-Entity": "inv_01jd3s8v7re2rbtpkdmj4b5t3k"},
)


def plain(port: int, host: str = HOST) -> SmtpMailer:
    return SmtpMailer(SmtpSettings(host, port, Security.NONE, timeout_seconds=5))
