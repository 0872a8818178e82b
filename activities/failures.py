"""The one table that says what an error means for a workflow: try again, or never.

Temporal retries whatever is not named here, with the pauses of `workflows/options.py`: a gateway that did not answer, for one,
which is looked up by the next try before anything is sent again.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from temporalio.exceptions import ApplicationError

from domain.errors import ConflictError, InvalidInputError, InvariantError, NotFoundError
from gateways.base import (
    BadSignatureError,
    MalformedUpdateError,
    UntrustedAddressError,
)

# Asking again gives the same answer: the workflow must hear of it now.
NEVER = (
    BadSignatureError,
    ConflictError,
    DataError,
    IntegrityError,
    InvalidInputError,
    InvariantError,
    MalformedUpdateError,
    NotFoundError,
    UntrustedAddressError,
)
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def translated(method: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Make a method's errors readable to Temporal by the table above; others pass and are retried."""

    @functools.wraps(method)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            told = as_application_error(error)
            if told is error:
                # Not `from error`: an error that is its own cause cannot be written into a history.
                raise
            # Its causes stay out: the database's tell the parameters of the statement, and a history is no place for names.
            raise told.with_traceback(error.__traceback__) from None

    return call


def as_application_error(error: Exception) -> Exception:
    """What Temporal is told of `error`; its type's name is kept, so that a workflow can tell errors apart."""
    kind = type(error).__name__
    if isinstance(error, (*NEVER, DBAPIError)):
        # The field apart from the sentence, for whoever shows it beside the field.
        details = (error.field, error.message) if isinstance(error, InvalidInputError) else ()
        return ApplicationError(_text(error), *details, type=kind, non_retryable=isinstance(error, NEVER))
    return error


def _text(error: Exception) -> str:
    """What whoever reads the history may know of `error`: of the database's errors nothing that could be a row's value."""
    if isinstance(error, DataError):
        return f"The database refused a value ({type(error.orig).__name__})."
    return str(error.orig).partition("\n")[0] if isinstance(error, DBAPIError) else str(error)
