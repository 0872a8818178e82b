"""What a letter says, and whether it is still wanted, is decided when it is sent."""

from activities.collecting import Collecting, LookRequest, StepRequest
from activities.letter_facts import is_wanted, letter_facts
from domain.customer import Tenant
from domain.dunning_ladder import Action
from domain.invoice import Invoice
from domain.letters import SuspensionNoticeFacts
from persistence import messages
from persistence.database import Database
from tests import factories
from tests.factories import NOW


def suspended(database: Database, tenant: Tenant, invoice: Invoice) -> str | None:
    """Take the step that suspends; the letter that it claimed."""
    step = StepRequest(tenant.id, invoice.id, invoice.customer_id, "4-suspend", Action.SUSPEND, NOW)
    return Collecting(database).take_step(step).message_id


def pay(database: Database, tenant: Tenant, invoice: Invoice) -> None:
    factories.settle_payment(database, tenant, factories.start_payment(database, tenant, invoice))
    Collecting(database).look_again(LookRequest(tenant.id, invoice.id, invoice.customer_id, NOW))


def wanted_reason(database: Database, tenant: Tenant, message_id: str) -> str | None:
    """Why the account is suspended, as the letter would tell it now; None when it is not wanted any more."""
    with database.tenant(tenant.id) as session:
        message = messages.get(session, message_id)
        if not is_wanted(session, message, NOW):
            return None
        facts = letter_facts(session, message, lambda token: f"https://pay.example/{token}", NOW)
    assert isinstance(facts, SuspensionNoticeFacts)
    return facts.reason


def test_nobody_is_told_of_a_suspension_that_has_ended_before_the_letter_went_out(database: Database, tenant: Tenant) -> None:
    invoice = factories.issue_invoice(database, tenant)
    letter = suspended(database, tenant, invoice)
    assert letter is not None
    assert wanted_reason(database, tenant, letter) == f"Invoice {invoice.number} is still unpaid after our final warning."

    pay(database, tenant, invoice)

    assert wanted_reason(database, tenant, letter) is None


def test_a_suspension_that_another_invoice_keeps_up_is_told_without_the_paid_one(database: Database, tenant: Tenant) -> None:
    customer = factories.make_customer(database, tenant)
    first, second = (factories.issue_invoice(database, tenant, customer) for _ in range(2))
    letter = suspended(database, tenant, first)
    assert letter is not None
    assert suspended(database, tenant, second) is None, "one letter, however many invoices are late"

    pay(database, tenant, first)

    assert wanted_reason(database, tenant, letter) == f"Invoice {second.number} is still unpaid after our final warning."
