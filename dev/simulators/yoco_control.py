"""What no real Yoco has: faults on demand, a look at all checkouts, and a hand on each."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from dev.simulators.control import fault_router
from dev.simulators.faults import Faults
from dev.simulators.yoco_book import Book, Checkout
from dev.simulators.yoco_courier import Courier
from dev.simulators.yoco_desk import Desk


class Move(BaseModel):
    """The status to bring a checkout into (`Desk.move` says which there are); `amount` in cents, for refunds of a part."""

    model_config = ConfigDict(extra="forbid")

    status: str = Field(min_length=1)
    amount: int | None = Field(default=None, gt=0)


def control_router(book: Book, desk: Desk, courier: Courier, faults: Faults) -> APIRouter:
    """The control API. `{name}` is a checkout's id, its payment's, the merchant's reference or the idempotency key."""
    router = APIRouter(prefix="/_control")
    router.include_router(fault_router(faults))

    def found(name: str) -> Checkout:
        checkout = book.find(name)
        if checkout is None:
            raise HTTPException(404, f"There is no checkout {name}.")
        return checkout

    @router.get("/transactions")
    async def list_transactions() -> dict[str, Any]:
        return {"transactions": [checkout.shown() for checkout in book]}

    # References may hold slashes, hence `:path`; the two moves stand first because the bare one would swallow them.
    @router.post("/transactions/{name:path}/status")
    async def move(name: str, order: Move) -> dict[str, Any]:
        checkout = found(name)
        desk.move(checkout, order.status, order.amount)
        return checkout.shown()

    @router.post("/transactions/{name:path}/resend")
    async def resend(name: str) -> dict[str, Any]:
        checkout = found(name)
        courier.resend(checkout)
        return checkout.shown()

    @router.get("/transactions/{name:path}")
    async def show(name: str) -> dict[str, Any]:
        return found(name).shown()

    return router
