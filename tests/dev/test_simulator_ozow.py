"""The Ozow simulator takes payment requests, shows its page and tells how payments stand, as Ozow is documented."""

from collections.abc import Iterator

import pytest

from dev.simulators.ozow import build_app
from dev.simulators.ozow_book import Config
from dev.simulators.ozow_wire import check_of
from tests.dev.ozow_shop import API_KEY, KEY, OTHER, SETTINGS, SITE, Shop, genuine, posted_back, visiting
from tests.gateways.serving import served
from tests.gateways.test_vectors import Vector, load_vectors


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with served(build_app(Config.load(SETTINGS))) as url:
        yield url


@pytest.fixture
def shop(simulator: str) -> Iterator[Shop]:
    with visiting(simulator) as shop:
        yield shop


@pytest.mark.parametrize("vector", [each for each in load_vectors() if each["gateway"] == "ozow"], ids=lambda each: each["id"])
def test_the_simulator_demands_the_published_hash(vector: Vector) -> None:
    assert check_of(dict(vector["inputs"]), vector["key"]) == vector["expected"]


def test_a_payment_request_is_answered_with_the_address_of_its_page(shop: Shop) -> None:
    made = shop.ask()
    assert made == {
        "paymentRequestId": made["paymentRequestId"],
        "url": str(shop.http.base_url.join(f"/{made['paymentRequestId']}/Secure")),
        "errorMessage": None,
    }
    assert shop.rows() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Amount": 25, "IsTest": False},
        {"Optional1": "a", "Optional5": "ü", "Customer": "Ann"},
        {"AllowVariableAmount": False},
        {"AllowVariableAmount": "true", "VariableAmountMax": "30.00"},
        {"CustomerCellphoneNumber": "0821234567", "GenerateShortUrl": True},
        {"CancelUrl": None, "ErrorUrl": None, "SuccessUrl": None},
    ],
)
def test_the_hash_is_over_what_was_sent_as_it_was_sent(shop: Shop, changes: dict[str, object]) -> None:
    assert shop.ask(**changes)["errorMessage"] is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"HashCheck": "0" * 128}, "HashCheck value has failed."),
        ({"HashCheck": ""}, "HashCheck is required."),
        ({"SiteCode": "NOBODY"}, "SiteCode is not known."),
        ({"SiteCode": OTHER["site_code"]}, "SiteCode is not the one of this ApiKey."),
        ({"TransactionReference": "x" * 51}, "TransactionReference has more than 50 characters."),
        ({"TransactionReference": ""}, "TransactionReference is required."),
        ({"BankReference": "Order #1"}, "BankReference may only hold"),
        ({"BankReference": "x" * 21}, "BankReference has more than 20 characters."),
        ({"SuccessUrl": "https://shop.example.com/" + "x" * 130}, "SuccessUrl has more than 150 characters."),
        ({"CurrencyCode": "USD"}, "CurrencyCode ZAR"),
        ({"Amount": "0.00"}, "Amount is not a valid amount."),
        ({"Amount": "25.005"}, "Amount is not a valid amount."),
        ({"Amount": "\u0662\u0665.\u0660\u0660"}, "Amount is not a valid amount."),
        ({"Amount": "10000000"}, "Amount is not a valid amount."),
        ({"IsTest": "no"}, "IsTest must be true or false."),
    ],
)
def test_a_refusal_comes_with_status_200_and_makes_nothing(shop: Shop, changes: dict[str, object], words: str) -> None:
    made = shop.ask(**changes)
    assert words in made["errorMessage"]
    assert (made["url"], made["paymentRequestId"]) == (None, None)
    assert shop.http.get(f"/_control/transactions/{shop.reference}").status_code == 404


