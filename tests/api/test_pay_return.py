"""A payer comes back from a gateway's page (door three): arriving decides nothing, and has the gateway asked, once."""

import re
from datetime import timedelta

import httpx
import pytest

from api.pay.status import LATER, LOOKS_APART, LOOKS_APART_LATER, look_id
from domain.payment import PaymentMethod
from persistence.database import Database
from tests import factories
from tests.api.paying import Bill, begun, bill, decide
from tests.api.serving import is_problem
from tests.workflows.engine import Engine
from workflows import names

VISA = "PAYNOW_VISA"


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


async def questions(engine: Engine, payment_id: str) -> int:
    """How often the payment's workflow asked its gateway."""
    handle = engine.client.get_workflow_handle(names.payment_workflow_id(payment_id))
    return sum(
        event.activity_task_scheduled_event_attributes.activity_type.name == "settling.confirm"
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    )


# Looking.


async def test_who_comes_back_paid_is_told_so_though_no_update_ever_came(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    payment_id = await open_bill.opened(api, None, method=VISA)
    decide(engine, open_bill.attempt(payment_id).id, "Paid")
    status = await open_bill.look(api)
    assert (status["state"], status["link_status"], status["amount"]["minor"]) == ("PAID", "PAID", 0)
    assert [(payment["id"], payment["status"]) for payment in status["payments"]] == [(payment_id, "SETTLED")]


@pytest.mark.parametrize("back", ["paid", "cancelled", "failed"])
async def test_what_the_browser_says_decides_nothing(api: httpx.AsyncClient, open_bill: Bill, back: str) -> None:
    payment_id = await open_bill.opened(api, None, method=VISA)
    await open_bill.page(api, f"?back={back}&look=now")
    status = await open_bill.look(api)
    assert status["state"] == "OPEN"
    assert [payment["status"] for payment in status["payments"]] == ["PENDING"]
    assert payment_id in await open_bill.page(api, f"?back={back}")


async def test_a_storm_of_reloads_asks_the_gateway_once(api: httpx.AsyncClient, engine: Engine, open_bill: Bill) -> None:
    """All of them at once may fall on the border between two times, hence at most two."""
    payment_id = await open_bill.opened(api, None, method=VISA)
    for _ in range(6):
        await open_bill.look(api)
        await open_bill.page(api, "?back=paid&look=now")
    assert 1 <= await questions(engine, payment_id) <= 2


def test_looks_that_come_close_together_are_one_question_and_later_ones_come_seldom(database: Database) -> None:
    open_bill = bill(database)
    payment = factories.start_payment(database, open_bill.tenant, open_bill.invoice)
    begun_at = payment.initiated_at  # on the hour
    second = timedelta(seconds=1)
    assert look_id(payment, begun_at) == look_id(payment, begun_at + LOOKS_APART - second)
    assert look_id(payment, begun_at) != look_id(payment, begun_at + LOOKS_APART)
    assert look_id(payment, begun_at + LATER) == look_id(payment, begun_at + LATER + LOOKS_APART_LATER - second)
    assert look_id(payment, begun_at + LATER) != look_id(payment, begun_at + LATER + LOOKS_APART_LATER)


async def test_while_temporal_is_down_a_look_tells_what_is_known(lonely: httpx.AsyncClient, open_bill: Bill) -> None:
    payment_id = begun(open_bill, PaymentMethod.PAYNOW_VISA)
    status = await open_bill.look(lonely)
    assert [(payment["id"], payment["status"]) for payment in status["payments"]] == [(payment_id, "PENDING")]


async def test_a_link_that_opens_nothing_cannot_be_looked_at(lonely: httpx.AsyncClient) -> None:
    is_problem(await lonely.post("/pay/nobody-has-this/look"), 404)


# Browsers without JavaScript.


async def test_without_javascript_the_page_itself_asks_before_it_is_shown(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill
) -> None:
    payment_id = await open_bill.opened(api, None, method=VISA)
    arrived = await open_bill.page(api, "?back=paid")
    (again,) = re.findall(r'<noscript><meta http-equiv="refresh" content="0; url=([^"]+)"></noscript>', arrived)
    assert again == f"{open_bill.link}?look=now&amp;back=paid"
    decide(engine, open_bill.attempt(payment_id).id, "Paid")
    html = await open_bill.page(api, "?look=now&back=paid")
    assert ">Paid<" in html
    assert "http-equiv" not in html


async def test_without_javascript_the_page_is_loaded_again_from_time_to_time_while_the_payment_is_waited_for(
    lonely: httpx.AsyncClient, open_bill: Bill
) -> None:
    begun(open_bill, PaymentMethod.PAYNOW_VISA)
    assert 'content="20; url=' in await open_bill.page(lonely, "?look=now")


# What is said.


async def test_who_left_the_payment_page_is_told_so_and_may_go_back_or_pay_another_way(
    lonely: httpx.AsyncClient, open_bill: Bill
) -> None:
    begun(open_bill, PaymentMethod.PAYNOW_VISA, redirect_url="https://www.paynow.example/1")
    html = await open_bill.page(lonely, "?back=cancelled")
    assert "You left the payment page before it was finished" in html
    assert 'href="https://www.paynow.example/1"' in html
    assert re.search(r'<form id="form" novalidate>', html), "another way is offered at once"


async def test_a_payment_page_that_failed_is_asked_about(lonely: httpx.AsyncClient, open_bill: Bill) -> None:
    begun(open_bill, PaymentMethod.PAYNOW_VISA, redirect_url="https://www.paynow.example/1")
    html = await open_bill.page(lonely, "?back=failed")
    assert "The payment page says that it did not work" in html
    assert re.search(r'<form id="form" novalidate>', html)


async def test_who_comes_back_paid_is_told_that_it_is_being_confirmed_until_it_is(
    lonely: httpx.AsyncClient, open_bill: Bill
) -> None:
    payment_id = begun(open_bill, PaymentMethod.PAYNOW_VISA)
    html = await open_bill.page(lonely, "?back=paid")
    assert "Your payment by Visa is being confirmed" in html
    assert 'form id="form" novalidate hidden' in html
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        factories.settle(session, payment_id)
    html = await open_bill.page(lonely, "?back=paid")
    assert "being confirmed" not in html
    assert "Nothing is left to pay. Thank you!" in html


@pytest.mark.parametrize(
    ("back", "told"),
    [
        ("?back=paid", "The payment did not go through"),
        ("?back=failed", "The payment did not go through"),
        ("?back=cancelled", "You left the payment page before it was finished"),
        ("", None),
        ("?back=<b>", None),
    ],
)
async def test_a_payment_that_failed_meanwhile_is_told_to_who_comes_back(
    api: httpx.AsyncClient, engine: Engine, open_bill: Bill, back: str, told: str | None
) -> None:
    payment_id = await open_bill.opened(api, None, method=VISA)
    decide(engine, open_bill.attempt(payment_id).id, "Cancelled")
    await open_bill.look(api)
    await open_bill.becomes(api, payment_id, "FAILED")
    html = await open_bill.page(api, back)
    assert re.findall(r"<h2>(The payment did not.*|You left.*)</h2>", html) == ([told] if told else [])
    assert re.search(r'<form id="form" novalidate>', html)
    assert "<b>" not in html


# A gateway that has the browser post a form (Ozow).


@pytest.mark.parametrize("back", ["paid", "cancelled", "failed"])
async def test_who_is_sent_back_by_a_form_is_led_to_the_page(lonely: httpx.AsyncClient, open_bill: Bill, back: str) -> None:
    form = {"SiteCode": "TSTSTE0001", "Status": "Complete", "HashCheck": "0" * 128}
    answer = await lonely.post(f"{open_bill.link}?back={back}", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{open_bill.link}?back={back}"


@pytest.mark.parametrize(
    "query", ["", "?back=elsewhere", "?back=//evil.example", "?back=paid%0d%0aX: 1", "?next=//evil.example"]
)
async def test_nothing_but_the_three_words_is_carried_along(lonely: httpx.AsyncClient, open_bill: Bill, query: str) -> None:
    answer = await lonely.post(f"{open_bill.link}{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, open_bill.link)
