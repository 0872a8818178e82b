"""Letters that staff ask for, at the engine."""

from tests.workflows.bench import Bench, Handle
from workflows import names
from workflows.letter_delivery import LetterDelivery


def delivery(bench: Bench, message_id: str) -> Handle:
    """The workflow that sends one letter; its history is looked through when the test is over."""
    workflow_id = names.letter_delivery_id(message_id)
    return bench.seen.setdefault(workflow_id, bench.engine.client.get_workflow_handle_for(LetterDelivery.run, workflow_id))
