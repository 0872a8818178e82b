"""An invoice's plan as it is stored: what was promised stays, whatever the library of holidays learns later."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from domain.customer import Tenant
from domain.dunning import PlannedStep
from domain.dunning_ladder import Action
from domain.dunning_policy import default_policy
from domain.invoice import Invoice
from domain.letters import Letter
from persistence import chasing, dunning_plans, invoices
from persistence.database import Database
from public_holidays import plan_of_new_invoice
from tests import factories
from tests.factories import EVERY_DAY

# Issued on Monday 3 August 2026 at 10:00 in Harare: what is due on the 10th falls due on Heroes' Day.
ISSUED_AT = datetime(2026, 8, 3, 8, 0, tzinfo=UTC)

steps = st.builds(
    PlannedStep,
    key=st.from_regex(r"\A(r[1-9]\.)?[0-9]-(remind|suspend|write_off)\Z"),
    action=st.sampled_from(Action),
    at=st.datetimes(timezones=st.just(UTC)),
    letter=st.none() | st.sampled_from(Letter),
    nominal_on=st.none() | st.dates(),
    moved=st.text(max_size=20),
)


def plan_of(database: Database, tenant: Tenant, invoice: Invoice) -> tuple[PlannedStep, ...]:
    with database.tenant(tenant.id) as session:
        return dunning_plans.of(session, invoices.get(session, invoice.id))


@given(st.lists(steps, max_size=4))
def test_a_plan_is_read_as_it_was_written_through_json(plan: list[PlannedStep]) -> None:
    assert dunning_plans.from_data(json.loads(json.dumps(dunning_plans.to_data(plan)))) == tuple(plan)


def test_an_invoice_has_the_plan_that_it_was_issued_with_and_why_steps_moved(database: Database) -> None:
    tenant = factories.make_tenant(database, dunning_policy=default_policy().to_data())
    invoice = factories.issue_invoice(database, tenant, issued_at=ISSUED_AT, due_in_days=7)
    plan = plan_of(database, tenant, invoice)
    assert plan == plan_of_new_invoice(default_policy(), tenant, invoice.due_on, ISSUED_AT)
    notice = next(step for step in plan if step.action is Action.OVERDUE_NOTICE)
    assert (notice.nominal_on, notice.at) == (date(2026, 8, 10), datetime(2026, 8, 12, 7, 0, tzinfo=UTC))
    assert notice.moved == "public holiday: Zimbabwe Heroes' Day, public holiday: Defense Forces Day"


def test_the_plan_stays_though_the_business_moves_to_another_country(database: Database) -> None:
    tenant = factories.make_tenant(database, dunning_policy=default_policy().to_data())
    invoice = factories.issue_invoice(database, tenant, issued_at=ISSUED_AT, due_in_days=7)
    before = plan_of(database, tenant, invoice)
    with database.system() as system:
        system.execute(text("UPDATE tenants SET country = 'BW' WHERE id = :id"), {"id": tenant.id})
    assert plan_of(database, tenant, invoice) == before


def test_an_invoice_from_before_plans_were_stored_has_what_its_policy_says_and_keeps_no_holidays(database: Database) -> None:
    tenant = factories.make_tenant(database)
    invoice = factories.issue_invoice(database, tenant, issued_at=ISSUED_AT, due_in_days=7)
    with database.system() as system:
        system.execute(text("UPDATE invoices SET dunning_plan = NULL WHERE id = :id"), {"id": invoice.id})
    plan = plan_of(database, tenant, invoice)
    assert [(step.key, step.at) for step in plan] == [
        ("0-remind", datetime(2026, 8, 7, 7, 0, tzinfo=UTC)),
        ("1-overdue_notice", datetime(2026, 8, 10, 7, 0, tzinfo=UTC)),
        ("2-overdue_notice", datetime(2026, 8, 17, 7, 0, tzinfo=UTC)),
        ("3-final_warning", datetime(2026, 8, 24, 7, 0, tzinfo=UTC)),
        ("4-suspend", datetime(2026, 8, 31, 7, 0, tzinfo=UTC)),
    ]


def test_the_next_plan_replaces_the_one_before_and_its_steps_have_keys_of_their_own(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    second = tuple(replace(step, key=f"r2.{step.key}") for step in plan_of(database, tenant, invoice)[1:])
    later = invoice.due_on + timedelta(days=7)
    with database.tenant(tenant.id) as session:
        chasing.replan(session, invoice.id, plan=second, round_=2, due_on=later)
    with database.tenant(tenant.id) as session:
        detail = invoices.get(session, invoice.id)
        assert dunning_plans.of(session, detail) == second
    assert (detail.plan_round, detail.invoice.due_on, detail.policy) == (2, later, EVERY_DAY)


def test_a_plan_without_steps_is_a_plan(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    with database.tenant(tenant.id) as session:
        chasing.replan(session, invoice.id, plan=(), round_=2)
    assert plan_of(database, tenant, invoice) == ()


@pytest.mark.parametrize("action", Action)
def test_what_a_step_does_is_read_from_its_key(action: Action) -> None:
    assert dunning_plans.action_of(f"3-{action.value}") is action
    assert dunning_plans.action_of(f"r12.10-{action.value}") is action