def test_who_has_no_api_key_is_told_nothing(shop: Shop) -> None:
    query = {"siteCode": SITE, "transactionReference": shop.reference}
    assert shop.http.post("/PostPaymentRequest", json=shop.fields(), headers={"ApiKey": "x"}).status_code == 401
    for key in ("x", OTHER["api_key"]):
        for path in ("/GetTransactionByReference", "/GetTransaction"):
            assert shop.http.get(path, params=query, headers={"ApiKey": key}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_what_is_no_json_object_is_a_bad_request(shop: Shop, body: bytes) -> None:
    answer = shop.http.post("/PostPaymentRequest", content=body, headers={"ApiKey": API_KEY})
    assert (answer.status_code, list(answer.json())) == (400, ["errorMessage"])


def test_a_browsers_form_leads_to_the_same_page(shop: Shop) -> None:
    answer = shop.http.post("/", data={name: str(value) for name, value in shop.fields().items()})
    assert (answer.status_code, answer.headers["location"][-7:]) == (302, "/Secure")
    assert shop.reference in shop.http.get(answer.headers["location"]).text
    refused = shop.http.post("/", data={"SiteCode": SITE})
    assert (refused.status_code, "CountryCode is required." in refused.text) == (400, True)


def test_the_page_shows_what_is_paid_and_lets_the_payer_pick_a_bank(shop: Shop) -> None:
    made = shop.ask(TransactionReference="<b>Fees</b>")
    page = shop.http.get(made["url"]).text
    assert ("R 25.00" in page, "&lt;b&gt;Fees" in page, "<b>Fees" in page) == (True, True, False)
    assert ('value="Capitec"' in page, 'value="approve"' in page) == (True, False)
    assert 'value="approve"' in shop.press(made, decision="bank", bank="Capitec")


def test_paying_is_a_transaction_that_the_browser_carries_to_the_success_address(shop: Shop) -> None:
    made = shop.ask(Optional1="kept & echoed")
    shop.press(made, decision="bank", bank="FNB")
    [begun] = shop.rows()
    assert (begun["status"], begun["paymentDate"]) == ("Pending", None)
    url, fields = posted_back(shop.press(made, decision="approve"))
    assert url == "https://shop.example.com/paid?order=1&by=ozow"
    told = genuine(fields)
    assert (told["Status"], told["Optional1"], told["Amount"]) == ("Complete", "kept & echoed", "25.00")
    [paid] = shop.rows()
    assert (paid["status"], paid["transactionId"], paid["amount"]) == ("Complete", told["TransactionId"], 25)


@pytest.mark.parametrize("begun", [True, False])
def test_cancelling_leads_back_and_the_next_try_is_another_transaction(shop: Shop, begun: bool) -> None:
    made = shop.ask()
    if begun:
        shop.press(made, decision="bank", bank="Absa")
    url, fields = posted_back(shop.press(made, decision="cancel"))
    assert (url, genuine(fields)["Status"]) == ("https://shop.example.com/cancelled", "Cancelled")
    assert ("before selecting bank" in fields["StatusMessage"]) is not begun
    posted_back(shop.pay(made))
    assert [row["status"] for row in shop.rows()] == ["Complete", "Cancelled"]
    assert len({row["transactionId"] for row in shop.rows()}) == 2


@pytest.mark.parametrize(
    ("outcome", "way"),
    [
        ("Complete", "paid"),
        ("Cancelled", "cancelled"),
        ("Error", "failed"),
        ("Abandoned", "failed"),
        ("PendingInvestigation", "failed"),
    ],
)
def test_a_test_payment_ends_as_it_is_chosen(shop: Shop, outcome: str, way: str) -> None:
    made = shop.ask(IsTest="true")
    assert "Choose how it ends" in shop.http.get(made["url"]).text
    url, fields = posted_back(shop.press(made, decision=outcome))
    assert (url.partition("?")[0].rpartition("/")[2], genuine(fields)["IsTest"]) == (way, "true")
    assert [row["status"] for row in shop.rows(is_test=True)] == [outcome]
    assert shop.rows() == []


def test_a_real_payment_cannot_be_ended_by_choice(shop: Shop) -> None:
    made = shop.ask()
    shop.press(made, decision="Complete")
    shop.press(made, decision="approve")
    shop.press(made, decision="bank", bank="Bank of Nowhere")
    assert shop.rows() == []


def test_what_is_paid_cannot_be_changed_on_the_page(shop: Shop) -> None:
    made = shop.ask()
    shop.pay(made)
    assert posted_back(shop.press(made, decision="cancel"))[1]["Status"] == "Complete"
    assert posted_back(shop.http.get(made["url"]).text)[1]["Status"] == "Complete"
    assert len(shop.rows()) == 1


def test_an_address_that_is_no_web_address_is_not_followed(shop: Shop) -> None:
    page = shop.pay(shop.ask(SuccessUrl="javascript:alert(1)"))
    assert ("javascript:" in page, "You can close this page" in page) == (False, True)


def test_a_page_that_is_not_there_says_so(shop: Shop) -> None:
    assert shop.http.get("/nobody/Secure").status_code == 404
    assert shop.http.post("/nobody/Secure", data={"decision": "cancel"}).status_code == 404


def test_a_transaction_is_found_by_its_id_in_its_own_mode(shop: Shop) -> None:
    shop.press(shop.ask(IsTest="true"), decision="Complete")
    [row] = shop.rows(is_test=True)
    query = {"siteCode": SITE, "transactionId": row["transactionId"]}
    found = shop.http.get("/GetTransaction", params={**query, "isTest": "true"}, headers={"ApiKey": API_KEY})
    assert found.json() == row
    assert shop.http.get("/GetTransaction", params=query, headers={"ApiKey": API_KEY}).status_code == 404


def test_a_reference_may_repeat_and_ten_tries_are_listed_at_most(shop: Shop) -> None:
    first, second = shop.ask(), shop.ask()
    assert first["paymentRequestId"] != second["paymentRequestId"]
    for made in (first, second):
        shop.pay(made)
    assert [row["status"] for row in shop.rows()] == ["Complete", "Complete"]
    for _ in range(9):
        shop.move(shop.reference, "Error")
    assert len(shop.rows()) == 10


def test_the_key_is_on_no_page(shop: Shop) -> None:
    made = shop.ask()
    assert KEY not in shop.http.get(made["url"]).text + shop.pay(made)
