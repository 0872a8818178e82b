"""The mail inbox over real SMTP and HTTP."""

import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from dev.blueprint import ROOT, _answers
from dev.mailbox import Mailbox
from dev.ports import free_port
from dev.processes import spawn, stop, tail, wait_until

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class Inbox:
    """A running inbox."""

    directory: Path
    smtp_port: int
    http: httpx.Client

    def send(self, mail: EmailMessage, recipients: list[str] | None = None) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as smtp:
            smtp.send_message(mail, from_addr="bounces@cvt.example", to_addrs=recipients)

    def newest(self) -> dict[str, object]:
        return dict(self.http.get("/api/v1/message/latest").json())


def start(directory: Path, smtp_port: int, http_port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dev.inbox", f"--smtp-port={smtp_port}", f"--http-port={http_port}", f"--dir={directory}"]
    process = spawn(command, log=directory / "inbox.log", environment=os.environ, directory=ROOT)
    assert wait_until(lambda: process.poll() is not None or _answers(http_port, "/readyz"), within=60)
    assert process.poll() is None, tail(directory / "inbox.log")
    return process


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    directory, smtp_port, http_port = tmp_path_factory.mktemp("inbox"), free_port(), free_port()
    process = start(directory, smtp_port, http_port)
    with httpx.Client(base_url=f"http://127.0.0.1:{http_port}") as http:
        yield Inbox(directory, smtp_port, http)
    assert stop(process, with_signal=signal.SIGTERM, grace=20) == 0


@pytest.fixture
def inbox(running: Inbox) -> Inbox:
    running.http.request("DELETE", "/api/v1/messages").raise_for_status()
    return running


def invoice(subject: str = "Invoice CVT-000012 - CVT Systems", to: str = "Thandi Moyo <thandi@school.example>") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "CVT Systems <billing@cvt.example>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Message-ID"] = "<inv_1.issued@cvt.example>"
    mail.set_content("You owe $120.00.\nPay at https://pay.example/pay_x\n")
    mail.add_alternative("<p>You owe <b>$120.00</b>. <a href='https://pay.example/pay_x'>Pay</a></p>", subtype="html")
    return mail


def test_a_mail_is_listed_in_mailpits_shape(inbox: Inbox) -> None:
    inbox.send(invoice())

    answer = inbox.http.get("/api/v1/messages").json()

    counts = {"total": 1, "unread": 1, "count": 1, "messages_count": 1, "messages_unread": 1, "start": 0, "tags": []}
    assert {name: answer[name] for name in counts} == counts
    (mail,) = answer["messages"]
    assert mail["From"] == {"Name": "CVT Systems", "Address": "billing@cvt.example"}
    assert mail["To"] == [{"Name": "Thandi Moyo", "Address": "thandi@school.example"}]
    assert (mail["Cc"], mail["Bcc"], mail["ReplyTo"]) == ([], [], [])
    assert mail["Subject"] == "Invoice CVT-000012 - CVT Systems"
    assert mail["MessageID"] == "inv_1.issued@cvt.example"
    assert mail["Snippet"] == "You owe $120.00. Pay at https://pay.example/pay_x"
    assert mail["Attachments"] == 0
    assert mail["Read"] is False
    assert datetime.fromisoformat(mail["Created"]).tzinfo is not None


def test_a_message_has_its_texts_and_is_read_afterwards(inbox: Inbox) -> None:
    inbox.send(invoice())
    identity = inbox.http.get("/api/v1/messages").json()["messages"][0]["ID"]

    message = inbox.http.get(f"/api/v1/message/{identity}").json()

    assert message["Text"].startswith("You owe $120.00.")
    assert "<b>$120.00</b>" in message["HTML"]
    assert message["ReturnPath"] == "bounces@cvt.example"
    assert inbox.http.get("/api/v1/messages").json()["unread"] == 0


def test_headers_are_listed_by_name_and_the_source_is_what_came(inbox: Inbox) -> None:
    inbox.send(invoice())
    identity = inbox.newest()["ID"]

    assert inbox.http.get(f"/api/v1/message/{identity}/headers").json()["Message-ID"] == ["<inv_1.issued@cvt.example>"]
    assert "Subject: Invoice CVT-000012" in inbox.http.get(f"/api/v1/message/{identity}/raw").text


def test_the_newest_mail_comes_first_and_pages_follow_each_other(inbox: Inbox) -> None:
    for number in range(3):
        inbox.send(invoice(f"Invoice {number}"))

    page = inbox.http.get("/api/v1/messages", params={"start": 1, "limit": 1}).json()

    assert [mail["Subject"] for mail in page["messages"]] == ["Invoice 1"]
    assert (page["total"], page["count"], page["start"]) == (3, 1, 1)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("to:rudo@shop.example", ["OVERDUE: Invoice 2"]),
        ('subject:"invoice 1"', ["Invoice 1"]),
        ("overdue", ["OVERDUE: Invoice 2"]),
        ("-overdue", ["Invoice 1"]),
        ("from:billing@cvt.example", ["OVERDUE: Invoice 2", "Invoice 1"]),
        ("message-id:inv_1.issued@cvt.example", ["OVERDUE: Invoice 2", "Invoice 1"]),
        ("$120.00", ["OVERDUE: Invoice 2", "Invoice 1"]),
        ("to:rudo@shop.example subject:reminder", []),
        ("has:attachment", []),
        ('an unclosed "quote', []),
        ("100%", []),
    ],
)
def test_a_search_finds_what_mailpit_would_find(inbox: Inbox, query: str, found: list[str]) -> None:
    inbox.send(invoice("Invoice 1"))
    inbox.send(invoice("OVERDUE: Invoice 2", to="rudo@shop.example"))

    answer = inbox.http.get("/api/v1/search", params={"query": query}).json()

    assert [mail["Subject"] for mail in answer["messages"]] == found
    assert (answer["messages_count"], answer["total"]) == (len(found), 2)


