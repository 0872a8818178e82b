"""Every check on a row has a row that breaks it, so none can be lost in a migration without a test failing."""

import pytest
from sqlalchemy import CheckConstraint, text

from persistence.database import Database
from persistence.models import Base
from tests.persistence.furnished import Furnished
from tests.persistence.refusals import refused_by

# Constraint → what breaks it: (assignment, which of the tenant's rows).
BREAKAGES: dict[str, list[tuple[str, str]]] = {
    "ck_tenants_country_is_plain": [("country = 'zw'", "true"), ("country = 'Z1'", "true"), ("country = ''", "true")],
    "ck_tenants_payment_terms_in_range": [("payment_terms_days = -1", "true"), ("payment_terms_days = 366", "true")],
    "ck_tenants_slug_is_plain": [("slug = 'CVT'", "true"), ("slug = '-cvt'", "true"), ("slug = ''", "true")],
    "ck_billing_runs_finished_when_completed": [("status = 'COMPLETED'", "true"), ("finished_at = now()", "true")],
    "ck_billing_runs_status_is_known": [("status = 'PAUSED'", "true")],
    "ck_billing_schedules_at_is_a_time": [("at = '24:00'", "true"), ("at = '4:00'", "true"), ("at = ''", "true")],
    "ck_billing_schedules_catch_up_in_range": [("catch_up_hours = 0", "true"), ("catch_up_hours = 673", "true")],
    "ck_billing_schedules_day_in_range": [("day_of_month = 0", "true"), ("day_of_month = 32", "true")],
    "ck_billing_schedules_month_offset_is_known": [("month_offset = -2", "true"), ("month_offset = 2", "true")],
    "ck_billing_schedules_synced_up_to_revision": [("synced_revision = revision + 1", "true")],
    "ck_plans_interval_is_known": [("interval_months = 2", "true"), ("interval_months = 0", "true")],
    "ck_plans_price_not_negative": [("price = -1", "true")],
    "ck_plans_tax_in_range": [("tax_basis_points = -1", "true"), ("tax_basis_points = 10001", "true")],
    "ck_staff_tokens_role_is_known": [("role = 'owner'", "true")],
    "ck_webhooks_matched_when_verified": [("verified = false", "true"), ("tenant_id = NULL", "true")],
    "ck_charges_quantity_above_zero": [("quantity = 0", "true")],
    "ck_charges_tax_in_range": [("tax_basis_points = -1", "true"), ("tax_basis_points = 10001", "true")],
    "ck_chasing_blocks_lifted_after_placed": [("lifted_at = placed_at - interval '1 second'", "true")],
    "ck_holds_lifted_after_placed": [("lifted_at = placed_at - interval '1 second'", "true")],
    "ck_holds_reason_is_known": [("reason = 'SPITE'", "true")],
    "ck_invoices_amount_due_in_range": [("amount_due = total + 1", "state = 'OPEN'"), ("amount_due = -1", "state = 'PAID'")],
    "ck_invoices_closed_when_not_open": [("closed_at = now()", "state = 'OPEN'"), ("closed_at = NULL", "state = 'PAID'")],
    "ck_invoices_due_after_issue": [("due_on = issued_on - 1", "true")],
    "ck_invoices_net_and_tax_make_total": [("tax = tax + 1", "true")],
    "ck_invoices_open_when_due": [
        ("amount_due = 0", "state = 'OPEN'"),
        ("amount_due = 1", "state = 'PAID'"),
        ("state = 'VOID', closed_at = now()", "state = 'OPEN'"),
    ],
    "ck_invoices_plans_count_from_one": [("dunning_round = 0", "true")],
    "ck_invoices_set_aside_while_open": [
        ("paused_until = '2026-12-01'", "state = 'PAID'"),
        ("disputed_at = now()", "state = 'PAID'"),
    ],
    "ck_invoices_state_is_known": [("state = 'OVERDUE'", "state = 'PAID'")],
    "ck_invoices_total_above_zero": [("net = -tax, total = 0, amount_due = 0", "state = 'PAID'")],
    "ck_credit_notes_credited_in_range": [("credited = -1", "true"), ("credited = total + 1", "true")],
    "ck_credit_notes_net_and_tax_make_total": [("tax = tax + 1", "true")],
    "ck_staff_moves_decided_when_not_requested": [("status = 'DONE'", "true"), ("decided_at = now()", "true")],
    "ck_staff_moves_status_is_known": [("status = 'FORGOTTEN', decided_at = now()", "true")],
    "ck_subscriptions_ends_after_start": [("ends_on = starts_on - 1", "true")],
    "ck_subscriptions_quantity_above_zero": [("quantity = 0", "true")],
    "ck_dunning_policies_business_has_a_policy": [("policy = NULL", "customer_id IS NULL")],
    "ck_dunning_policies_versions_count_from_one": [("version = 0", "true")],
    "ck_dunning_steps_outcome_is_known": [("outcome = 'SKIPPED'", "true")],
    "ck_invoice_lines_has_one_source": [("charge_id = NULL", "charge_id IS NOT NULL")],
    "ck_invoice_lines_net_and_tax_make_gross": [("tax = tax + 1", "true")],
    "ck_invoice_lines_subscription_has_period": [
        ("period_start = NULL", "subscription_id IS NOT NULL"),
        ("period_start = '2026-11-01'", "subscription_id IS NULL"),
    ],
    "ck_ledger_postings_amount_not_zero": [("amount = 0", "true")],
    "ck_ledger_postings_customer_is_named": [
        ("customer_id = NULL", "account = 'accounts_receivable'"),
        ("account = 'customer_credit'", "customer_id IS NULL"),
    ],
    "ck_payments_amount_above_zero": [("amount = 0", "status = 'PENDING'")],
    "ck_payments_reversed_with_a_reason": [
        ("reversed_at = now()", "status = 'PENDING'"),
        ("reversal_reason = 'A slip of the pen.'", "status = 'SETTLED'"),
        ("status = 'REVERSED'", "status = 'SETTLED'"),
        ("status = 'REVERSED', reversed_at = now()", "status = 'SETTLED'"),
    ],
    "ck_payments_target_is_known": [("target = 'CHARITY'", "true")],
    "ck_payments_status_is_known": [("status = 'PAID'", "status = 'PENDING'")],
    "ck_payments_used_in_full_when_settled": [
        ("credited = credited + 1", "status = 'SETTLED'"),
        ("settled_at = NULL", "status = 'SETTLED'"),
        ("credited = amount", "status = 'PENDING'"),
        ("settled_at = now()", "status = 'PENDING'"),
    ],
    "ck_payments_uses_not_negative": [
        ("allocated = amount + 1, credited = -1", "status = 'SETTLED'"),
        ("allocated = -1, credited = amount + 1", "status = 'SETTLED'"),
    ],
    "ck_payment_links_amount_above_zero": [("amount = 0", "type = 'CUSTOM'")],
    "ck_payment_links_amount_by_type": [("amount = 1", "type = 'INVOICE'"), ("amount = NULL", "type = 'CUSTOM'")],
    "ck_payment_links_closed_when_not_active": [
        ("status = 'PAID'", "status = 'ACTIVE'"),
        ("closed_at = now()", "status = 'ACTIVE'"),
    ],
    "ck_payment_links_expires_after_creation": [("expires_at = created_at", "type = 'CUSTOM'")],
    "ck_payment_links_invoice_by_type": [("invoice_id = NULL", "type = 'INVOICE'"), ("type = 'DEPOSIT'", "type = 'CUSTOM'")],
    "ck_payment_links_status_is_known": [("status = 'LOST', closed_at = now()", "true")],
    "ck_payment_links_type_is_known": [("type = 'GIFT', invoice_id = NULL", "type = 'INVOICE'")],
    "ck_allocations_amount_above_zero": [("amount = 0", "true")],
    "ck_gateway_transactions_amount_above_zero": [("amount = 0", "true")],
    "ck_gateway_outages_closed_after_opened": [("closed_at = opened_at - interval '1 second'", "true")],
    "ck_gateway_transactions_estimate_is_of_a_fee": [("fee_is_estimate = true", "fee IS NULL")],
    "ck_gateway_transactions_fee_in_range": [("fee = -1", "true"), ("fee = amount + 1", "true")],
    "ck_gateway_transactions_last_four_only": [("card_last_four = '123'", "true"), ("card_last_four = '12a4'", "true")],
    "ck_gateway_transactions_net_is_amount_less_fee": [("fee = 1, net = amount", "true")],
    "ck_messages_sent_when_sent": [("status = 'SENT'", "true"), ("sent_at = now()", "true")],
    "ck_messages_status_is_known": [("status = 'LOST'", "true")],
    "ck_reviews_amount_has_currency": [
        ("amount = 1", "true"),
        ("currency = 'USD'", "true"),
        ("amount = 0, currency = 'USD'", "true"),
    ],
    "ck_reviews_dismissed_with_a_reason": [("resolution = 'DISMISSED'", "resolution = 'MATCHED'")],
    "ck_reviews_is_about_something": [("payment_id = NULL", "webhook_id IS NULL")],
    "ck_reviews_resolution_is_known": [("resolution = 'FORGOTTEN'", "resolution = 'MATCHED'")],
    "ck_reviews_resolved_by_somebody": [
        ("resolved_at = now()", "resolved_at IS NULL"),
        ("resolved_by = NULL", "resolved_at IS NOT NULL"),
        ("resolution = NULL", "resolved_at IS NOT NULL"),
    ],
}
TABLE_OF = {
    str(constraint.name): table.name
    for table in Base.metadata.sorted_tables
    for constraint in table.constraints
    if isinstance(constraint, CheckConstraint)
}


def test_every_check_has_a_breakage_here() -> None:
    assert set(BREAKAGES) == set(TABLE_OF)


@pytest.mark.parametrize(
    ("constraint", "assignment", "which"),
    [(name, assignment, which) for name, breakages in BREAKAGES.items() for assignment, which in breakages],
)
def test_a_row_that_breaks_a_check_is_refused(
    database: Database, ours: Furnished, constraint: str, assignment: str, which: str
) -> None:
    """The triggers sleep, so that it is the check alone that refuses."""
    table = TABLE_OF[constraint]
    owner = "id" if table == "tenants" else "tenant_id"
    with refused_by(constraint), database.system() as system:
        system.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        system.execute(text(f"UPDATE {table} SET {assignment} WHERE {owner} = :t AND {which}"), {"t": ours.tenant.id})
