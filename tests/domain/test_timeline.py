"""The sentences of a timeline: one for each thing that can happen, and none that hides what nobody thought of."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing import why_withheld
from domain.dunning import PlannedStep
from domain.dunning_ladder import Action
from domain.errors import InvalidInputError
from domain.happenings import (
    Cause,
    DuePassed,
    Event,
    Issued,
    Kind,
    LetterWritten,
    LinkChanged,
    MoveAsked,
    Questioned,
    Recorded,
    References,
    StepDecided,
    What,
)
from domain.invoice import InvoiceState
from domain.letters import Letter
from domain.money import Money
from domain.moves import MoveKind
from domain.payment import PaymentMethod
from domain.standing import HoldReason
from domain.timeline import Entry, Position, tell
from tests.domain.plain_words import PlainWords

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
NUMBER = "CVT-000007"
USD_25 = Money(2500, "USD")
SILENT = StepDecided(Action.SUSPEND, None, was_taken=True, state=InvoiceState.OPEN)


def told(
    what: What, *, actor: str = "system", reason: str = "", names_invoice: bool = False, number: str | None = NUMBER
) -> Entry:
    event = Event(NOW, "2aud_1", what, actor, reason, References(invoice_number=number))
    return tell(event, PlainWords(), names_invoice=names_invoice)


def recorded(action: str, actor: str = "system", **details: Any) -> Entry:
    return told(Recorded(action, details), actor=actor)


ENTRIES: list[tuple[str, Mapping[str, Any], Kind, str]] = [
    (
        "INVOICE_VOIDED",
        {"credit_note": "CVT-CN-000001", "total": "USD 25.00", "credited": "USD 0.00"},
        Kind.CLOSED,
        "Void: taken back by credit note CVT-CN-000001 over USD 25.00",
    ),
    (
        "INVOICE_VOIDED",
        {"credit_note": "CVT-CN-000001", "total": "USD 25.00", "credited": "USD 10.00"},
        Kind.CLOSED,
        "Void: taken back by credit note CVT-CN-000001 over USD 25.00; the USD 10.00 that was paid is the customer's credit",
    ),
    ("INVOICE_WRITTEN_OFF", {"amount": "USD 25.00"}, Kind.CLOSED, "Written off: USD 25.00 is not expected any more"),
    (
        "INVOICE_EXTENDED",
        {"from": "2026-11-15", "to": "2026-11-30"},
        Kind.EXTENSION,
        "Due day moved from day 2026-11-15 to day 2026-11-30",
    ),
    ("INVOICE_PAUSED", {"from": None, "until": "2026-12-01"}, Kind.PAUSE, "Chasing paused until day 2026-12-01"),
    ("INVOICE_RESUMED", {}, Kind.PAUSE, "Chased again: the pause was ended early"),
    (
        "INVOICE_PAUSE_ENDED",
        {"paused_until": "2026-12-01"},
        Kind.PAUSE,
        "Chased again: the pause until day 2026-12-01 is over",
    ),
    ("INVOICE_DISPUTED", {}, Kind.DISPUTE, "Disputed: not chased until that is resolved"),
    ("INVOICE_DISPUTE_RESOLVED", {}, Kind.DISPUTE, "Chased again: the dispute is resolved, and the invoice stands"),
    ("INVOICE_POLICY_REAPPLIED", {"version": 3}, Kind.POLICY, "Chased by version 3 of the business's policy from now on"),
    ("CUSTOMER_SUSPENDED", {"reason": "OVERDUE"}, Kind.SUSPENSION, "Suspended for unpaid invoices"),
    ("CUSTOMER_SUSPENDED", {}, Kind.SUSPENSION, "Suspended for unpaid invoices"),
    ("CUSTOMER_SUSPENDED", {"reason": "ON_REQUEST"}, Kind.SUSPENSION, "Suspended at the customer's own request"),
    ("CUSTOMER_SUSPENDED", {"reason": "MANUAL"}, Kind.SUSPENSION, "Suspended by the accounts team"),
    ("CUSTOMER_HOLD_PLACED", {"reason": "BREACH"}, Kind.HOLD, "Also held for broken terms"),
    ("CUSTOMER_HOLD_PLACED", {"reason": "CLOSED"}, Kind.HOLD, "The account was closed"),
    (
        "CUSTOMER_HOLD_LIFTED",
        {"reason": "OVERDUE", "still_held": ["BREACH"]},
        Kind.HOLD,
        "No longer held for unpaid invoices, still held for broken terms",
    ),
    (
        "CUSTOMER_HOLD_LIFTED",
        {"reason": "CHARGEBACK", "still_held": []},
        Kind.REACTIVATION,
        "Active again: no longer held for a payment taken back at the bank",
    ),
    (
        "CUSTOMER_HOLD_LIFTED",
        {"reason": "ON_REQUEST", "still_held": []},
        Kind.REACTIVATION,
        "Active again: no longer held at the customer's own request",
    ),
    (
        "CUSTOMER_HOLD_LIFTED",
        {"reason": "OVERDUE", "still_held": ["CLOSED", "MANUAL"]},
        Kind.HOLD,
        "No longer held for unpaid invoices, still held by the accounts team, and the account stays closed",
    ),
    (
        "CUSTOMER_HOLD_LIFTED",
        {"reason": "CLOSED", "still_held": []},
        Kind.REACTIVATION,
        "Active again: the account was opened again",
    ),
    ("INVOICE_WITHHELD", {"period": "2026-08", "reason": "?"}, Kind.HOLD, "No invoice was issued for August 2026"),
    (
        "CUSTOMER_CHASING_BLOCKED",
        {"until": "2026-12-01"},
        Kind.PAUSE,
        "All chasing of the customer blocked until day 2026-12-01",
    ),
    ("CUSTOMER_CHASING_BLOCKED", {"until": None}, Kind.PAUSE, "All chasing of the customer blocked until staff resume it"),
    ("CUSTOMER_CHASING_RESUMED", {}, Kind.PAUSE, "Chased again: the block of all chasing is over"),
    (
        "CUSTOMER_DUNNING_POLICY_CHANGED",
        {"version": 2},
        Kind.POLICY,
        "New invoices of this customer are chased by version 2 of the customer's own policy",
    ),
    (
        "CUSTOMER_DUNNING_POLICY_REMOVED",
        {"version": 3},
        Kind.POLICY,
        "New invoices of this customer are chased by the business's policy again",
    ),
    ("CUSTOMER_CHANGED", {"columns": ["email", "phone"]}, Kind.OTHER, "Customer's details changed: email, phone"),
    ("REVIEW_MATCHED", {"amount": "USD 12.00"}, Kind.REVIEW, "USD 12.00 that was in question was booked"),
    ("REVIEW_CREDITED", {"amount": "USD 12.00"}, Kind.REVIEW, "USD 12.00 that was in question is kept as credit"),
    ("REVIEW_DISMISSED", {}, Kind.REVIEW, "The question about a payment was closed: there is nothing to do"),
    ("REVIEW_REOPENED", {}, Kind.REVIEW, "The question about a payment was opened again"),
]


@pytest.mark.parametrize(("action", "details", "kind", "sentence"), ENTRIES)
def test_what_is_on_record_is_told_in_a_sentence(action: str, details: Mapping[str, Any], kind: Kind, sentence: str) -> None:
    entry = told(Recorded(action, details, is_own_policy=action == "CUSTOMER_DUNNING_POLICY_CHANGED"))
    assert (entry.kind, entry.title) == (kind, sentence)


def test_a_version_of_a_policy_says_whose_it_is() -> None:
    title = told(Recorded("INVOICE_POLICY_REAPPLIED", {"version": 5}, is_own_policy=True)).title
    assert title == "Chased by version 5 of the customer's own policy from now on"


def test_every_move_of_staff_on_an_invoice_has_a_sentence() -> None:
    assert {kind.past_event for kind in MoveKind} <= {action for action, *_ in ENTRIES}


def test_what_nobody_thought_of_is_told_by_its_name() -> None:
    entry = recorded("INVOICE_SENT_BY_PIGEON", note="It rained.")
    assert (entry.kind, entry.title, entry.reason) == (Kind.OTHER, "Invoice sent by pigeon", "It rained.")


@pytest.mark.parametrize("action", sorted({action for action, *_ in ENTRIES}))
def test_an_entry_whose_details_are_lost_or_strange_is_still_told(action: str) -> None:
    strange = dict.fromkeys(["total", "credited", "amount", "from", "to", "until", "paused_until"], "??")
    assert recorded(action).title
    assert recorded(action, **strange, still_held=None, columns=None).title


def test_the_reason_is_what_staff_wrote_or_why_the_system_did_it() -> None:
    assert recorded("INVOICE_PAUSED", "Rudo", reason="He promised.").reason == "He promised."
    assert recorded("CUSTOMER_SUSPENDED", "Rudo", reason="BREACH", note="Cards were shared.").reason == "Cards were shared."
    assert recorded("CUSTOMER_SUSPENDED", reason="OVERDUE").reason == f"Invoice {NUMBER} is still unpaid."
    assert recorded("CUSTOMER_HOLD_LIFTED", reason="OVERDUE", payment_id="pay_1").reason == (
        "A payment left nothing that suspends."
    )
    assert recorded("CUSTOMER_HOLD_LIFTED", reason="OVERDUE").reason == "Nothing is left that suspends."
    assert recorded("INVOICE_WRITTEN_OFF", reason="by the policy's step 4-write_off").reason == "The dunning policy says so."
    assert recorded("INVOICE_WRITTEN_OFF", "Rudo", reason="She moved away.").reason == "She moved away."
    changed = told(Recorded("CUSTOMER_DUNNING_POLICY_CHANGED", {}), reason="Softer before Christmas.")
    assert changed.reason == "Softer before Christmas."


def test_a_withheld_invoice_says_why_without_codes() -> None:
    why = why_withheld([HoldReason.BREACH, HoldReason.MANUAL], bills_while_suspended=False)
    assert recorded("INVOICE_WITHHELD", period="2026-08", reason=why).reason == (
        "The account is suspended (for broken terms, by the accounts team), and the policy bills nobody who is suspended."
    )


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        ("CUSTOMER_HOLD_LIFTED", "PAUSE", f"Chasing of invoice {NUMBER} was paused by Rudo."),
        ("CUSTOMER_HOLD_LIFTED", "DISPUTE", f"Invoice {NUMBER} was marked as disputed by Rudo."),
        ("CUSTOMER_HOLD_LIFTED", "EXTEND", f"The due day of invoice {NUMBER} was extended by Rudo."),
        ("CUSTOMER_HOLD_LIFTED", "VOID", f"Invoice {NUMBER} was made void by Rudo."),
        ("CUSTOMER_HOLD_LIFTED", "WRITE_OFF", f"Invoice {NUMBER} was written off by Rudo."),
        ("CUSTOMER_HOLD_LIFTED", "REAPPLY_POLICY", f"The dunning policy of today was applied to invoice {NUMBER} by Rudo."),
        ("CUSTOMER_HOLD_LIFTED", "BLOCK_CHASING", "All chasing of the customer was blocked by Rudo."),
        ("CUSTOMER_SUSPENDED", "RESUME", f"Chasing of invoice {NUMBER} was resumed by Rudo."),
        ("CUSTOMER_SUSPENDED", "RESOLVE", f"The dispute about invoice {NUMBER} was resolved by Rudo."),
        ("CUSTOMER_SUSPENDED", "RESUME_CHASING", "All chasing of the customer was resumed by Rudo."),
        ("CUSTOMER_SUSPENDED", "SOMETHING_NEW", f"Invoice {NUMBER} is still unpaid."),
    ],
)
def test_what_the_system_did_about_a_move_names_who_made_it(action: str, kind: str, reason: str) -> None:
    assert told(Recorded(action, {"reason": "OVERDUE"}, Cause(kind, "Rudo", NUMBER))).reason == reason


@pytest.mark.parametrize(
    ("status", "tries", "sentence"),
    [
        ("SENT", 1, "Overdue Notice was sent to a@b.example"),
        ("FAILED", 6, "Overdue Notice could not be sent to a@b.example"),
        ("CANCELLED", 0, "Overdue Notice was not sent to a@b.example"),
        ("QUEUED", 0, "Overdue Notice is on its way to a@b.example"),
        ("QUEUED", 2, "Overdue Notice to a@b.example was not taken yet and is tried again"),
    ],
)
def test_a_letter_is_told_as_it_stands(status: str, tries: int, sentence: str) -> None:
    entry = told(LetterWritten(Letter.OVERDUE_NOTICE, "a@b.example", status, tries))
    assert (entry.kind, entry.title) == (Kind.LETTER, sentence)


def test_a_letter_about_several_invoices_names_them() -> None:
    letter = LetterWritten(Letter.FINAL_WARNING, "a@b.example", "SENT", 1, ("CVT-1", "CVT-2", "CVT-3"))
    assert told(letter).title == "Final Warning about invoices CVT-1, CVT-2 and CVT-3 was sent to a@b.example"


def test_a_letter_on_another_day_than_the_policy_names_says_why_unless_an_error_says_more() -> None:
    step = PlannedStep(
        "0-remind", Action.REMIND, NOW, Letter.PAYMENT_REMINDER, date(2026, 10, 30), "the step after it is on 2026-11-02"
    )
    letter = LetterWritten(Letter.PAYMENT_REMINDER, "a@b.example", "SENT", 1, step=step)
    assert told(letter).reason == ("Moved from Friday 2026-10-30 to Sunday 2026-11-01: the step after it is on day 2026-11-02")
    assert told(letter, reason="550 No such mailbox.").reason == "550 No such mailbox."


def test_everything_else_has_a_sentence_too() -> None:
    others: list[tuple[What, Kind, str]] = [
        (Issued(NUMBER, USD_25), Kind.ISSUED, f"Invoice {NUMBER} was issued over USD 25.00"),
        (DuePassed(date(2026, 11, 15)), Kind.DUE, "The due day, day 2026-11-15, ended before all was paid"),
        (LinkChanged("PAYMENT_LINK_CREATED", "Deposit", USD_25), Kind.LINK, "Payment link was made: Deposit, USD 25.00"),
        (LinkChanged("PAYMENT_LINK_CANCELLED", "Deposit", None), Kind.LINK, "Payment link was cancelled: Deposit"),
        (LinkChanged("PAYMENT_LINK_EXPIRED", "Deposit", None), Kind.LINK, "Payment link expired: Deposit"),
        (LinkChanged("PAYMENT_LINK_LOST", "Deposit", None), Kind.LINK, "Payment link lost: Deposit"),
        (Questioned(PaymentMethod.YOCO, USD_25), Kind.REVIEW, "Somebody must look at USD 25.00 by Card (Yoco)"),
        (MoveAsked("PAUSE", None), Kind.MOVE, "Asked to pause chasing; this is being carried out"),
        (SILENT, Kind.STEP, "Suspension was due, and suspended nobody"),
    ]
    for what, kind, sentence in others:
        entry = told(what)
        assert (entry.kind, entry.title) == (kind, sentence)


def test_among_other_invoices_an_entry_says_which_one_it_is_about_once() -> None:
    disputed = Recorded("INVOICE_DISPUTED", {})
    assert told(disputed, names_invoice=True).title == f"Invoice {NUMBER}: Disputed: not chased until that is resolved"
    assert told(disputed, names_invoice=True, number=None).title == "Disputed: not chased until that is resolved"
    assert told(Issued(NUMBER, USD_25), names_invoice=True).title == f"Invoice {NUMBER} was issued over USD 25.00"
    # What concerns the whole customer is not laid at the door of the invoice that brought it about.
    assert told(Recorded("CUSTOMER_SUSPENDED", {}), names_invoice=True).title == "Suspended for unpaid invoices"
    notice = LetterWritten(Letter.SUSPENSION_NOTICE, "a@b.example", "SENT", 1)
    assert told(notice, names_invoice=True).title == "Suspension Notice was sent to a@b.example"


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds have no zone
def test_a_position_is_read_back_to_the_microsecond(at: datetime) -> None:
    position = Position(at, "3inv_01jd/r2.3-final_warning")
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "x", "1", "1.", "1.aud_1", "-1.0aud_1", "1.0aud_1\n", "1.0" + "a" * 90, "\u0661.0aud_1"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        Position.parse(text)
    assert refused.value.field == "after"
