"""The PayFast simulator's API: signed calls, the history, queries and refunds."""

import csv
import io
from collections.abc import Iterator

import pytest

from tests.dev.payfast_shop import Shop, simulated, visiting


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with simulated() as url:
        yield url


@pytest.fixture
def shop(simulator: str) -> Iterator[Shop]:
    with visiting(simulator) as shop:
        yield shop


def paid(shop: Shop, **changes: str) -> str:
    """`pf_payment_id` of a new payment."""
    shop.press(shop.page(**changes))
    return str(shop.shown()["pf_payment_id"])


def listed(shop: Shop, path: str = "", **query: str) -> list[dict[str, str]]:
    """The rows of this shop's order."""
    answer = shop.api("GET", f"/transactions/history{path}", query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return [row for row in csv.DictReader(io.StringIO(answer.text, newline="")) if row["M Payment ID"] == shop.reference]


def test_a_signed_call_is_answered(shop: Shop) -> None:
    answer = shop.api("GET", "/ping")
    assert (answer.status_code, answer.json()["status"]) == (200, "success")


def test_testing_is_not_part_of_what_is_signed(shop: Shop) -> None:
    signed = shop.api("GET", "/ping").request
    assert shop.http.get("/ping", params={"testing": "true"}, headers=signed.headers).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [{"signature": "0" * 32}, {"merchant-id": "1"}, {"version": "v2"}, {"timestamp": "yesterday"}, {"signature": ""}],
)
@pytest.mark.parametrize("path", ["/ping", "/transactions/history", "/refunds/query/1", "/process/query/1"])
def test_a_call_that_is_not_signed_by_the_merchant_is_refused(shop: Shop, path: str, wrong: dict[str, str]) -> None:
    headers = dict(shop.api("GET", path).request.headers) | wrong
    answer = shop.http.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {
        "code": 401,
        "status": "failed",
        "data": {"response": "Merchant authorization failed.", "message": False},
    }


def test_the_history_lists_what_was_paid_with_thousands_set_off(shop: Shop) -> None:
    shop.page()
    number = paid(shop, amount="2800.00", item_name='Fees, "July"')
    [row] = listed(shop)
    assert (row["Type"], row["Sign"], row["Currency"], row["Funding Type"]) == ("FUNDS_RECEIVED", "CREDIT", "ZAR", "CC")
    assert (row["Gross"], row["Fee"], row["Net"], row["PF Payment ID"]) == ("2,800.00", "-83.40", "2,716.60", number)
    assert (row["Name"], row["custom str1"], row["custom int1"]) == ('Fees, "July"', "a b&c=d", "7")


def test_the_history_of_a_day_a_week_or_a_month_holds_the_payment(shop: Shop) -> None:
    paid(shop)
    day = listed(shop)[0]["Date"][:10]
    for path, date in [("/daily", day), ("/weekly", day), ("/monthly", day[:7])]:
        assert len(listed(shop, path, date=date)) == 1
    assert len(listed(shop, **{"from": day, "to": day})) == 1
    for path, date in [("/daily", "2020-08-07"), ("/weekly", "2020-08-07"), ("/monthly", "2020-08")]:
        assert listed(shop, path, date=date) == []
    assert listed(shop, **{"from": "2020-08-01", "to": "2020-08-07"}) == []


def test_the_history_is_given_in_pages(shop: Shop) -> None:
    numbers = {paid(shop) for _ in range(3)}
    seen = {row["PF Payment ID"] for page in range(50) for row in listed(shop, offset=str(2 * page), limit="2")}
    assert seen == numbers


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", {"from": "test"}),
        ("", {"offset": "A"}),
        ("/daily", {}),
        ("/daily", {"date": "test"}),
        ("/monthly", {"date": "2020-08-01"}),
        ("/monthly", {"date": "9999-12"}),
        ("/weekly", {"date": "9999-12-31"}),
        ("/yearly", {"date": "2020"}),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(shop: Shop, path: str, query: dict[str, str]) -> None:
    assert shop.api("GET", f"/transactions/history{path}", query).status_code == 400


@pytest.mark.parametrize(("kind", "status"), [("unauthorised", 401), ("rate_limited", 429), ("http_500", 500)])
def test_the_history_can_be_refused(shop: Shop, kind: str, status: int) -> None:
    shop.control("POST", "faults", operation="history", kind=kind)
    assert shop.api("GET", "/transactions/history").status_code == status


def test_the_history_can_lag_behind(shop: Shop) -> None:
    paid(shop)
    shop.control("POST", "faults", operation="history", kind="empty")
    assert listed(shop) == []
    assert len(listed(shop)) == 1


def test_a_payment_can_be_asked_for_by_payfasts_own_id(shop: Shop) -> None:
    number = paid(shop)
    told = shop.api("GET", f"/process/query/{number}").json()["data"]["response"]
    assert (told["m_payment_id"], told["payment_status"]) == (shop.reference, "COMPLETE")
    assert shop.api("GET", "/process/query/test").status_code == 404


def test_a_refund_is_in_cents_and_never_more_than_was_paid(shop: Shop) -> None:
    number = paid(shop)
    told = shop.api("GET", f"/refunds/query/{number}").json()["data"]["response"]
    assert (told["status"], told["amount_available_for_refund"]) == ("REFUNDABLE", 14950)
    path = f"/refunds/{number}"
    assert shop.api("POST", path, body={"amount": 5000, "reason": "Returned", "notify_buyer": 0}).status_code == 200
    for order in ({"amount": 9951, "reason": "x"}, {"amount": 0, "reason": "x"}, {"reason": "x"}, {"amount": 1}):
        assert shop.api("POST", path, body=order).status_code == 400
    assert shop.api("POST", path, body={"amount": 9950, "reason": "Returned"}).status_code == 200
    for asked in (f"/refunds/query/{number}", path):
        told = shop.api("GET", asked).json()["data"]["response"]
        assert (told["status"], told["refund_full"]["method"]) == ("COMPLETED", "NOT_AVAILABLE")
    assert [row["Gross"] for row in listed(shop)] == ["149.50", "-50.00", "-99.50"]


def test_what_was_not_paid_or_is_not_there_cannot_be_refunded(shop: Shop) -> None:
    shop.page()
    number = shop.shown()["pf_payment_id"]
    told = shop.api("GET", f"/refunds/query/{number}").json()["data"]["response"]
    assert told["status"] == "NOT_AVAILABLE"
    assert shop.api("POST", f"/refunds/{number}", body={"amount": 500, "reason": "x"}).status_code == 400
    assert shop.api("POST", "/refunds/abc", body={"amount": 500, "reason": "x"}).status_code == 404


def test_booleans_and_nulls_of_a_body_are_signed_as_php_writes_them(shop: Shop) -> None:
    order = {"amount": 500, "reason": "x", "notify_buyer": True, "notify_merchant": False, "bank_name": None}
    assert shop.api("POST", f"/refunds/{paid(shop)}", body=order).status_code == 200


@pytest.mark.parametrize("amount", [1.5, 500.0, "5.00", "\u0665", True, -1, [500]])
def test_a_refund_is_a_whole_number_of_cents(shop: Shop, amount: object) -> None:
    number = paid(shop)
    assert shop.api("POST", f"/refunds/{number}", body={"amount": amount, "reason": "x"}).status_code == 400
    assert shop.shown()["refunds"] == []
