"""What no real Paynow has: faults on demand, a look at all transactions, and a hand on each."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from dev.simulators.control import fault_router
from dev.simulators.faults import Faults
from dev.simulators.paynow_book import Book, Transaction
from dev.simulators.paynow_courier import Courier
from dev.simulators.paynow_desk import Desk


class Move(BaseModel):
    """The status to bring a transaction into, and optional fields for its messages from now on."""

    model_config = ConfigDict(extra="forbid")

    status: str = Field(min_length=1)
    extras: dict[str, str] = Field(default_factory=dict)


def control_router(book: Book, desk: Desk, courier: Courier, faults: Faults) -> APIRouter:
    """The control API."""
    router = APIRouter(prefix="/_control")
    router.include_router(fault_router(faults))
    router.include_router(_transaction_router(book, desk, courier))
    return router


def _transaction_router(book: Book, desk: Desk, courier: Courier) -> APIRouter:
    """`{reference}` is the merchant's reference, the trace, Paynow's reference or the guid."""
    router = APIRouter()

    def found(reference: str) -> Transaction:
        transaction = book.find(reference)
        if transaction is None:
            raise HTTPException(404, f"There is no transaction {reference}.")
        return transaction

    @router.get("/transactions")
    async def list_transactions() -> dict[str, Any]:
        return {"transactions": [transaction.shown() for transaction in book]}

    # References may hold slashes, hence `:path`; the two moves stand first because the bare one would swallow them.
    @router.post("/transactions/{reference:path}/status")
    async def move(reference: str, order: Move) -> dict[str, Any]:
        transaction = found(reference)
        transaction.extras.update(order.extras)
        desk.move(transaction, order.status)
        return transaction.shown()

    @router.post("/transactions/{reference:path}/resend")
    async def resend(reference: str) -> dict[str, Any]:
        transaction = found(reference)
        courier.post(transaction)
        return transaction.shown()

    @router.get("/transactions/{reference:path}")
    async def show(reference: str) -> dict[str, Any]:
        return found(reference).shown()

    return router
