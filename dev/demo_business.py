"""One business in the demo, driven from outside only: by its API, its payers' links and the gateway's page."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx

from dev.demo_pages import pay_on_page
from dev.demo_payers import Payer, Stage

_AT_ONCE = 8
_PAUSE = 0.1
PATIENCE_SECONDS = 300.0
_PAGE = 200


class Business:
    """A tenant, its invoices in the order of their numbers, and how its customers behave.

    Attributes:
        patience: seconds to wait for what the business does, at most.
    """

    patience = PATIENCE_SECONDS

    def __init__(self, addresses: dict[str, Any], slug: str, payers: tuple[Payer, ...]) -> None:
        tenant = next(tenant for tenant in addresses["tenants"] if tenant["slug"] == slug)
        self.slug = slug
        self._payers = payers
        headers = {"Authorization": f"Bearer {tenant['staff_token']}"}
        self._api = httpx.AsyncClient(base_url=addresses["api"], headers=headers, timeout=60)
        self._payer = httpx.AsyncClient(base_url=addresses["api"], timeout=60)
        self.run: dict[str, Any] = {}
        self.invoices: list[dict[str, Any]] = []

    async def close(self) -> None:
        await self._api.aclose()
        await self._payer.aclose()

    async def start_billing(self, period: str, *, dry_run: bool = False) -> str:
        """Start a run, or find it started; its id."""
        started = _answer(await self._api.post("/api/billing-runs", json={"period": period, "dry_run": dry_run}))
        self.run = {"id": started["id"]}
        return str(started["id"])

    async def run_billing(self, period: str, *, dry_run: bool) -> dict[str, Any]:
        await self.start_billing(period, dry_run=dry_run)
        return await self.follow_billing(lambda _: None)

    async def follow_billing(self, show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Show the run's progress until it has ended."""

        async def look() -> dict[str, Any] | None:
            run = await self.get(f"/api/billing-runs/{self.run['id']}")
            show(run)
            return run if run["status"] == "COMPLETED" else None

        return dict(await until(look, f"the billing run of {self.slug} to end", self.patience))

    async def load_invoices(self) -> None:
        self.invoices = [invoice async for invoice in self.all("/api/invoices")]

    async def open_invoices(self) -> list[dict[str, Any]]:
        """The open ones, in detail."""
        listed = [invoice async for invoice in self.all("/api/invoices?state=OPEN")]
        return [await self.get(f"/api/invoices/{invoice['id']}") for invoice in listed]

    async def let_pay(self, stage: Stage) -> Counter[str]:
        """Let those customers pay who pay at this stage, and wait until their money has arrived; how many paid how."""
        chosen = [
            (invoice, payer)
            for index, invoice in enumerate(self.invoices)
            if (payer := self._payers[index % len(self._payers)]).stage is stage
        ]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def pay(invoice: dict[str, Any], payer: Payer) -> None:
            async with gate:
                if payer.at_once:
                    await self._pay_at_once(invoice, [method for method, _ in payer.tries])
                    return
                for method, phone in payer.tries:
                    await self._pay(invoice, method, phone, payer.over_minor)

        await asyncio.gather(*(pay(invoice, payer) for invoice, payer in chosen))
        await self.wait_for_letters()
        return Counter(payer.how for _, payer in chosen)

    async def wait_for_letters(self) -> None:
        """Until no letter is under way."""

        async def look() -> bool:
            queued = await self.get("/api/messages?status=QUEUED&limit=1")
            return not queued["items"]

        await until(look, f"the letters of {self.slug} to be sent", self.patience)

    async def wait_for_step(self, step: str) -> None:
        """Until every open invoice has taken `step` and its letter has gone out."""

        async def look() -> bool:
            waiting = await self.open_invoices()
            return all(taken["outcome"] for invoice in waiting for taken in invoice["steps"] if taken["step"] == step)

        await until(look, f"{self.slug} to take the step {step}", self.patience)
        await self.wait_for_letters()

    async def count_letters(self, letter: str) -> int:
        return sum([message["letter"] == letter and message["status"] == "SENT" async for message in self.all("/api/messages")])

    async def count_suspended(self) -> int:
        return sum([customer["billing_status"] == "SUSPENDED" async for customer in self.all("/api/customers")])

    async def get(self, path: str) -> dict[str, Any]:
        return _answer(await self._api.get(path))

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _answer(await self._api.post(path, json=body))

    async def all(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        after = ""
        while True:
            joint = "&" if "?" in path else "?"
            page = await self.get(f"{path}{joint}limit={_PAGE}{after}")
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            after = f"&after={page['next']}"

    async def _pay(self, invoice: dict[str, Any], method: str, phone: str | None, over_minor: int) -> None:
        if method in {"BANK_TRANSFER", "CASH"}:
            await self._record(invoice, method, over_minor)
            return
        checkout = await self._check_out(invoice, method, phone)
        if checkout["redirect_url"]:
            await pay_on_page(self._payer, method, checkout["redirect_url"])
        await self._until_decided(_code(invoice), checkout["payment_id"])

    async def _pay_at_once(self, invoice: dict[str, Any], methods: list[str]) -> None:
        """Two people have the same link open: each starts paying before the other has paid, and then both pay."""
        checkouts = [await self._check_out(invoice, method, None) for method in methods]
        pages = [(method, checkout["redirect_url"]) for method, checkout in zip(methods, checkouts, strict=True)]
        await asyncio.gather(*(pay_on_page(self._payer, method, page) for method, page in pages))
        for checkout in checkouts:
            await self._until_decided(_code(invoice), checkout["payment_id"])

    async def _check_out(self, invoice: dict[str, Any], method: str, phone: str | None) -> dict[str, Any]:
        body = {"method": method} | ({"phone": phone} if phone else {})
        return _answer(await self._payer.post(f"/pay/{_code(invoice)}/checkout", json=body))

    async def _record(self, invoice: dict[str, Any], method: str, over_minor: int) -> None:
        amount = invoice["amount_due"]
        body = {
            "invoice_id": invoice["id"],
            "method": method,
            "amount": amount["minor"] + over_minor,
            "currency": amount["currency"],
            "reference": f"{method}-{invoice['number']}",
        }
        payment = _answer(await self._api.post("/api/payments", json=body))
        await self._until_decided(_code(invoice), payment["id"])

    async def _until_decided(self, link: str, payment_id: str) -> None:
        """Until the payment is settled or failed, and a paid invoice's customer is no longer suspended."""

        async def look() -> bool:
            status = _answer(await self._payer.get(f"/pay/{link}/status"))
            return any(payment["id"] == payment_id and payment["status"] != "PENDING" for payment in status["payments"])

        await until(look, f"payment {payment_id} to be decided", self.patience)


async def until(look: Callable[[], Awaitable[Any]], what: str, patience: float = PATIENCE_SECONDS) -> Any:
    """Ask `look` until it says something true, for `patience` seconds at most."""
    try:
        async with asyncio.timeout(patience):
            while not (found := await look()):  # noqa: ASYNC110 - what is waited for happens in other processes
                await asyncio.sleep(_PAUSE)
            return found
    except TimeoutError:
        raise TimeoutError(f"Waited {patience:.0f} s for {what}: see the logs in the stack's directory.") from None


def _code(invoice: dict[str, Any]) -> str:
    """The code of the invoice's own payment link."""
    return str(invoice["payment_page"].rpartition("/")[2])


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise RuntimeError(f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}")
    return dict(response.json())
