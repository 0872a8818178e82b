"""Delivery against a real SMTP server: what is tried again, what is not, and that no password goes out in clear."""

import socket
import ssl

import pytest

from domain.errors import InvalidInputError
from mail.mailer import (
    MailDeferredError,
    MailRefusedError,
    Security,
    SmtpMailer,
    SmtpSettings,
)
from tests.mail.outgoing import LETTER, MAIL, MESSAGE_ID, plain
from tests.mail.server import HANG_UP, HOST, Certificate, Script, certificate, serving

# The C library reads it as 127.0.0.1, but it is no address that we hold to be this machine: a stand-in for a server far away.
FAR_AWAY = "127.1"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate("localhost", tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate("mail.example", tmp_path_factory.mktemp("others"))


def test_a_delivered_mail_has_both_parts_and_the_headers_that_it_was_given() -> None:
    script = Script()
    with serving(script) as port:
        plain(port).send(MAIL)
    (seen,) = script.seen
    assert seen.get_content_type() == "multipart/alternative"
    text, html = seen.get_body(("plain",)), seen.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == LETTER.text.splitlines()
    assert html.get_content().splitlines() == LETTER.html.splitlines()
    assert seen["Message-ID"] == MESSAGE_ID
    assert seen["Subject"] == "OVERDUE: Invoice CVT-000012"
    assert seen["From"] == "Christus Veritas Technologies <noreply@cvt.co.zw>"
    assert seen["Reply-To"] == "accounts@cvt.co.zw"
    assert seen["Auto-Submitted"] == "auto-generated"
    assert seen["X-Entity"] == "inv_01jd3s8v7re2rbtpkdmj4b5t3k"
    assert seen["Date"].datetime == MAIL.sent_at
    assert script.recipients == ["accounts@moyo.co.zw"]


def test_the_same_mail_sent_twice_has_the_same_message_id() -> None:
    script = Script()
    with serving(script) as port:
        mailer = plain(port)
        mailer.send(MAIL)
        mailer.send(MAIL)
    assert [seen["Message-ID"] for seen in script.seen] == [MESSAGE_ID, MESSAGE_ID]


@pytest.mark.parametrize(
    "script",
    [
        Script(rcpt="550 5.1.1 No such user here"),
        Script(mail="550 5.1.1 No such user here"),
        Script(data="550 5.1.1 No such user here"),
    ],
    ids=["recipient", "sender", "content"],
)
def test_a_permanent_refusal_stops_at_once_and_says_what_the_server_said(script: Script) -> None:
    with serving(script) as port, pytest.raises(MailRefusedError, match="No such user here") as refused:
        plain(port).send(MAIL)
    assert refused.value.code == 550
    assert refused.value.text == "5.1.1 No such user here"
    assert not script.seen


@pytest.mark.parametrize("answer", ["451 4.7.1 Greylisted", "421 4.3.2 Shutting down", "452 4.2.2 Mailbox full", HANG_UP])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_server_that_is_busy_or_goes_away_is_tried_again(stage: str, answer: str) -> None:
    script = Script(**{stage: answer})  # type: ignore[arg-type]  # a table of stages, all of them text
    with serving(script) as port, pytest.raises(MailDeferredError):
        plain(port).send(MAIL)
    assert not script.seen


@pytest.mark.parametrize("greeting", ["554 5.7.1 Your address is on a block list", "421 Too many connections"])
def test_a_server_that_will_not_talk_to_us_is_tried_again_since_the_mail_is_not_at_fault(greeting: str) -> None:
    with serving(Script(greeting=greeting)) as port, pytest.raises(MailDeferredError, match=greeting[:3]):
        plain(port).send(MAIL)


def test_a_bad_good_bye_does_not_unsend_a_mail() -> None:
    for said in ("421 Shutting down", "500 What?", HANG_UP):
        script = Script(quit=said)
        with serving(script) as port:
            plain(port).send(MAIL)
        assert len(script.seen) == 1


def test_nobody_listening_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # bound and not listening: refused for as long as we hold it
        with pytest.raises(MailDeferredError, match="refused"):
            plain(taken.getsockname()[1]).send(MAIL)


def test_a_silent_server_is_given_up_after_the_time_out_and_tried_again() -> None:
    with socket.create_server((HOST, 0)) as silent:
        mailer = SmtpMailer(SmtpSettings(HOST, silent.getsockname()[1], Security.NONE, timeout_seconds=0.2))
        with pytest.raises(MailDeferredError, match="timed out"):
            mailer.send(MAIL)


def test_starttls_is_used_where_it_is_offered(ours: Certificate) -> None:
    script = Script()
    with serving(script, tls_context=ours.server, require_starttls=True, log_in=True) as port:
        settings = SmtpSettings("localhost", port, Security.STARTTLS, "noreply", "right", timeout_seconds=5)
        SmtpMailer(settings, ours.client).send(MAIL)
    assert script.passwords == [b"right"]
    assert script.encrypted == [True]


def test_without_a_log_in_a_server_that_offers_no_starttls_is_still_used() -> None:
    script = Script()
    with serving(script) as port:
        SmtpMailer(SmtpSettings(FAR_AWAY, port, Security.STARTTLS, timeout_seconds=5)).send(MAIL)
    assert script.encrypted == [False]


def test_implicit_tls_is_encrypted_from_the_first_byte(ours: Certificate) -> None:
    script = Script()
    with serving(script, implicit_tls=ours.server) as port:
        SmtpMailer(SmtpSettings("localhost", port, Security.TLS, timeout_seconds=5), ours.client).send(MAIL)
    assert script.encrypted == [True]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_that_nobody_vouches_for_gets_no_password(security: Security, ours: Certificate) -> None:
    refuses_strangers(security, ours.server, ssl.create_default_context())


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_of_another_host_gets_no_password(security: Security, others: Certificate) -> None:
    refuses_strangers(security, others.server, others.client)


def refuses_strangers(security: Security, server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    script = Script()
    implicit = server if security is Security.TLS else None
    starttls = server if security is Security.STARTTLS else None
    with serving(script, implicit_tls=implicit, tls_context=starttls, log_in=True, auth_require_tls=False) as port:
        settings = SmtpSettings("localhost", port, security, "noreply", "right", timeout_seconds=5)
        with pytest.raises(MailDeferredError, match="certificate"):
            SmtpMailer(settings, client).send(MAIL)
    assert script.passwords == []
    assert script.seen == []


def test_a_password_never_goes_to_another_machine_in_clear() -> None:
    script = Script()
    with serving(script, log_in=True, auth_require_tls=False) as port:
        settings = SmtpSettings(FAR_AWAY, port, Security.STARTTLS, "noreply", "right", timeout_seconds=5)
        with pytest.raises(MailDeferredError, match="not sent in clear"):
            SmtpMailer(settings).send(MAIL)
    assert script.passwords == []


def test_on_this_machine_a_log_in_needs_no_encryption() -> None:
    script = Script()
    with serving(script, log_in=True, auth_require_tls=False) as port:
        SmtpMailer(SmtpSettings(HOST, port, Security.NONE, "noreply", "right", timeout_seconds=5)).send(MAIL)
    assert script.passwords == [b"right"]
    assert len(script.seen) == 1


def test_a_refused_log_in_is_our_trouble_and_not_the_recipients(ours: Certificate) -> None:
    script = Script(password=b"changed")
    with serving(script, tls_context=ours.server, log_in=True) as port:
        settings = SmtpSettings("localhost", port, Security.STARTTLS, "noreply", "old-secret", timeout_seconds=5)
        with pytest.raises(MailDeferredError, match=r"535.*SMTP_PASS") as deferred:
            SmtpMailer(settings, ours.client).send(MAIL)
    assert "old-secret" not in str(deferred.value)


def test_a_server_that_wants_a_log_in_first_is_our_trouble_too(ours: Certificate) -> None:
    with serving(Script(), tls_context=ours.server, log_in=True) as port:
        settings = SmtpSettings("localhost", port, Security.STARTTLS, timeout_seconds=5)
        with pytest.raises(MailDeferredError, match="530"):
            SmtpMailer(settings, ours.client).send(MAIL)


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("SMTP_PASS", {"user": "noreply"}),
        ("SMTP_PASS", {"password": "secret"}),
        ("SMTP_PASS", {"user": "noreply", "password": "pässword"}),
        ("SMTP_SECURE", {"user": "noreply", "password": "secret", "security": Security.NONE}),
    ],
)
def test_settings_that_could_not_work_or_not_safely_are_refused_by_name(field: str, settings: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match=field):
        SmtpSettings("smtp.example.com", 587, **settings)  # type: ignore[arg-type]  # a table of settings


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("localhost.evil.com", False)],
)
def test_only_loopback_is_this_machine(host: str, here: bool) -> None:
    assert SmtpSettings(host, 25).is_this_machine is here


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(SmtpSettings("localhost", 25, Security.TLS, "noreply", "secret"))