def test_who_is_in_no_header_was_a_blind_copy(inbox: Inbox) -> None:
    inbox.send(invoice(), ["thandi@school.example", "auditor@cvt.example"])

    assert inbox.newest()["Bcc"] == [{"Name": "", "Address": "auditor@cvt.example"}]


def test_an_attachment_is_listed_and_can_be_fetched(inbox: Inbox) -> None:
    mail = invoice()
    mail.add_attachment(b"%PDF-1.7 invoice", maintype="application", subtype="pdf", filename="CVT-000012.pdf")
    inbox.send(mail)

    message = inbox.http.get("/api/v1/message/latest").json()
    (file,) = message["Attachments"]

    assert (file["FileName"], file["ContentType"], file["Size"]) == ("CVT-000012.pdf", "application/pdf", 16)
    part = inbox.http.get(f"/api/v1/message/{message['ID']}/part/{file['PartID']}")
    assert part.content == b"%PDF-1.7 invoice"
    assert inbox.http.get("/api/v1/messages").json()["messages"][0]["Attachments"] == 1


@pytest.mark.parametrize(("address", "code"), [("thandi@refused.example", 550), ("thandi@busy.example", 451)])
def test_two_domains_refuse_on_demand(inbox: Inbox, address: str, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        inbox.send(invoice(to=address))

    assert refused.value.recipients[address][0] == code
    assert inbox.http.get("/api/v1/messages").json()["total"] == 0


def test_named_mails_are_deleted_and_the_others_stay(inbox: Inbox) -> None:
    inbox.send(invoice("Invoice 1"))
    gone = inbox.newest()["ID"]
    inbox.send(invoice("Invoice 2"))

    inbox.http.request("DELETE", "/api/v1/messages", json={"IDs": [gone]}).raise_for_status()

    assert [mail["Subject"] for mail in inbox.http.get("/api/v1/messages").json()["messages"]] == ["Invoice 2"]
    assert inbox.http.get(f"/api/v1/message/{gone}").status_code == 404


def test_the_page_lists_mails_and_shows_one_without_running_it(inbox: Inbox) -> None:
    mail = invoice('<script>alert("x")</script>')
    mail.replace_header("To", "rudo@shop.example")
    inbox.send(mail)
    identity = inbox.newest()["ID"]

    listed = inbox.http.get("/").text
    shown = inbox.http.get(f"/view/{identity}").text
    part = inbox.http.get(f"/view/{identity}/html")

    assert "rudo@shop.example" in listed
    assert f"/view/{identity}" in listed
    assert "<script>" not in listed + shown
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "You owe $120.00." in shown
    assert part.headers["Content-Security-Policy"].startswith("sandbox")
    assert "<b>$120.00</b>" in part.text


def test_an_empty_page_says_so(inbox: Inbox) -> None:
    assert "Nothing has arrived yet" in inbox.http.get("/").text


def test_mails_survive_a_restart(tmp_path: Path) -> None:
    smtp_port, http_port = free_port(), free_port()
    process = start(tmp_path, smtp_port, http_port)
    with httpx.Client(base_url=f"http://127.0.0.1:{http_port}") as http:
        Inbox(tmp_path, smtp_port, http).send(invoice())
        stop(process, with_signal=signal.SIGKILL, grace=10)
        process = start(tmp_path, smtp_port, http_port)
        try:
            assert http.get("/api/v1/messages").json()["total"] == 1
        finally:
            stop(process, with_signal=signal.SIGTERM, grace=10)


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    mailbox = Mailbox(tmp_path)
    yield mailbox
    mailbox.close()


def test_a_list_of_many_mails_reads_only_one_page(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = invoice().as_bytes()
    for _ in range(300):
        mailbox.add(raw, sender="", recipients=["thandi@school.example"], created=NOON)

    def no_parsing(_raw: bytes) -> EmailMessage:
        raise AssertionError("a list must not read the mails again")

    monkeypatch.setattr("dev.letters.parse", no_parsing)
    page = mailbox.page(250, 100)

    assert (page["total"], page["count"]) == (300, 50)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no header at all",
        b"Content-Type: text/plain; charset=klingon\n\nnuqneH",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nbroken",
        b"Date: yesterday\nFrom: =?utf-8?q?=C3?= <\nSubject: \xff\xfe\n\nbody",
    ],
    ids=["empty", "bare", "unknown charset", "cut off", "broken headers"],
)
def test_a_malformed_mail_is_kept_and_shown_rather_than_lost(mailbox: Mailbox, raw: bytes, show: Callable[[str], None]) -> None:
    show(mailbox.add(raw, sender="", recipients=["thandi@school.example"], created=NOON))

    assert mailbox.page(0, 10)["count"] == 1


@pytest.fixture
def show(mailbox: Mailbox) -> Callable[[str], None]:
    from dev import letters  # noqa: PLC0415  # beside its one use

    def read(identity: str) -> None:
        stored = mailbox.get(identity)
        assert stored is not None
        letters.message(stored.summary, stored.raw, stored.sender)
        letters.headers(stored.raw)

    return read
