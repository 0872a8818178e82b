"""Staff moves as updates of an invoice's lifecycle: refused at once when they cannot be, else made and answered."""

import asyncio
from abc import abstractmethod

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.moving import MoveRequest, Moving
    from activities.standing import Standing
    from domain.calendar import local_day
    from domain.errors import ConflictError, InvalidInputError
    from domain.moves import Movable, Move, refuse_impossible
    from workflows import options


class InvoiceMoves:
    """The part of `InvoiceLifecycle` that staff reach."""

    def __init__(self) -> None:
        # One deed at a time: what a step learnt must not overwrite what a move learnt after it.
        self._deciding = asyncio.Lock()

    @abstractmethod
    def _movable(self) -> Movable:
        """How the invoice stands as far as this workflow knows."""

    @abstractmethod
    def _move_request(self, move: Move) -> MoveRequest:
        """What the activity is asked for."""

    @abstractmethod
    def _zone(self) -> str:
        """The tenant's time zone (IANA name)."""

    @abstractmethod
    def _learn_of_move(self, move: Move, standing: Standing) -> None:
        """Go on from how the invoice stands after a move."""

    @workflow.update
    async def void(self, move: Move) -> Standing:
        """It should never have been issued."""
        return await self._make(move)

    @workflow.update
    async def write_off(self, move: Move) -> Standing:
        """It will not be paid."""
        return await self._make(move)

    @workflow.update
    async def extend(self, move: Move) -> Standing:
        """It is due later."""
        return await self._make(move)

    @workflow.update
    async def pause(self, move: Move) -> Standing:
        """Not chased until a day: a promise to pay."""
        return await self._make(move)

    @workflow.update
    async def resume(self, move: Move) -> Standing:
        """Chased again before that day."""
        return await self._make(move)

    @workflow.update
    async def dispute(self, move: Move) -> Standing:
        """The customer says that it is wrong."""
        return await self._make(move)

    @workflow.update
    async def resolve(self, move: Move) -> Standing:
        """The dispute is over, the invoice stands."""
        return await self._make(move)

    @workflow.update
    async def reapply_policy(self, move: Move) -> Standing:
        """The customer's policy of today instead of the snapshot."""
        return await self._make(move)

    def _refuse(self, move: Move) -> None:
        """Validate before anything is written into the history; the database has the last word."""
        try:
            refuse_impossible(move, self._movable(), local_day(workflow.now(), self._zone()))
        except InvalidInputError as error:
            raise ApplicationError(str(error), error.field, error.message, type=type(error).__name__) from None
        except ConflictError as error:
            raise ApplicationError(str(error), type=type(error).__name__) from None

    for _update in (void, write_off, extend, pause, resume, dispute, resolve, reapply_policy):
        _update.validator(_refuse)
    del _update

    async def _make(self, move: Move) -> Standing:
        async with self._deciding:
            try:
                standing = await workflow.execute_activity_method(
                    Moving.make, self._move_request(move), summary=move.kind.value.lower(), **options.BILLING
                )
            except ActivityError as error:
                if not isinstance(error.cause, ApplicationError):
                    raise
                raise ApplicationError(error.cause.message, *error.cause.details, type=error.cause.type) from None
            self._learn_of_move(move, standing)
        return standing
