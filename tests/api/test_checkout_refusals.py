"""What a checkout is refused for: each time the field is named, and nothing is started."""

from collections.abc import Mapping

import httpx
import pytest
from sqlalchemy import text

from api.pay.phones import mobile_number
from domain.errors import InvalidInputError
from domain.payment_link import LinkType
from persistence import payments
from persistence.database import Database
from tests import factories
from tests.api.paying import ECOCASH, PATIENT, Bill, bill, hand_out
from tests.api.serving import is_problem, refused_field
from tests.factories import NOW, usd, zar


@pytest.fixture
def open_bill(database: Database) -> Bill:
    return bill(database)


def started(on: Bill) -> int:
    with on.database.tenant(on.tenant.id) as session:
        return len(payments.page(session, after=None, limit=10))


@pytest.mark.parametrize(
    "written",
    [
        "0771234567",
        "077 123 4567",
        "077-123-4567",
        "+263 77 123 4567",
        "+263771234567",
        "263771234567",
        "771234567",
        "00263771234567",
    ],
)
def test_a_mobile_number_is_taken_however_people_write_it(written: str) -> None:
    assert mobile_number(written) == "0771234567"


@pytest.mark.parametrize("number", ["0712345678", "0731234567", "0781234567", "0771111111"])
def test_all_networks_and_the_documented_test_numbers_are_mobile(number: str) -> None:
    assert mobile_number(number) == number


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "   ",
        "0242 700000",  # a landline in Harare
        "+263 242 700 000",
        "+27 82 123 4567",  # South Africa
        "+44 7911 123456",
        "077123456",
        "07712345678",
        "my number",
        "0771234567; DROP TABLE payments",
        "\x00",
        "0777777777777777777777777777",
    ],
)
async def test_what_is_no_mobile_number_here_is_refused_by_name(
    lonely: httpx.AsyncClient, open_bill: Bill, written: str | None
) -> None:
    assert refused_field(await open_bill.check_out(lonely, written)) == "phone"
    assert started(open_bill) == 0


def test_the_refusal_of_a_number_shows_a_good_one() -> None:
    with pytest.raises(InvalidInputError, match="such as 0771234567"):
        mobile_number("+27 82 123 4567")


async def test_a_number_longer_than_any_is_refused_by_name(lonely: httpx.AsyncClient, open_bill: Bill) -> None:
    assert refused_field(await open_bill.check_out(lonely, "0" * 31)) == "phone"


@pytest.mark.parametrize("method", ["BANK_TRANSFER", "CASH", "CREDIT"])
async def test_what_staff_record_cannot_be_paid_online(lonely: httpx.AsyncClient, open_bill: Bill, method: str) -> None:
    refused = await open_bill.check_out(lonely, None, method=method)
    assert refused_field(refused) == "method"
    assert "recorded by staff" in refused.json()["detail"]
    assert started(open_bill) == 0


async def test_a_currency_that_the_business_has_no_account_for_is_refused(
    lonely: httpx.AsyncClient, database: Database
) -> None:
    tenant = factories.make_tenant(database, currency="ZAR", time_zone="Africa/Johannesburg")
    in_rand = bill(database, tenant=tenant, amount=zar("100"), takes="USD")
    refused = await in_rand.check_out(lonely)
    assert refused_field(refused) == "method"
    assert "does not take ZAR by EcoCash" in refused.json()["detail"]
    assert started(in_rand) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "method"),
        ({"method": "PAYPAL"}, "method"),
        ({"method": "EcoCash"}, "method"),
        ({"method": ECOCASH, "phone": 771234567}, "phone"),
        ({"method": ECOCASH, "phone": PATIENT, "amount": 1}, "amount"),
        ({"method": ECOCASH, "phone": PATIENT, "currency": "ZWG"}, "currency"),
        ({"method": ECOCASH, "phone": PATIENT, "invoice_id": "inv_other"}, "invoice_id"),
    ],
)
async def test_a_payer_sets_method_and_phone_and_nothing_else(
    lonely: httpx.AsyncClient, open_bill: Bill, body: Mapping[str, object], field: str
) -> None:
    """Least of all the amount, which is ours."""
    assert refused_field(await lonely.post(f"{open_bill.link}/checkout", json=body)) == field
    assert started(open_bill) == 0


