"""What no real Ozow has: faults on demand, a look at all payment requests, and a hand on each."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from dev.simulators.control import fault_router
from dev.simulators.faults import Faults
from dev.simulators.ozow_book import Book, PaymentRequest, Transaction
from dev.simulators.ozow_courier import Courier
from dev.simulators.ozow_desk import Desk


class Move(BaseModel):
    """The status to bring a try into."""

    model_config = ConfigDict(extra="forbid")

    status: str = Field(min_length=1)


def control_router(book: Book, desk: Desk, courier: Courier, faults: Faults) -> APIRouter:
    """The control API."""
    router = APIRouter(prefix="/_control")
    router.include_router(fault_router(faults))
    router.include_router(_transaction_router(book, desk, courier))
    return router


def _transaction_router(book: Book, desk: Desk, courier: Courier) -> APIRouter:
    """`{name}` is the merchant's reference, the paymentRequestId, or a transaction's id."""
    router = APIRouter()

    def found(name: str) -> tuple[PaymentRequest, Transaction | None]:
        pair = book.find(name)
        if pair is None:
            raise HTTPException(404, f"There is no payment request or transaction {name}.")
        return pair

    @router.get("/transactions")
    async def list_transactions() -> dict[str, Any]:
        return {"transactions": [request.shown() for request in book]}

    # References may hold slashes, hence `:path`; the two moves stand first because the bare one would swallow them.
    @router.post("/transactions/{name:path}/status")
    async def move(name: str, order: Move) -> dict[str, Any]:
        """Move the try that is named, else the newest one; what has ended stays so, and the payer tries once more."""
        request, tried = found(name)
        desk.move(request, tried or desk.begin(request, "Test bank"), order.status)
        return request.shown()

    @router.post("/transactions/{name:path}/resend")
    async def resend(name: str) -> dict[str, Any]:
        request, tried = found(name)
        told = tried or request.newest
        if told is None:
            raise HTTPException(409, f"Nobody has tried to pay {name} yet: there is nothing to tell.")
        courier.post(request, told)
        return request.shown()

    @router.get("/transactions/{name:path}")
    async def show(name: str) -> dict[str, Any]:
        return found(name)[0].shown()

    return router
