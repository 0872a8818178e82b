"""Addresses and names beyond ASCII, and those that are none: refused before any server is asked."""

from dataclasses import replace

import pytest

from mail.mailer import (
    MailRefusedError,
    OutgoingMail,
    compose,
    mailbox,
)
from tests.mail.outgoing import MAIL, plain
from tests.mail.server import Script, serving


def test_names_beyond_ascii_arrive_whole_through_a_seven_bit_server() -> None:
    script = Script()
    name = 'Crèche "Zvakanaka" 👶, Harare <x@y.z>'
    mail = replace(
        MAIL, sender=mailbox(name, "noreply@cvt.co.zw"), to=mailbox("Tëndai", "t@moyo.co.zw"), subject=f"Invoice 1 - {name}"
    )
    with serving(script) as port:
        plain(port).send(replace(mail, text="Crèche 👶\n", html="<p>Crèche 👶</p>\n"))
    (seen,) = script.seen
    assert seen["From"].addresses[0].display_name == name
    assert seen["From"].addresses[0].addr_spec == "noreply@cvt.co.zw"
    assert seen["To"].addresses[0].display_name == "Tëndai"
    assert seen["Subject"] == f"Invoice 1 - {name}"
    assert script.recipients == ["t@moyo.co.zw"]
    assert script.raw[0].isascii()
    assert max(len(line) for line in script.raw[0].splitlines()) <= 998


def test_a_domain_beyond_ascii_is_written_as_servers_take_it() -> None:
    script = Script()
    with serving(script) as port:
        plain(port).send(replace(MAIL, to="info@bücher.example"))
    assert script.recipients == ["info@xn--bcher-kva.example"]


def test_an_address_beyond_ascii_is_delivered_where_the_server_can_and_refused_where_not() -> None:
    able, unable = Script(), Script()
    mail = replace(MAIL, to="tëndai@moyo.co.zw")
    with serving(able, enable_SMTPUTF8=True) as port:
        plain(port).send(mail)
    assert able.recipients == ["tëndai@moyo.co.zw"]
    with serving(unable) as port, pytest.raises(MailRefusedError, match="beyond ASCII"):
        plain(port).send(mail)
    assert unable.seen == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "moyo",
        "moyo@",
        "@moyo.co.zw",
        "a b@moyo.co.zw",
        "a@x.co, b@y.co",
        "a@x.co\r\nBcc: b@y.co",
        "a@x..co",
        "Moyo <a@x.co",
    ],
)
def test_what_is_not_one_address_is_refused_before_any_server_is_asked(address: str) -> None:
    with pytest.raises(MailRefusedError, match="to is") as refused:
        compose(replace(MAIL, to=address))
    assert refused.value.code is None


@pytest.mark.parametrize(
    "mail",
    [
        replace(MAIL, subject="Invoice 1\r\nBcc: b@y.co"),
        replace(MAIL, message_id="<a@b>\r\nBcc: b@y.co"),
        replace(MAIL, headers={"X-Entity": "a\nBcc: b@y.co"}),
    ],
    ids=["subject", "message id", "header"],
)
def test_a_line_break_cannot_smuggle_a_header_in(mail: OutgoingMail) -> None:
    with pytest.raises(MailRefusedError, match="header"):
        compose(mail)
