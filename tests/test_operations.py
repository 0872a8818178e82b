"""What operators are told: one plain message each, that a mail server which is down delays and does not lose."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import InvalidInputError
from mail.mailer import Security, SmtpMailer, SmtpSettings
from operations import PAUSES, Addresses, Outbox
from persistence.outages import Outage
from tests.factories import NOW
from tests.mail.server import Script, serving

ADDRESSES = Addresses("operations@cvt.example", "Dunlin <billing@cvt.example>")
OUTAGE = Outage(
    id="out_01jd",
    account_id="gwa_01jd",
    gateway="paynow",
    error="paynow: www.paynow.co.zw/interface/trace answered HTTP 500.",
    opened_at=NOW,
    closed_at=None,
    business_name="Christus Veritas Technologies",
    business_slug="cvt",
)
ENDED = replace(OUTAGE, closed_at=NOW + timedelta(minutes=7))


@pytest.fixture
def server() -> Iterator[tuple[Script, SmtpMailer]]:
    script = Script()
    with serving(script) as port:
        yield script, SmtpMailer(SmtpSettings("127.0.0.1", port, Security.NONE))


def test_an_outage_is_told_in_plain_text_with_all_that_an_operator_needs(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, ADDRESSES)
    outbox.tell(OUTAGE, NOW)
    outbox.send(NOW)
    (mail,) = script.seen
    assert script.recipients == ["operations@cvt.example"]
    assert mail["Subject"] == "Dunlin: Paynow does not answer (cvt)"
    assert mail["From"] == "Dunlin <billing@cvt.example>"
    assert mail["Message-ID"] == "<out_01jd.opened@cvt.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    text = mail.get_content()
    for told in ("Christus Veritas Technologies", "2026-11-01 08:00:00 UTC", "gwa_01jd", OUTAGE.error, "Nothing is lost"):
        assert told in text


def test_its_end_answers_the_first_message(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, ADDRESSES)
    outbox.tell(ENDED, NOW)
    outbox.send(NOW)
    (mail,) = script.seen
    assert mail["Subject"] == "Dunlin: Paynow answers again (cvt)"
    assert mail["Message-ID"] == "<out_01jd.closed@cvt.example>"
    assert mail["In-Reply-To"] == "<out_01jd.opened@cvt.example>"
    assert "2026-11-01 08:07:00 UTC" in mail.get_content()


def test_gateways_are_spelled_as_they_spell_themselves(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, ADDRESSES)
    for gateway in ("payfast", "yoco", "ozow"):
        outbox.tell(replace(OUTAGE, gateway=gateway), NOW)
    outbox.send(NOW)
    assert [mail["Subject"].split()[1] for mail in script.seen] == ["PayFast", "Yoco", "Ozow"]


def test_what_was_sent_is_not_sent_again(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, ADDRESSES)
    outbox.tell(OUTAGE, NOW)
    outbox.send(NOW)
    outbox.send(NOW + timedelta(days=1))
    assert len(script.seen) == 1


def test_a_mail_server_that_is_down_is_tried_again_after_a_pause(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, ADDRESSES)
    outbox.tell(OUTAGE, NOW)
    script.data = "451 Later"
    outbox.send(NOW)
    script.data = None
    outbox.send(NOW + timedelta(seconds=9))
    assert script.seen == []
    outbox.send(NOW + timedelta(seconds=10))
    assert len(script.seen) == 1


def test_a_mail_server_that_stays_down_is_given_up_after_five_pauses(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, ADDRESSES)
    outbox.tell(OUTAGE, NOW)
    script.data = "451 Later"
    now = NOW
    for pause in (*PAUSES, timedelta(days=1)):
        outbox.send(now)
        now += pause
    script.data = None
    outbox.send(now)
    assert script.seen == []


def test_an_address_that_is_refused_is_not_tried_again(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, ADDRESSES)
    outbox.tell(OUTAGE, NOW)
    script.rcpt = "550 No such mailbox"
    outbox.send(NOW)
    script.rcpt = None
    outbox.send(NOW + timedelta(days=1))
    assert script.seen == []


def test_without_an_address_nobody_is_told(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, Addresses(""))
    outbox.tell(OUTAGE, NOW)
    outbox.send(NOW)
    assert script.seen == []


def test_without_a_sender_the_operators_write_to_themselves(server: tuple[Script, SmtpMailer]) -> None:
    script, mailer = server
    outbox = Outbox(mailer, Addresses("operations@cvt.example"))
    outbox.tell(OUTAGE, NOW)
    outbox.send(NOW)
    assert [mail["From"] for mail in script.seen] == ["operations@cvt.example"]


def test_an_address_that_is_none_is_refused_when_the_worker_starts() -> None:
    with pytest.raises(InvalidInputError, match="OPERATIONS_EMAIL"):
        Addresses("our operators")
