"""Replanning: gives an open invoice another plan, because it is due later or by another policy; in the caller's transaction.

The customer and the invoice are locked by the caller.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from activities.suspension import reactivate, suspend
from domain.dunning import plan_steps
from domain.dunning_ladder import Action
from domain.errors import ConflictError
from persistence import chasing, dunning_plans, dunning_policies, tenants
from persistence.invoices import InvoiceDetail
from reapplying import calendar_from, plan_under, warning_came_to_nothing

# What a move says of itself in the audit log, and the letter to send because of it.
Told = tuple[dict[str, Any], str | None]


def extend(session: Session, detail: InvoiceDetail, due_on: date, now: datetime) -> Told:
    """Let an invoice be due later: it begins its whole ladder anew, and suspends nobody until that reaches suspension."""
    invoice, round_ = detail.invoice, detail.plan_round + 1
    calendar = calendar_from(detail.policy, tenants.current(session), due_on, now)
    plan = plan_steps(detail.policy, due_on, calendar, now, round_=round_)
    chasing.replan(session, invoice.id, plan=plan, round_=round_, due_on=due_on)
    chasing.stop_suspending(session, [invoice.id])
    told = {"from": invoice.due_on.isoformat(), "to": due_on.isoformat()}
    return told, reactivate(session, invoice.customer_id, now, invoice_id=invoice.id)


def warn_anew(session: Session, detail: InvoiceDetail, now: datetime) -> None:
    """Plan the final warning again for an invoice that is chased again, when it was set aside before that letter went out.

    Else its customer would be suspended unwarned.
    """
    is_on_its_way = any(step.action is Action.SUSPEND for step in dunning_plans.of(session, detail))
    if detail.invoice.state.is_closed or detail.suspended_at is not None or not is_on_its_way:
        return
    if warning_came_to_nothing(session, detail):
        plan = plan_under(session, detail, detail.policy, now)
        chasing.replan(session, detail.invoice.id, plan=plan, round_=detail.plan_round + 1)


def reapply_policy(session: Session, detail: InvoiceDetail, now: datetime) -> Told:
    """Chase an invoice by the policy that its customer's new invoices get; what was said already is not said again.

    Raises:
        ConflictError: it is chased by that policy already.
    """
    invoice = detail.invoice
    policy = dunning_policies.of_customer(session, invoice.customer_id)
    if policy.id == detail.policy_id:
        whose = "customer's own" if policy.customer_id else "business's"
        raise ConflictError(
            f"Invoice {invoice.number} is chased by version {policy.version} of the {whose} policy already, which is the one "
            "in force: there is nothing to re-apply."
        )
    plan = plan_under(session, detail, policy.in_force, now)
    chasing.replan(session, invoice.id, plan=plan, round_=detail.plan_round + 1, policy=policy)
    told = {"from": detail.policy_id, "to": policy.id, "version": policy.version}
    # The amount below which a suspension ends may be another one now.
    letter = reactivate(session, invoice.customer_id, now, invoice_id=invoice.id)
    if letter is None and detail.suspended_at is not None:
        letter = suspend(session, invoice.customer_id, invoice.id, now)
    return told, letter
