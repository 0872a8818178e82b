"""How a simulator answers under faults: before it acts, after it acted, or not at all. Shared by all simulators."""

import asyncio
from collections.abc import Callable

from fastapi import Request, Response

from dev.simulators.faults import BEFORE, Fault, Faults

CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser.</body></html>"
LONGEST_HOLD_SECONDS = 60.0
GLANCE_SECONDS = 0.05


async def serve(request: Request, faults: Faults, operation: str, act: Callable[[Fault | None], Response]) -> Response:
    """Do what was asked and answer, as far as the fault that waits for this operation lets us.

    Args:
        act: makes the answer; it is handed the fault, in case that changes what the answer says.
    """
    fault = faults.take(operation)
    if fault is not None and fault.kind in BEFORE:
        return await fail(request, fault)
    response = act(fault)
    if fault is not None and fault.kind == "drop_after_effect":
        return Response("Service Unavailable", status_code=int(fault.value or 503), media_type="text/plain")
    if fault is not None and fault.kind == "latency":
        await asyncio.sleep(float(fault.value or 1))
    return response


async def fail(request: Request, fault: Fault) -> Response:
    """Answer without having done anything, or do not answer while the client is there."""
    if fault.kind == "html":
        return Response(CHALLENGE, status_code=int(fault.value or 200), media_type="text/html")
    if fault.kind == "never":
        for _ in range(int(LONGEST_HOLD_SECONDS / GLANCE_SECONDS)):
            if await request.is_disconnected():
                break
            await asyncio.sleep(GLANCE_SECONDS)
    return Response("Internal Server Error", status_code=int(fault.value or 500), media_type="text/plain")


def base_url(request: Request) -> str:
    """Where we were reached: our addresses must be at the host that the client knows."""
    return str(request.base_url).rstrip("/")
