"""How long the outside waits for Temporal, and what it is told when that was not enough."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import DunlinError

# A payer waits this long for the gateway's answer; the payment goes on without them.
CHECKOUT_PATIENCE = timedelta(seconds=40)
# A signal to a server that is down blocks for many seconds (each try has its own time-out), so it is cut off here.
SIGNAL_PATIENCE = timedelta(seconds=2)

Answer = TypeVar("Answer")


class EngineUnavailableError(DunlinError):
    """Temporal cannot be reached; what was stored is done when it is back."""


class NoAnswerYetError(EngineUnavailableError):
    """Temporal has taken the request, but the answer did not come in time; the work goes on by itself."""


class MadeLaterError(EngineUnavailableError):
    """No answer, but what was asked for is stored and is made by itself; its text is fit for whoever asked."""


async def in_time(call: Awaitable[Answer], otherwise: str) -> Answer:
    """The answer, as long as a payer waits; `otherwise` is the sentence for when it did not come."""
    try:
        return await asyncio.wait_for(call, CHECKOUT_PATIENCE.total_seconds())
    except WorkflowUpdateFailedError:
        raise
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        raise NoAnswerYetError(otherwise) from error
    except RuntimeError as error:
        raise EngineUnavailableError(otherwise) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise
        raise EngineUnavailableError(otherwise) from error


async def quickly(call: Awaitable[None]) -> None:
    """Have a signal accepted, or give up at once: the sweeper tries again."""
    try:
        await asyncio.wait_for(call, SIGNAL_PATIENCE.total_seconds())
    except (TimeoutError, RuntimeError) as error:
        raise EngineUnavailableError("Temporal did not accept the signal in time.") from error
