"""A statement of account always equals the ledger, however its period is cut, and says what happened."""

import csv
import io
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import local_day, local_instant
from domain.errors import InvalidInputError
from domain.ledger import Account, Cause
from domain.money import Money, total
from domain.payment import PaymentMethod
from domain.statement import COLUMNS, LineKind, Movement, Statement, draw_up, require_period
from tests.domain.accounts import CustomerAccount, Happening, histories, usd

ZONE = "Africa/Johannesburg"
# 23:30 on the last day of October in Johannesburg.
START = datetime(2026, 10, 31, 21, 30, tzinfo=UTC)
FIRST = date(2026, 10, 31)
OWED = (Account.ACCOUNTS_RECEIVABLE, Account.CUSTOMER_CREDIT)


def played(history: list[Happening]) -> CustomerAccount:
    account = CustomerAccount(START)
    account.play(history)
    return account


def statement(account: CustomerAccount, first: date, last: date) -> Statement:
    """Drawn up as the API does it: what was owed before the first midnight, and the movements up to the last."""
    begins = local_instant(first, time(0), ZONE)
    ends = local_instant(last + timedelta(days=1), time(0), ZONE)
    before = [movement.effect for at, movement in account.movements() if at < begins]
    within = [movement for at, movement in account.movements() if begins <= at < ends]
    return draw_up(first, last, ZONE, total(before, "USD"), within)


def last_day(account: CustomerAccount) -> date:
    return local_day(account.now, ZONE)


@given(histories)
def test_opening_and_lines_make_the_closing_balance_which_is_the_ledgers(history: list[Happening]) -> None:
    account = played(history)
    drawn = statement(account, FIRST, last_day(account))
    moved = total([line.debit - line.credit for line in drawn.lines], "USD")
    assert drawn.opening == usd(0)
    assert drawn.opening + moved == drawn.closing == account.held(*OWED)
    assert drawn.closing == account.owed() - account.credit
    assert account.credit.minor >= 0
    assert len(drawn.lines) == len(account.entries)


@given(histories, st.integers(0, 80), st.integers(0, 80))
def test_statements_of_periods_that_follow_each_other_chain_wherever_they_are_cut(
    history: list[Happening], cut: int, other_cut: int
) -> None:
    account = played(history)
    end = max(last_day(account), FIRST + timedelta(days=200))
    first_cut, second_cut = (FIRST + timedelta(days=days) for days in sorted((cut, other_cut + 81)))
    days = [(FIRST, first_cut), (first_cut + timedelta(days=1), second_cut), (second_cut + timedelta(days=1), end)]
    parts = [statement(account, first, last) for first, last in days]
    whole = statement(account, FIRST, end)
    assert tuple(line for part in parts for line in part.lines) == whole.lines
    assert [part.closing for part in parts[:-1]] == [part.opening for part in parts[1:]]
    assert (parts[0].opening, parts[-1].closing) == (whole.opening, whole.closing)


@given(histories)
def test_each_line_is_on_a_day_of_its_period_and_moves_the_balance_by_what_it_says(history: list[Happening]) -> None:
    account = played(history)
    drawn = statement(account, FIRST, last_day(account))
    balance = drawn.opening
    for line in drawn.lines:
        balance += line.debit - line.credit
        assert line.balance == balance
        assert FIRST <= line.on <= last_day(account)
        assert not (line.debit and line.credit)
        assert min(line.debit, line.credit) == usd(0)


@given(histories)
def test_credit_that_is_applied_or_returned_is_shown_and_changes_nothing(history: list[Happening]) -> None:
    drawn = statement(played(history), FIRST, FIRST + timedelta(days=400))
    internal = [line for line in drawn.lines if line.kind in {LineKind.CREDIT_APPLIED, LineKind.CREDIT_RETURNED}]
    assert all((line.debit, line.credit) == (usd(0), usd(0)) for line in internal)


@given(histories)
def test_the_file_has_the_balances_before_and_after_and_a_row_a_line(history: list[Happening]) -> None:
    drawn = statement(played(history), FIRST, FIRST + timedelta(days=400))
    header, opening, *rows, closing = csv.reader(io.StringIO(drawn.to_csv().removeprefix("\ufeff"), newline=""))
    assert tuple(header) == COLUMNS
    assert (opening[1], opening[-1], closing[1], closing[-1]) == ("OPENING", "0.00", "CLOSING", drawn.closing.decimal())
    moved = sum(int(row[5].replace(".", "")) - int(row[6].replace(".", "")) for row in rows)
    assert moved == drawn.closing.minor
    assert len(rows) == len(drawn.lines)