async def test_a_field_whose_name_is_no_text_is_refused_and_not_an_error_of_ours(
    lonely: httpx.AsyncClient, open_bill: Bill
) -> None:
    content = b'{"method": "PAYNOW_VISA", "\\ud800": 1}'
    refused = await lonely.post(f"{open_bill.link}/checkout", content=content, headers={"Content-Type": "application/json"})
    is_problem(refused, 422)


async def test_a_paid_invoice_is_not_paid_again(lonely: httpx.AsyncClient, open_bill: Bill) -> None:
    payment = factories.start_payment(open_bill.database, open_bill.tenant, open_bill.invoice, amount=usd("25"))
    factories.settle_payment(open_bill.database, open_bill.tenant, payment)
    refused = is_problem(await open_bill.check_out(lonely), 409)
    assert refused["detail"] == f"Invoice {open_bill.invoice.number} is paid: there is nothing to pay on it."
    assert started(open_bill) == 1


@pytest.mark.parametrize(
    ("status", "told"),
    [("EXPIRED", "has expired: ask the business"), ("CANCELLED", "was cancelled"), ("PAID", "there is nothing left to pay")],
)
async def test_a_closed_link_is_not_paid_and_says_why(
    lonely: httpx.AsyncClient, open_bill: Bill, status: str, told: str
) -> None:
    handed = hand_out(open_bill.database, open_bill.tenant, open_bill.invoice.customer_id, LinkType.OUTSTANDING)
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        session.execute(
            text("UPDATE payment_links SET status = :status, closed_at = now() WHERE code = :code"),
            {"status": status, "code": handed.token},
        )
    assert told in is_problem(await handed.check_out(lonely), 409)["detail"]
    assert started(open_bill) == 0


async def test_a_link_whose_time_is_over_is_marked_when_somebody_tries_to_pay_by_it(
    lonely: httpx.AsyncClient, open_bill: Bill
) -> None:
    """The refusal undoes nothing of that."""
    customer_id = open_bill.invoice.customer_id
    old = NOW.replace(year=2020)
    handed = hand_out(open_bill.database, open_bill.tenant, customer_id, LinkType.OUTSTANDING, made_at=old)
    assert "has expired" in is_problem(await handed.check_out(lonely), 409)["detail"]
    with open_bill.database.tenant(open_bill.tenant.id) as session:
        status = session.scalar(text("SELECT status FROM payment_links WHERE code = :code"), {"code": handed.token})
    assert status == "EXPIRED"


async def test_a_balance_of_nothing_is_not_paid(lonely: httpx.AsyncClient, open_bill: Bill) -> None:
    somebody = factories.make_customer(open_bill.database, open_bill.tenant)
    handed = hand_out(open_bill.database, open_bill.tenant, somebody.id, LinkType.OUTSTANDING)
    refused = is_problem(await handed.check_out(lonely), 409)
    assert refused["detail"] == "Nothing is owed just now: there is nothing to pay by this link."


@pytest.mark.parametrize("token", ["nobody-has-this", "x" * 300, "%00", "..%2f..", "' OR 1=1 --", "%F0%9F%92%B8"])
async def test_a_link_that_opens_nothing_is_not_found(lonely: httpx.AsyncClient, token: str) -> None:
    is_problem(await lonely.get(f"/pay/{token}/status"), 404)
    is_problem(await lonely.post(f"/pay/{token}/checkout", json={"method": ECOCASH, "phone": PATIENT}), 404)


async def test_the_token_of_one_link_is_not_repeated_to_who_guesses(lonely: httpx.AsyncClient) -> None:
    assert "guessed" not in (await lonely.get("/pay/guessed-token/status")).text
