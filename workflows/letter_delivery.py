"""How a workflow sends a claimed letter: durably, and without ever failing because of it."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class LetterInput:
    """Which letter; all else is in the database."""

    tenant_id: str
    message_id: str


@workflow.defn(name="LetterDelivery")
class LetterDelivery:
    """A letter that belongs to no invoice's and no payment's workflow: one that staff asked for."""

    @workflow.run
    async def run(self, letter: LetterInput) -> None:
        """Send it; the log of messages tells what became of it."""
        await deliver(letter.tenant_id, letter.message_id, "letter")
