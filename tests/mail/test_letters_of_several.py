"""Letters that tell a customer of several invoices at once; that one invoice reads as ever is in `test_letters.py`."""

import os
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from jinja2 import UndefinedError

from domain.errors import InvalidInputError
from domain.letters import Facts, FinalWarningFacts, Letter, OverdueNoticeFacts, PaymentReminderFacts
from domain.listed_invoice import ListedInvoice
from domain.money import Money
from mail import letters
from mail.letters import render
from tests.mail.page import Page
from tests.mail.samples import CVT, LINK, LISTS, NAME, listed, of_several
from tests.mail.test_letters import HOSTILE, SNAPSHOTS
from wording import write_day, write_money

every_list = pytest.mark.parametrize("letter", list(LISTS))


def invoices_of(facts: Facts) -> tuple[ListedInvoice, ...]:
    assert isinstance(facts, PaymentReminderFacts | OverdueNoticeFacts | FinalWarningFacts)
    return facts.invoices


def both_parts(facts: Facts) -> tuple[str, str]:
    rendered = render(facts, CVT)
    return rendered.text, " ".join(Page(rendered.html).text.split())


@every_list
def test_the_text_part_reads_as_it_was_agreed(letter: Letter) -> None:
    kept = SNAPSHOTS / f"{letter}_of_several.txt"
    rendered = render(LISTS[letter], CVT)
    whole = f"Subject: {rendered.subject}\n\n{rendered.text}"
    if os.environ.get("RENEW_SNAPSHOTS"):
        kept.write_text(whole, encoding="utf-8")
    assert whole == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("letter", "subject"),
    [
        (Letter.PAYMENT_REMINDER, "Payment Reminder: 2 invoices"),
        (Letter.OVERDUE_NOTICE, "OVERDUE: 3 invoices"),
        (Letter.FINAL_WARNING, "FINAL WARNING: 3 invoices"),
    ],
)
def test_the_subject_counts_the_invoices(letter: Letter, subject: str) -> None:
    assert render(LISTS[letter], CVT).subject == subject


@every_list
def test_both_parts_tell_each_invoice_with_its_own_page_and_the_one_link_that_pays_all(letter: Letter) -> None:
    facts = LISTS[letter]
    rendered = render(facts, CVT)
    page = Page(rendered.html)
    total = Money(sum(invoice.amount.minor for invoice in invoices_of(facts)), "USD")
    for invoice in invoices_of(facts):
        told = (invoice.invoice_number, write_money(invoice.amount, CVT.locale), write_day(invoice.due_on, CVT.locale))
        for word in told:
            assert word in rendered.text
            assert word in page.text
        assert invoice.invoice_link in rendered.text
        assert invoice.invoice_link in page.links
    assert f"Total due: {write_money(total, CVT.locale)}" in rendered.text
    assert f"Total {write_money(total, CVT.locale)}" in " ".join(page.text.split())
    assert page.links.count(LINK) == 2, "the button, and the address below for who cannot press it"


@every_list
def test_a_list_has_one_button_like_every_letter(letter: Letter) -> None:
    assert render(LISTS[letter], CVT).html.count("display:inline-block") == 1


@pytest.mark.parametrize(
    ("days_overdue", "said"), [(14, "14 days overdue"), (1, "1 day overdue"), (0, "today"), (-1, "in 1 day"), (-3, "in 3 days")]
)
def test_a_line_says_how_its_due_day_lies_to_today(days_overdue: int, said: str) -> None:
    line = listed(14, 2500, days_overdue)
    facts = OverdueNoticeFacts(**of_several(listed(10, 999, 20), line), days_overdue=20)
    for part in both_parts(facts):
        assert f"ue {write_day(line.due_on, CVT.locale)}, {said} " in f"{' '.join(part.split())} "


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((14, 7), "These invoices are overdue,"),
        ((7, 0), "These invoices are due,"),
        ((0, 0), "These invoices are due today,"),
    ],
)
def test_an_overdue_notice_calls_late_only_what_is_late(days: tuple[int, int], said: str) -> None:
    facts = OverdueNoticeFacts(**of_several(*(listed(10 + each, 999, each) for each in days)), days_overdue=days[0])
    for part in both_parts(facts):
        assert said in part


@pytest.mark.parametrize(
    ("days", "said"), [((-3, -3), "are due in 3 days:"), ((-1, -3), "are due soon:"), ((0, 0), "are due today:")]
)
def test_a_reminder_names_a_number_of_days_only_where_it_is_that_of_all(days: tuple[int, int], said: str) -> None:
    facts = PaymentReminderFacts(**of_several(*(listed(20 + each, 999, each) for each in days)), days_until_due=-days[0])
    for part in both_parts(facts):
        assert said in part


@every_list
def test_a_link_that_asks_for_more_than_is_listed_says_so(letter: Letter) -> None:
    said = "asks for all that is open on your account, $1,500.00, as it counts invoices that are not in this list."
    changes: dict[str, Any] = {"outstanding": Money(150000, "USD")}
    for part in both_parts(replace(LISTS[letter], **changes)):
        assert said in part
    changes = {"outstanding": None}
    for part in both_parts(replace(LISTS[letter], **changes)):
        assert "asks for all" not in part


@every_list
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_number_is_only_a_number(letter: Letter, name: str) -> None:
    plain = render(LISTS[letter], CVT)
    changes: dict[str, Any] = {
        "invoices": tuple(replace(line, invoice_number=name) for line in invoices_of(LISTS[letter])),
        "customer_name": name,
    }
    rendered = render(replace(LISTS[letter], **changes), CVT)
    assert Page(rendered.html).tags == Page(plain.html).tags
    assert Page(rendered.html).links == Page(plain.html).links
    assert len(rendered.text.splitlines()) == len(plain.text.splitlines())
    assert not set("\u202e\u2066") & set(rendered.text + rendered.html)


@every_list
@pytest.mark.parametrize("fact", [field.name for field in fields(ListedInvoice)])
@pytest.mark.parametrize("part", ["body.txt", "body.html"])
def test_a_line_without_a_fact_fails_the_letter_instead_of_leaving_a_hole(letter: Letter, fact: str, part: str) -> None:
    line = listed(12, 2500, 7)
    known = {field.name: getattr(line, field.name) for field in fields(ListedInvoice) if field.name != fact}
    context = letters._context(LISTS[letter], CVT) | {"subject": "x", "invoices": (known, known)}
    with pytest.raises(UndefinedError, match=fact):
        letters._fill(f"{letter}/{part}", context)


def test_a_line_that_leads_nowhere_is_refused_by_name() -> None:
    with pytest.raises(InvalidInputError, match="invoice_link"):
        ListedInvoice("CVT-000012", Money(2500, "USD"), date(2026, 11, 21), 7, "javascript:alert(1)")


def test_a_list_is_addressed_to_the_customer() -> None:
    for part in both_parts(LISTS[Letter.FINAL_WARNING]):
        assert f"Dear {NAME}," in part
