"""A soak is worth what its judge sees: a letter too few, a letter too many, a copy, and how many were due."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.soak_letters import Letters, compare, due_letters, sort_post
from domain.customer import Tenant
from domain.dunning_policy import default_policy
from domain.letters import Letter
from domain.message_keys import message_id, message_key
from persistence.database import Database
from tests import factories

ANNA, BEN = "anna@soak.example", "ben@soak.example"


def mail(address: str, letter: Letter, step: str) -> dict[str, Any]:
    """As the inbox lists it."""
    identity = message_id(message_key(address.partition("@")[0], letter, step), "acacia.example").strip("<>")
    return {"MessageID": identity, "To": [{"Name": "", "Address": address}]}


def test_each_letter_once_is_no_fault() -> None:
    due = Letters({(ANNA, Letter.OVERDUE_NOTICE): 2, (BEN, Letter.FINAL_WARNING): 1})
    post = sort_post(
        [
            mail(ANNA, Letter.OVERDUE_NOTICE, "1-overdue_notice"),
            mail(BEN, Letter.FINAL_WARNING, "3-final_warning"),
            mail(ANNA, Letter.OVERDUE_NOTICE, "2-overdue_notice"),
        ]
    )
    assert compare(due, post) == []
    assert post.copies == 0


def test_the_same_message_id_again_is_a_copy_and_no_second_letter() -> None:
    due = Letters({(ANNA, Letter.OVERDUE_NOTICE): 1})
    post = sort_post([mail(ANNA, Letter.OVERDUE_NOTICE, "1-overdue_notice")] * 3)
    assert compare(due, post) == []
    assert post.copies == 2


def test_one_letter_for_a_customer_does_not_stand_for_another_customers() -> None:
    due = Letters({(ANNA, Letter.SUSPENSION_NOTICE): 1, (BEN, Letter.SUSPENSION_NOTICE): 1})
    post = sort_post([mail(ANNA, Letter.SUSPENSION_NOTICE, "hold_1"), mail(ANNA, Letter.SUSPENSION_NOTICE, "hold_2")])
    assert compare(due, post) == [
        f"{ANNA} should have got 1 of suspension_notice, and got 2.",
        f"{BEN} should have got 1 of suspension_notice, and got 0.",
    ]


@pytest.mark.parametrize(("one_letter_a_day", "reminders", "overdue_notices"), [(True, 1, 2), (False, 2, 4)])
def test_two_invoices_due_on_the_same_day_share_their_letters_where_the_policy_says_so(
    database: Database, one_letter_a_day: bool, reminders: int, overdue_notices: int
) -> None:
    policy = replace(default_policy(), one_letter_a_day=one_letter_a_day)
    tenant = factories.make_tenant(database, dunning_policy=policy.to_data())
    customer = factories.make_customer(database, tenant)
    for _ in range(2):
        factories.issue_invoice(database, tenant, customer)

    assert _due(database, tenant, customer.id) == {
        Letter.INVOICE_ISSUED: 2,
        Letter.PAYMENT_REMINDER: reminders,
        Letter.OVERDUE_NOTICE: overdue_notices,
        Letter.FINAL_WARNING: reminders,
        Letter.SUSPENSION_NOTICE: 1,
        Letter.REACTIVATION_CONFIRMATION: 1,
    }


def _due(database: Database, tenant: Tenant, customer_id: str) -> dict[Letter, int]:
    with database.tenant(tenant.id) as session:
        found = due_letters(session, {customer_id: ANNA})
    assert {address for address, _ in found} == {ANNA}
    return {letter: count for (_, letter), count in found.items()}
