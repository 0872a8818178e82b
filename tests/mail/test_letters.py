"""Letters as people get them: the words, the subjects, and names that try to do harm.

The text parts are kept in `snapshots/`. After a wanted change of words write them anew and read the difference:
`RENEW_SNAPSHOTS=1 python -m pytest tests/mail/test_letters.py`.
"""

import os
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from domain.errors import InvalidInputError
from domain.letters import (
    LETTER_OF_FACTS,
    Branding,
    Facts,
    FinalWarningFacts,
    Letter,
    OverdueNoticeFacts,
    PaymentReminderFacts,
    ReactivationConfirmationFacts,
    SuspensionNoticeFacts,
)
from domain.money import Money
from mail import letters
from mail.letters import one_line, render
from tests.mail.page import Page
from tests.mail.samples import CVT, DUE_ON, LINK, NAME, NUMBER, OWED, SAMPLES
from wording import write_day, write_money

SNAPSHOTS = Path(__file__).parent / "snapshots"

every_letter = pytest.mark.parametrize("letter", list(Letter))

INVOICE: dict[str, Any] = {
    "customer_name": NAME,
    "invoice_number": NUMBER,
    "amount": OWED,
    "due_on": DUE_ON,
    "payment_link": LINK,
}


@every_letter
def test_the_text_part_reads_as_it_was_agreed(letter: Letter) -> None:
    kept = SNAPSHOTS / f"{letter}.txt"
    rendered = render(SAMPLES[letter], CVT)
    whole = f"Subject: {rendered.subject}\n\n{rendered.text}"
    if os.environ.get("RENEW_SNAPSHOTS"):
        kept.write_text(whole, encoding="utf-8")
    assert whole == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("letter", "subject"),
    [
        (Letter.INVOICE_ISSUED, "Invoice CVT-000012 - Christus Veritas Technologies"),
        (Letter.PAYMENT_REMINDER, "Payment Reminder: Invoice CVT-000012"),
        (Letter.OVERDUE_NOTICE, "OVERDUE: Invoice CVT-000012"),
        (Letter.FINAL_WARNING, "FINAL WARNING: Invoice CVT-000012"),
        (Letter.PAYMENT_CONFIRMATION, "Payment Received - CVT-000012"),
        (Letter.PAYMENT_FAILED, "Payment Failed: Invoice CVT-000012"),
        (Letter.PAYMENT_LINK, "Payment Request - Christus Veritas Technologies"),
        (Letter.SUSPENSION_NOTICE, "Account Suspended - Immediate Action Required"),
        (Letter.REACTIVATION_CONFIRMATION, "Account Reactivated - Welcome Back"),
    ],
)
def test_subjects_are_the_ones_that_users_filter_by(letter: Letter, subject: str) -> None:
    assert render(SAMPLES[letter], CVT).subject == subject


@every_letter
def test_both_parts_say_everything_on_their_own(letter: Letter) -> None:
    facts = SAMPLES[letter]
    rendered = render(facts, CVT)
    page = Page(rendered.html)
    said = {name: words(value) for name, value in ((field.name, getattr(facts, field.name)) for field in fields(facts))}
    for name, told in said.items():
        for word in told:
            assert word in rendered.text, f"{name} is not in the text part"
            assert word in page.text + " ".join(page.links), f"{name} is not in the HTML part"


def words(value: object) -> list[str]:
    """How a fact of the samples reads in a letter; a flag and a zero are told in other words."""
    match value:
        case Money():
            return [write_money(value, CVT.locale)] if value else []
        case date():
            return [write_day(value, CVT.locale)]
        case bool() | None:
            return []
        case tuple():
            return list(value)
        case _:
            return [str(value)]


def required_facts() -> list[tuple[Letter, str, str]]:
    return [
        (letter, field.name, part)
        for kind, letter in LETTER_OF_FACTS.items()
        for field in fields(kind)
        for part in ("body.txt", "body.html")
    ]


@pytest.mark.parametrize(("letter", "fact", "part"), required_facts())
def test_a_missing_fact_fails_the_letter_instead_of_leaving_a_hole(letter: Letter, fact: str, part: str) -> None:
    context = letters._context(SAMPLES[letter], CVT) | {"subject": "x"}
    del context[fact]
    with pytest.raises(UndefinedError, match=fact):
        letters._fill(f"{letter}/{part}", context)


@pytest.mark.parametrize(
    ("days", "said"), [(0, "is due today"), (1, "is due in 1 day."), (2, "is due in 2 days."), (30, "is due in 30 days.")]
)
def test_a_reminder_counts_days_as_people_do(days: int, said: str) -> None:
    rendered = render(PaymentReminderFacts(**INVOICE, days_until_due=days), CVT)
    assert said in rendered.text
    assert said in Page(rendered.html).text


