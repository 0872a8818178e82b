"""How a workflow sends a claimed letter: durably, and without ever failing because of it."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.mailing import DeliveryRequest, Mailing
    from workflows import options


async def deliver(tenant_id: str, message_id: str, what: str) -> None:
    """Hand a claimed letter to the mail queue and wait for its end; a letter that cannot be sent ends in the log, not here."""
    try:
        await workflow.execute_activity_method(
            Mailing.deliver,
            DeliveryRequest(tenant_id, message_id, workflow.now()),
            activity_id=f"deliver/{message_id}",
            summary=what,
            **options.MAIL,
        )
    except ActivityError as error:
        workflow.logger.warning("Letter %s was not sent: %s", message_id, error.cause)
