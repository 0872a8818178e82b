"""Money that gateways tell of and that is for no payment of ours: a person of the tenant that it came to learns of it.

The gateways cannot be asked here; `test_webhooks_unmatched.py` asks them.
"""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from sqlalchemy import select

from domain.money import Money
from persistence import attempts, payments, reviews
from persistence.database import Database
from persistence.models import GatewayTransactionRow, ReviewRow, WebhookRow
from persistence.reviews import Review
from tests import factories
from tests.api.deciding import REVIEWS
from tests.api.serving import caller, is_problem, running, settings, token_of
from tests.api.strangers import JSON, Letter, Merchant, new_key, yoco_letter
from tests.api.waiting import eventually
from tests.gateways import yoco_events

GATEWAYS = ["paynow", "yoco", "payfast", "ozow"]


@pytest.fixture(scope="module")
async def door(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The API with Temporal and the gateways down; PayFast's notifications may come from the tests."""
    async with running(settings(database_url, payfast_sources="127.0.0.1")) as app, caller(app) as client:
        yield client


def open_questions(database: Database, merchant: Merchant) -> list[Review]:
    with database.tenant(merchant.tenant.id) as session:
        return reviews.unresolved(session, after=None, limit=50)


def inbox(database: Database, key: str) -> list[WebhookRow]:
    """What was kept whose event key ends like this."""
    with database.system() as session:
        return list(session.scalars(select(WebhookRow).where(WebhookRow.event_key.contains(key))))


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_money_for_no_payment_of_ours_waits_for_a_person_of_the_tenant_whose_key_signed_it(
    door: httpx.AsyncClient, database: Database, gateway: str
) -> None:
    merchant, bystander = Merchant.at(database, gateway), Merchant.at(database, gateway)
    letter = merchant.writes(f"lost-{merchant.tenant.id}")
    for _ in range(2):
        assert (await letter.post(door)).status_code == 200
    (question,) = open_questions(database, merchant)
    assert (question.reason, question.payment_id, question.gateway) == ("UNMATCHED", None, gateway)
    # Yoco's signature is over all of the event; what the others sign is confirmed by a question alone.
    assert question.amount == (Money(2500, "ZAR") if gateway == "yoco" else None)
    assert question.gateway_reference == letter.reference
    assert letter.reference in question.explanation
    assert open_questions(database, bystander) == []


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_forgers_money_is_kept_as_unverified_and_nobody_is_bothered(
    door: httpx.AsyncClient, database: Database, gateway: str
) -> None:
    merchant = Merchant.at(database, gateway)
    forged = merchant.writes(f"forged-{merchant.tenant.id}", key=new_key(gateway))
    assert (await forged.post(door)).status_code == 200
    assert open_questions(database, merchant) == []
    with database.system() as session:
        kept = session.scalars(select(WebhookRow).where(WebhookRow.gateway == gateway).order_by(WebhookRow.id.desc())).first()
    assert kept is not None
    assert (kept.verified, kept.tenant_id, kept.payment_id) == (False, None, None)
    assert kept.event_key.startswith("unverified:")


@pytest.mark.parametrize(
    ("gateway", "status"), [("paynow", "Created"), ("yoco", "payment.failed"), ("payfast", "CANCELLED"), ("ozow", "Error")]
)
async def test_no_money_is_no_question(door: httpx.AsyncClient, database: Database, gateway: str, status: str) -> None:
    merchant = Merchant.at(database, gateway)
    assert (await merchant.writes(f"lost-{merchant.tenant.id}", status=status).post(door)).status_code == 200
    assert open_questions(database, merchant) == []


async def test_play_money_is_no_question(door: httpx.AsyncClient, database: Database) -> None:
    merchant = Merchant.at(database, "yoco")
    event = yoco_events.changed(yoco_events.PAYMENT, {"mode": "test"}, id=f"evt_{merchant.tenant.id}")
    assert (await yoco_letter(event, merchant.key).post(door)).status_code == 200
    assert open_questions(database, merchant) == []


async def test_two_updates_about_the_same_money_are_one_question(door: httpx.AsyncClient, database: Database) -> None:
    merchant = Merchant.at(database, "paynow")
    for status in ("Paid", "Awaiting Delivery", "Delivered"):
        await merchant.writes(f"lost-{merchant.tenant.id}", status=status).post(door)
    assert len(open_questions(database, merchant)) == 1


async def test_of_a_card_only_what_the_house_keeps_is_kept_of_an_update(door: httpx.AsyncClient, database: Database) -> None:
    merchant = Merchant.at(database, "yoco")
    letter = merchant.writes(merchant.tenant.id)
    assert b"expiryMonth" in letter.body
    await letter.post(door)
    (kept,) = inbox(database, f"evt_{merchant.tenant.id}")
    assert kept.verified
    assert b"expiryMonth" not in kept.body
    assert b"expiryYear" not in kept.body


async def test_a_reference_of_another_gateways_attempt_says_nothing(door: httpx.AsyncClient, database: Database) -> None:
    merchant = Merchant.at(database, "ozow")
    invoice = factories.issue_invoice(database, merchant.tenant)
    attempt = factories.make_attempt(database, merchant.tenant, factories.start_payment(database, merchant.tenant, invoice))
    assert attempt.gateway == "paynow"
    assert (await merchant.writes(attempt.id).post(door)).status_code == 200
    (question,) = open_questions(database, merchant)
    assert question.payment_id is None


@pytest.fixture
def awaited(database: Database) -> tuple[Merchant, str]:
    """A tenant whose payment waits at Yoco, by the checkout that Yoco gave it."""
    merchant = Merchant.at(database, "yoco")
    attempt_of(database, merchant, checkout_id=f"ch_{merchant.tenant.id}")
    return merchant, f"ch_{merchant.tenant.id}"


def attempt_of(database: Database, merchant: Merchant, **columns: str) -> str:
    """A payment whose attempt is stored only now; its id."""
    payment = factories.start_payment(database, merchant.tenant, factories.issue_invoice(database, merchant.tenant))
    with database.tenant(merchant.tenant.id) as session:
        account_id = session.connection().exec_driver_sql("SELECT id FROM gateway_accounts").scalar_one()
        stored = attempts.add(session, payment, account_id=account_id, gateway=merchant.gateway, number=1, now=factories.NOW)
        row = session.get_one(GatewayTransactionRow, stored.id)
        for name, value in columns.items():
            setattr(row, name, value)
    return payment.id


async def test_yocos_events_find_their_payment_by_the_checkout(
    door: httpx.AsyncClient, database: Database, awaited: tuple[Merchant, str]
) -> None:
    merchant, _ = awaited
    assert (await merchant.writes(merchant.tenant.id).post(door)).status_code == 200
    (kept,) = inbox(database, f"evt_{merchant.tenant.id}")
    assert kept.payment_id is not None
    assert open_questions(database, merchant) == []


def one_byte_changed(letter: Letter) -> Letter:
    return Letter("yoco", letter.body.replace(b"2500", b"2501"), letter.reference, letter.headers)


def written_again(letter: Letter) -> Letter:
    return Letter("yoco", letter.body.replace(b",", b", "), letter.reference, letter.headers)


def said_to_be_of_now(letter: Letter) -> Letter:
    at = str(int(letter.headers["Webhook-Timestamp"]) - 181)
    return Letter("yoco", letter.body, letter.reference, {**letter.headers, "Webhook-Timestamp": at})


@pytest.mark.parametrize("forge", [one_byte_changed, written_again, said_to_be_of_now])
async def test_what_the_library_did_not_sign_so_is_refused_and_not_kept(
    door: httpx.AsyncClient, database: Database, awaited: tuple[Merchant, str], forge: Callable[[Letter], Letter]
) -> None:
    merchant, _ = awaited
    is_problem(await forge(merchant.writes(merchant.tenant.id)).post(door), 401)
    assert inbox(database, merchant.tenant.id) == []
    assert (await merchant.writes(merchant.tenant.id).post(door)).status_code == 200
    assert len(inbox(database, merchant.tenant.id)) == 1


async def test_an_event_older_than_three_minutes_is_refused(
    door: httpx.AsyncClient, database: Database, awaited: tuple[Merchant, str]
) -> None:
    merchant, _ = awaited
    letter = merchant.writes(merchant.tenant.id)
    at = factories.NOW
    event_id = letter.headers["Webhook-Id"]
    headers = {
        **JSON,
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": yoco_events.signature(letter.body, merchant.key, at, event_id),
    }
    is_problem(await Letter("yoco", letter.body, letter.reference, headers).post(door), 401)
    assert inbox(database, merchant.tenant.id) == []


async def test_an_update_that_came_before_its_attempt_is_matched_when_it_comes_again(
    door: httpx.AsyncClient, database: Database
) -> None:
    """Our process died between the gateway's answer and our commit: the money must not wait for a person for ever."""
    merchant = Merchant.at(database, "yoco")
    letter = merchant.writes(merchant.tenant.id)
    await letter.post(door)
    (question,) = open_questions(database, merchant)
    payment_id = attempt_of(database, merchant, checkout_id=f"ch_{merchant.tenant.id}")

    assert (await letter.post(door)).status_code == 200

    (kept,) = inbox(database, f"evt_{merchant.tenant.id}")
    assert (kept.payment_id, kept.signalled_at) == (payment_id, None), "the sweeper tells the payment"
    assert open_questions(database, merchant) == []
    with database.tenant(merchant.tenant.id) as session:
        closed = session.get_one(ReviewRow, question.id)
    assert (closed.resolution, closed.resolved_by) == ("DISMISSED", "system")
    assert payment_id in (closed.resolution_note or "")


async def test_another_tenants_event_does_not_take_the_place_of_a_true_one(door: httpx.AsyncClient, database: Database) -> None:
    """A tenant signs an event under the id of one that is yet to come for another tenant's payment."""
    victim, attacker = Merchant.at(database, "yoco"), Merchant.at(database, "yoco")
    about = victim.tenant.id
    await attacker.writes(about).post(door)
    payment_id = attempt_of(database, victim, checkout_id=f"ch_{about}")
    true = victim.writes(about)
    assert (await true.post(door)).status_code == 200
    (kept,) = inbox(database, f"evt_{about}")
    assert (kept.payment_id, kept.tenant_id) == (payment_id, victim.tenant.id)


async def test_money_for_no_payment_can_be_matched_and_is_settled(
    door: httpx.AsyncClient, api: httpx.AsyncClient, database: Database
) -> None:
    merchant = Merchant.at(database, "ozow")
    invoice = factories.issue_invoice(database, merchant.tenant)
    await merchant.writes(f"lost-{merchant.tenant.id}").post(door)
    (question,) = open_questions(database, merchant)
    staff = token_of(database, merchant.tenant)
    other = factories.start_payment(database, merchant.tenant, invoice)
    found = {"payment_id": other.id, "amount": 2500}
    answer = await api.post(f"{REVIEWS}/{question.id}/match", headers=staff, json=found)
    assert answer.status_code == 202, answer.text
    booked = answer.json()["resolved_payment_id"]
    assert booked != other.id, "that one was to be paid by EcoCash, which is another account's money"

    async def settled() -> bool:
        with database.tenant(merchant.tenant.id) as session:
            return payments.get(session, booked).status == "SETTLED"

    await eventually(settled, "the money settled")
    with database.tenant(merchant.tenant.id) as session:
        assert payments.get(session, booked).method == "OZOW"