@pytest.mark.parametrize(("days", "said"), [(0, "is due today,"), (1, "is 1 day overdue,"), (2, "is 2 days overdue,")])
def test_an_overdue_notice_counts_days_as_people_do(days: int, said: str) -> None:
    rendered = render(OverdueNoticeFacts(**INVOICE, days_overdue=days), CVT)
    assert said in rendered.text
    assert said in Page(rendered.html).text


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"suspends_on": date(2026, 12, 12)}, "will be suspended on December 12, 2026."),
        ({}, "may be suspended."),
        ({"warns_of_suspension": False}, None),
    ],
)
def test_an_overdue_notice_threatens_only_with_what_will_happen(facts: dict[str, Any], said: str | None) -> None:
    rendered = render(OverdueNoticeFacts(**INVOICE, days_overdue=7, **facts), CVT)
    for part in (rendered.text, Page(rendered.html).text):
        assert said in part if said else "suspended" not in part


def test_a_final_warning_without_a_known_day_names_none() -> None:
    rendered = render(FinalWarningFacts(**INVOICE, days_overdue=0), CVT)
    assert "last notice before your account is suspended." in rendered.text
    assert "last notice before your account is suspended." in Page(rendered.html).text


def test_a_suspension_by_staff_asks_for_no_money_and_leads_to_the_portal() -> None:
    facts = SuspensionNoticeFacts(
        customer_name=NAME, reason="Asked for by you.", contact_email="a@cvt.co.zw", portal_link="https://cvt.co.zw/clients"
    )
    rendered = render(facts, CVT)
    for part in (rendered.text, Page(rendered.html).text):
        assert "Pay" not in part
        assert "$" not in part
    assert "https://cvt.co.zw/clients" in Page(rendered.html).links


def test_a_reactivation_without_a_list_says_that_everything_works_again() -> None:
    rendered = render(ReactivationConfirmationFacts(customer_name=NAME), CVT)
    for part in (rendered.text, Page(rendered.html).text):
        assert "Everything that was suspended works again." in part


@pytest.mark.parametrize("locale", ["", "xx_YY", "english please", "en_Z!"])
def test_a_locale_that_does_not_exist_is_refused_by_name(locale: str) -> None:
    with pytest.raises(InvalidInputError, match="locale"):
        render(SAMPLES[Letter.INVOICE_ISSUED], replace(CVT, locale=locale))


HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "a broken attribute": '"><img src=x onerror=alert(1)>',
    "a header": "Moyo\r\nBcc: everybody@example.com",
    "a line separator": "Moyo\u2028Amount due: $0.00",
    "an emoji family": "Moyo 👨‍👩‍👧 Traders",
    "a right-to-left mark": "Moyo \u200f\u202eTraders\u2066",
    "a template": "{{ branding.sender }}{% raw %}",
    "half a surrogate": "Moyo \ud83d",
    "300 letters": "W" * 300,
    "nothing": "",
}


@every_letter
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_name_is_only_a_name(letter: Letter, name: str) -> None:
    plain = render(SAMPLES[letter], CVT)
    rendered = render(renamed(SAMPLES[letter], name), replace(CVT, business_name=name, address_line=name))
    assert Page(rendered.html).tags == Page(plain.html).tags
    assert Page(rendered.html).links == Page(plain.html).links
    assert len(rendered.text.splitlines()) == len(plain.text.splitlines())
    assert len(rendered.subject.splitlines()) == 1
    assert not set("\u202e\u2066") & set(rendered.text + rendered.html + rendered.subject)
    (rendered.text + rendered.html + rendered.subject).encode()
    assert one_line(name) in rendered.text


def renamed(facts: Facts, name: str) -> Facts:
    typed = {"customer_name", "description", "invoice_number", "method_name", "reason", "reference"}
    changes: dict[str, Any] = {field.name: name for field in fields(facts) if field.name in typed and name}
    return replace(facts, **changes)


def test_an_emoji_made_of_several_stays_whole() -> None:
    assert one_line("Moyo 👨‍👩‍👧") == "Moyo 👨‍👩‍👧"


@given(st.text())
def test_one_line_is_one_line_whatever_comes_in(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line


@pytest.mark.parametrize(("colour", "ink"), [("#1e3a5f", "#ffffff"), ("#fbbf24", "#111827"), ("#ffffff", "#111827")])
def test_the_button_can_be_read_on_any_brand_colour(colour: str, ink: str) -> None:
    html = render(SAMPLES[Letter.INVOICE_ISSUED], replace(CVT, colour=colour)).html
    button = next(line for line in html.splitlines() if ">Pay Now<" in line)
    assert f"color:{ink};" in button
    assert f"background-color:{colour};" in button


def test_with_images_off_the_logo_still_names_the_business() -> None:
    branding: Branding = replace(CVT, logo_url="https://cvt.co.zw/logo.png")
    html = render(SAMPLES[Letter.INVOICE_ISSUED], branding).html
    assert '<img src="https://cvt.co.zw/logo.png" alt="Christus Veritas Technologies"' in html


@every_letter
def test_a_letter_has_one_button_and_no_picture_that_reports_back(letter: Letter) -> None:
    page = Page(render(SAMPLES[letter], CVT).html)
    assert "img" not in page.tags
    html = render(SAMPLES[letter], CVT).html
    assert html.count("display:inline-block") == 1


@every_letter
def test_the_list_of_messages_shows_the_gist_first(letter: Letter) -> None:
    page = Page(render(SAMPLES[letter], CVT).html)
    body = page.text.split("}", maxsplit=page.text.count("}"))[-1]
    gist = body.strip().split("\N{COMBINING GRAPHEME JOINER}")[0]
    assert 10 < len(gist) < 90
