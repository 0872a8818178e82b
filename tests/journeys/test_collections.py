"""Collections as diaries on the real stack: days -3, 0, 7, 14, 21 and 22 of the ladder, with the inbox after each.

All stories run at the same time on one stack, each with a customer of its own; each test waits for its own story.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio

from dev.stack import Stack
from tests.journeys.business import Shop
from tests.journeys.diary import LADDER, Diary
from workflows.client import connect

ISSUED, REMINDER, OVERDUE, WARNING = "issued", "reminder", "overdue", "final warning"
SUSPENDED, RECEIVED, REACTIVATED = "suspended", "received", "reactivated"
UP_TO_DAY_21 = (ISSUED, REMINDER, OVERDUE, OVERDUE, WARNING, SUSPENDED)


async def paid_on_time(diary: Diary) -> None:
    await diary.letters_are(ISSUED)
    await diary.pay()
    await diary.day(22)
    await diary.letters_are(ISSUED, RECEIVED)
    assert await diary.status() == "ACTIVE"


async def reminded_then_paid(diary: Diary) -> None:
    await diary.day(-3)
    await diary.letters_are(ISSUED, REMINDER)
    await diary.pay()
    await diary.day(22)
    await diary.letters_are(ISSUED, REMINDER, RECEIVED)


async def partly_paid(diary: Diary) -> None:
    await diary.day(0)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE)
    await diary.pay(500)
    assert (await diary.shown())["amount_due"]["minor"] == 1500
    await diary.day(7)
    await diary.day(14)
    await diary.day(21)
    await diary.status_becomes("SUSPENDED")
    await diary.pay(1400)
    assert await diary.status() == "SUSPENDED", "a dollar is still due"
    await diary.pay(100)
    assert await diary.status() == "ACTIVE", "as soon as the money is settled"
    await diary.letters_are(*UP_TO_DAY_21, RECEIVED, RECEIVED, RECEIVED, REACTIVATED)


async def promised_and_kept(diary: Diary) -> None:
    await diary.day(7)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE)
    until = diary.due_on + timedelta(days=16)
    assert (await diary.move("pause", until=str(until)))["paused_until"] == str(until)
    await diary.day(14)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE)
    assert "paused until" in (await diary.timeline()).lower()
    await diary.pay()
    await diary.day(22)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE, RECEIVED)


async def promised_and_broken(diary: Diary) -> None:
    await diary.day(7)
    refusal = await diary.move("pause", refused=422, until=str(diary.due_on + timedelta(days=60)))
    assert "30 days" in refusal["detail"]
    await diary.move("pause", until=str(diary.due_on + timedelta(days=21)))
    await diary.day(21)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE)
    await diary.day(22)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE, WARNING)
    assert await diary.status() == "ACTIVE", "never suspended unwarned"
    await diary.day(28)
    assert await diary.status() == "ACTIVE", "the policy gives seven days after the warning"
    await diary.day(29)
    await diary.status_becomes("SUSPENDED")
    await diary.letters_are(*UP_TO_DAY_21)


async def disputed(diary: Diary) -> None:
    await diary.day(0)
    await diary.move("dispute", reason="says it was delivered broken")
    await diary.move("dispute", refused=409)
    await diary.day(22)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE)
    await diary.move("resolve", reason="it was delivered whole")
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, WARNING)
    assert await diary.status() == "ACTIVE"
    await diary.pay()
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, WARNING, RECEIVED)


async def extended(diary: Diary) -> None:
    await diary.day(7)
    later = diary.due_on + timedelta(days=20)
    assert (await diary.move("extend", due_on=str(later)))["due_on"] == str(later)
    await diary.day(16)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE)
    await diary.day(20)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE, REMINDER, OVERDUE)
    await diary.move("extend", refused=422, due_on=str(later))
    await diary.pay()
    await diary.day(42)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE, REMINDER, OVERDUE, RECEIVED)


async def voided(diary: Diary) -> None:
    await diary.day(0)
    await diary.pay(700)
    shown = await diary.move("void", reason="billed twice")
    assert (shown["state"], shown["amount_due"]["minor"]) == ("VOID", 0)
    assert shown["credit_note"]["number"].startswith("SHOP-CN-")
    customer = await diary.get(f"/api/customers/{diary.customer['id']}")
    assert [credit["minor"] for credit in customer["credits"]] == [700], "what was paid is the customer's"
    page = await diary.api.get(f"/pay/{diary.invoice['payment_page'].rpartition('/')[2]}")
    assert "Pay now" not in page.text
    await diary.move("void", refused=409)
    await diary.day(22)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, RECEIVED)


async def three_invoices(diary: Diary) -> None:
    await diary.day(14)
    await diary.day(21)
    await diary.status_becomes("SUSPENDED")
    await diary.day(22)
    assert (await diary.letters()).count(SUSPENDED) == 1, "once, however many invoices are late"
    await diary.pay(number=0)
    assert await diary.status() == "SUSPENDED", "two more suspend"
    await diary.pay(number=1)
    await diary.pay(number=2)
    assert await diary.status() == "ACTIVE"
    each = [ISSUED, REMINDER, OVERDUE, OVERDUE, WARNING, RECEIVED]
    await diary.letters_are(*each, *each, *each, SUSPENDED, REACTIVATED)


async def manual_hold_survives_payment(diary: Diary) -> None:
    hold = await diary.ask("holds", reason="MANUAL", note="goods are with the sheriff")
    await diary.status_becomes("SUSPENDED")
    await diary.day(21)
    await diary.pay()
    assert await diary.status() == "SUSPENDED", "money never lifts what staff placed"
    held = (await diary.get(f"/api/customers/{diary.customer['id']}/holds"))["items"]
    manual = next(item for item in held if item["reason"] == "MANUAL")
    await diary.ask(f"holds/{manual['id']}/lift", reason="returned")
    await diary.status_becomes("ACTIVE")
    assert hold
    # The suspension was told when it began; that money is due as well does not make it a second one.
    await diary.letters_are(ISSUED, SUSPENDED, REMINDER, OVERDUE, OVERDUE, WARNING, RECEIVED, REACTIVATED)


async def policy_changed_meanwhile(diary: Diary) -> None:
    await diary.day(0)
    path = f"/api/customers/{diary.customer['id']}/dunning-policy"
    gentle = {**LADDER, "steps": [*LADDER["steps"][:3], {"offset": "P10D", "action": "overdue_notice"}]}
    answer = await diary.api.put(path, json={"policy": gentle, "note": "a friend of the house"})
    assert answer.status_code == 200, answer.text
    await diary.day(14)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE, WARNING)
    await diary.move("reapply-policy")
    await diary.day(22)
    await diary.letters_are(ISSUED, REMINDER, OVERDUE, OVERDUE, WARNING)
    assert await diary.status() == "ACTIVE", "the policy of today suspends nobody"


Story = Callable[[Diary], Coroutine[Any, Any, None]]
STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (
        paid_on_time, reminded_then_paid, partly_paid, promised_and_kept, promised_and_broken, disputed, extended, voided,
        three_invoices, manual_hold_survives_payment, policy_changed_meanwhile,
    )
}  # fmt: skip


@pytest_asyncio.fixture(scope="module")
async def told(stack: Stack, open_shop: Callable[..., Shop]) -> AsyncIterator[dict[str, "asyncio.Task[None]"]]:
    """Every story, begun."""
    alone = {three_invoices.__name__: STORIES[three_invoices.__name__]}
    together = {name: story for name, story in STORIES.items() if name not in alone}
    temporal = await connect(stack.describe()["temporal"])
    async with AsyncExitStack() as clients:
        tasks: dict[str, asyncio.Task[None]] = {}
        for stories, months in ((together, 1), (alone, 3)):
            shop = open_shop(customers=len(stories))
            api = await clients.enter_async_context(
                httpx.AsyncClient(base_url=shop.client.base_url, headers=shop.client.headers, timeout=60)
            )
            open_diary = partial(Diary, api, stack.describe()["inbox"], temporal)
            diaries = begin(shop, stories, months, open_diary)
            tasks |= {name: asyncio.ensure_future(stories[name](diary)) for name, diary in diaries.items()}
        yield tasks
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def begin(shop: Shop, stories: Iterable[str], months: int, open_diary: Callable[[dict[str, Any]], Diary]) -> dict[str, Diary]:
    """Put the ladder in force, bill that many months, and give each story a customer of the shop."""
    changed = shop.client.put("/api/dunning-policy", json={"policy": LADDER, "note": "for the diaries"})
    assert changed.status_code == 200, changed.text
    for month in range(months):
        invoices = shop.bill(f"2026-{11 - month:02d}")
    customers = shop.get("/api/customers?limit=200")["items"]
    diaries = {story: open_diary(customer) for story, customer in zip(stories, customers, strict=True)}
    for diary in diaries.values():
        diary.invoices = [invoice for invoice in invoices if invoice["customer_id"] == diary.customer["id"]]
        assert len(diary.invoices) == months
    return diaries


@pytest.mark.parametrize("story", list(STORIES))
async def test_diary(story: str, told: dict[str, "asyncio.Task[None]"]) -> None:
    await told[story]