def test_what_happens_just_before_midnight_belongs_to_the_day_that_people_there_have() -> None:
    account = CustomerAccount(START)
    account.play([("invoice", 0, 2500, 0), ("invoice", 1, 1500, 0)])
    assert [line.on for line in statement(account, FIRST, FIRST).lines] == [date(2026, 10, 31)]
    november = statement(account, date(2026, 11, 1), date(2026, 11, 30))
    assert (november.opening, [line.on for line in november.lines]) == (usd(2500), [date(2026, 11, 1)])


def test_a_story_by_example() -> None:
    """25.00 is billed, 40.00 paid, 10.00 of the surplus used for the next invoice, and the first payment bounces in part."""
    at = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    cash, credit = PaymentMethod.CASH, PaymentMethod.CREDIT
    movements = [
        Movement(at, Cause.INVOICE_ISSUED, "CVT-1", (("CVT-1", usd(2500)),), usd(0), due_on=date(2026, 11, 16)),
        Movement(at, Cause.PAYMENT_SETTLED, "R-7", (("CVT-1", usd(-2500)),), usd(-1500), cash, received_on=date(2026, 11, 1)),
        Movement(at, Cause.PAYMENT_SETTLED, "pay_2", (("CVT-2", usd(-1000)),), usd(1000), credit),
        Movement(at, Cause.PAYMENT_REVERSED, "pay_2", (("CVT-2", usd(1000)),), usd(-1000), credit),
        Movement(at, Cause.PAYMENT_REVERSED, "R-7", (("CVT-1", usd(2500)),), usd(1500), cash),
    ]
    drawn = draw_up(date(2026, 11, 1), date(2026, 11, 30), ZONE, usd(0), movements)
    assert [(line.kind, line.reference, line.description, line.balance.minor) for line in drawn.lines] == [
        ("INVOICE", "CVT-1", "Invoice, due on 2026-11-16", 2500),
        ("PAYMENT", "R-7", "Cash, received on 2026-11-01: paid CVT-1 (USD 25.00), USD 15.00 kept as credit", -1500),
        ("CREDIT_APPLIED", "pay_2", "USD 10.00 of credit used: paid CVT-2 (USD 10.00)", -1500),
        ("CREDIT_RETURNED", "pay_2", "USD 10.00 is credit again: owed again CVT-2 (USD 10.00)", -1500),
        ("PAYMENT_REVERSED", "R-7", "Cash reversed: owed again CVT-1 (USD 25.00), USD 15.00 of credit taken back", 2500),
    ]


def test_a_cause_that_is_new_to_statements_is_shown_all_the_same() -> None:
    moved = Movement(START, "balance_brought_forward", "CVT-1", (("CVT-1", usd(2500)),), usd(0))
    (line,) = draw_up(FIRST, FIRST, ZONE, usd(0), [moved]).lines
    assert (line.kind, line.description, line.balance) == (LineKind.OTHER, "Balance brought forward", usd(2500))


def test_a_credit_note_takes_the_whole_invoice_back_and_says_what_is_credit_now() -> None:
    """Of USD 25.00 were 10.00 paid: the customer owed 15.00, and has 10.00 now."""
    part_paid = Movement(START, Cause.INVOICE_VOIDED, "CVT-CN-1", (("CVT-1", usd(-1500)),), usd(-1000))
    unpaid = Movement(START, Cause.INVOICE_VOIDED, "CVT-CN-2", (("CVT-2", usd(-2500)),), usd(0))
    lines = draw_up(FIRST, FIRST, ZONE, usd(4000), [part_paid, unpaid]).lines
    assert [(line.kind, line.reference, line.description, line.credit.minor, line.balance.minor) for line in lines] == [
        (
            "CREDIT_NOTE",
            "CVT-CN-1",
            "Credit note: no longer owed CVT-1 (USD 15.00), USD 10.00 that was paid is credit",
            2500,
            1500,
        ),
        ("CREDIT_NOTE", "CVT-CN-2", "Credit note: no longer owed CVT-2 (USD 25.00)", 2500, -1000),
    ]


def test_a_write_off_takes_what_is_left_of_the_invoice_off_the_account() -> None:
    moved = Movement(START, Cause.INVOICE_WRITTEN_OFF, "CVT-1", (("CVT-1", usd(-2500)),), usd(0))
    (line,) = draw_up(FIRST, FIRST, ZONE, usd(2500), [moved]).lines
    assert (line.kind, line.description) == (LineKind.WRITE_OFF, "Written off: no longer asked for CVT-1 (USD 25.00)")
    assert (line.credit, line.balance) == (usd(2500), usd(0))


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InvalidInputError) as refused:
        require_period(date(2026, 11, 2), date(2026, 11, 1))
    assert refused.value.field == "to"


def test_a_quiet_period_closes_as_it_opened() -> None:
    quiet = draw_up(FIRST, FIRST, ZONE, Money(-500, "USD"), [])
    assert (quiet.lines, quiet.closing) == ((), Money(-500, "USD"))
