"""What an activity's error becomes for a workflow: tried again, later or never, and never with somebody's data in it."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError

from activities.failures import as_application_error, translated
from domain.errors import ConflictError, InvalidInputError, InvariantError, NotFoundError
from gateways.base import GatewayOutcomeUnknownError, GatewayUnreachableError, UntrustedAddressError
from persistence.database import Database
from tests.workflows.bench import CUSTOMER_NAME


def told(error: Exception) -> ApplicationError:
    """What Temporal is told when an activity raises `error`."""

    @translated
    def activity() -> None:
        raise error

    with pytest.raises(ApplicationError) as caught:
        activity()
    return caught.value


def written(error: BaseException) -> Failure:
    """The error as it comes to stand in a history, its causes included."""
    failure = Failure()
    pydantic_data_converter.failure_converter.to_failure(error, pydantic_data_converter.payload_converter, failure)
    return failure


@pytest.mark.parametrize(
    "error",
    [
        ConflictError("This business takes no ZAR by paynow: choose another way to pay."),
        InvalidInputError("phone", "it is not a phone number."),
        InvariantError("The sums do not fit."),
        NotFoundError("payment", "pay_1"),
        UntrustedAddressError("paynow", "The address is not at the gateway."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_asking_again_cannot_mend_is_told_at_once_under_its_own_name(error: Exception) -> None:
    found = told(error)
    assert (found.non_retryable, found.type, found.message) == (True, type(error).__name__, str(error))


@pytest.mark.parametrize("kind", [GatewayUnreachableError, GatewayOutcomeUnknownError])
def test_a_gateway_that_does_not_answer_is_asked_again_with_growing_pauses(kind: type[GatewayUnreachableError]) -> None:
    error = kind("paynow", "It did not answer.")
    assert as_application_error(error) is error, "a pause of its own would go before the policy's back-off"


def test_an_error_nobody_thought_of_is_tried_again_and_can_be_written_into_a_history() -> None:
    @translated
    def activity() -> None:
        raise KeyError("surprise")

    with pytest.raises(KeyError) as caught:
        activity()
    failure = written(caught.value)
    assert failure.message == "'surprise'"
    assert not failure.application_failure_info.non_retryable


def test_a_pause_that_an_activity_asks_for_reaches_temporal() -> None:
    failure = written(told(ApplicationError("later", type="MailDeferred", next_retry_delay=timedelta(minutes=5))))
    assert failure.message == "later"
    assert failure.application_failure_info.next_retry_delay.ToTimedelta() == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("query", "never"),
    [
        ("SELECT CAST(:value AS integer)", True),
        ("SELECT pg_terminate_backend(pg_backend_pid()), :value", False),
    ],
    ids=["refused data", "lost connection"],
)
def test_the_databases_errors_are_told_without_the_values_of_the_statement(database: Database, query: str, never: bool) -> None:
    talkative = create_engine(database.engine.url)  # unlike ours, it tells the parameters in its errors

    @translated
    def activity() -> None:
        with talkative.connect() as connection:
            connection.execute(text(query), {"value": CUSTOMER_NAME})

    with pytest.raises(ApplicationError) as caught:
        activity()
    talkative.dispose()
    assert caught.value.non_retryable is never
    assert CUSTOMER_NAME in str(caught.value.__context__), "it is there to be told"
    assert CUSTOMER_NAME.encode() not in written(caught.value).SerializeToString()
