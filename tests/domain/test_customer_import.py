"""What the import files may say, and what they are told when they may not."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.csv_table import LARGEST_FILE_ROWS, RowProblem
from domain.customer_import import ImportFile, SubscriptionTerms, Upload, read_upload
from domain.errors import InvalidInputError
from domain.money import Money

PLANS = "code,name,price,currency,interval_months,tax_percent,prorated"
CUSTOMERS = "reference,name,email,phone,plan,quantity,starts_on,ends_on"
CHARGES = "customer_reference,description,quantity,unit_price,currency,tax_percent,charge_on"


def an_address(text: str) -> str:
    if "@" not in text:
        raise InvalidInputError("email", f"{text!r} is not an e-mail address.")
    return text.lower()


def a_phone(text: str) -> str:
    return text.replace(" ", "")


def read(file: ImportFile, *lines: str) -> Upload:
    return read_upload({file: "\n".join(lines).encode()}, email=an_address, phone=a_phone)


def problems_of(file: ImportFile, *lines: str) -> list[tuple[int, str]]:
    return [(problem.row, problem.column) for problem in read(file, *lines).problems]


def only_problem(file: ImportFile, *lines: str) -> RowProblem:
    (problem,) = read(file, *lines).problems
    return problem


def plan_problem(
    price: str = "15.00", currency: str = "USD", months: str = "1", tax: str = "15.5", prorated: str = "yes"
) -> str:
    return str(only_problem(ImportFile.PLANS, PLANS, f'POS,POS Terminal,"{price}",{currency},{months},"{tax}",{prorated}'))


def customer_problem(plan: str = "POS", quantity: str = "1", starts_on: str = "2026-01-01", ends_on: str = "") -> str:
    row = f"C1,Moyo Hardware,,,{plan},{quantity},{starts_on},{ends_on}"
    return str(only_problem(ImportFile.CUSTOMERS, CUSTOMERS, row))


def test_a_plan_is_read_in_minor_units_and_basis_points() -> None:
    (plan,) = read(ImportFile.PLANS, PLANS, "POS,POS Terminal,15,usd,3,15.5,Yes").plans
    assert plan.price == Money(1500, "USD")
    assert (plan.interval_months, plan.tax_basis_points, plan.prorated) == (3, 1550, True)


def test_rows_of_one_reference_are_subscriptions_of_one_customer() -> None:
    upload = read(
        ImportFile.CUSTOMERS,
        CUSTOMERS,
        "C1,Moyo Hardware,Accounts@Moyo.example,077 123 4567,POS,3,2026-01-01,2026-12-31",
        "C1,Moyo Hardware,accounts@moyo.example,0771234567,SUPPORT,1,2026-02-01,",
    )
    assert not upload.problems
    first, second = upload.customers
    assert (first.email, first.phone) == ("accounts@moyo.example", "0771234567")
    assert first.subscription == SubscriptionTerms("POS", 3, date(2026, 1, 1), date(2026, 12, 31))
    assert second.subscription == SubscriptionTerms("SUPPORT", 1, date(2026, 2, 1), None)


def test_a_row_without_a_plan_is_a_customer_without_a_subscription() -> None:
    (line,) = read(ImportFile.CUSTOMERS, CUSTOMERS, "C1,Moyo Hardware,,,,,,").customers
    assert line.subscription is None
    assert line.email is None


def test_a_charge_is_read() -> None:
    (charge,) = read(ImportFile.CHARGES, CHARGES, 'C1,"Rolls, box of 50",4,22.50,USD,0,2026-11-02').charges
    assert (charge.description, charge.quantity, charge.unit_price) == ("Rolls, box of 50", 4, Money(2250, "USD"))


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param("\ufeff{header}\r\n{row}\r\n", id="byte-order mark and CRLF"),
        pytest.param("\n\n{header}\n\n{row}\n,,,,,,\n", id="blank lines"),
        pytest.param("{header}\r{row}\r", id="old Macintosh line ends"),
        pytest.param("{header}\n{row}", id="no line end"),
    ],
)
def test_files_are_taken_as_spreadsheets_write_them(layout: str) -> None:
    header = "CODE, Name ,Price,Currency,Interval months,tax_percent,prorated"
    content = layout.format(header=header, row="POS,Till,15,USD,1,0,no").encode()
    upload = read_upload({ImportFile.PLANS: content}, email=an_address, phone=a_phone)
    assert not upload.problems
    assert [plan.code for plan in upload.plans] == ["POS"]


def test_columns_may_stand_in_any_order() -> None:
    (plan,) = read(ImportFile.PLANS, ",".join(reversed(PLANS.split(","))), "no,0,1,USD,15.00,Till,POS").plans
    assert (plan.code, plan.price, plan.prorated) == ("POS", Money(1500, "USD"), False)


def test_semicolons_separate_where_the_decimal_comma_rules() -> None:
    (plan,) = read(ImportFile.PLANS, PLANS.replace(",", ";"), "POS;Till, with printer;15.00;ZAR;1;0;no").plans
    assert plan.name == "Till, with printer"


def test_blank_cells_left_out_at_the_end_of_a_row_are_blank() -> None:
    (line,) = read(ImportFile.CUSTOMERS, CUSTOMERS, "C1,Moyo Hardware,,,POS,1,2026-01-01").customers
    assert line.subscription == SubscriptionTerms("POS", 1, date(2026, 1, 1), None)


def test_unknown_missing_and_repeated_columns_are_named() -> None:
    upload = read(
        ImportFile.PLANS, "code,code,name,prise,currency,interval_months,tax_percent,colour", "POS,POS,Till,1,USD,1,0,red"
    )
    assert [problem.column for problem in upload.problems] == ["prise", "colour", "code", "price", "prorated"]
    assert "did you mean price?" in upload.problems[0].message
    assert {problem.row for problem in upload.problems} == {1}
    assert not upload.plans


def test_an_empty_file_is_told_its_columns() -> None:
    problem = only_problem(ImportFile.CHARGES, "")
    assert (problem.row, problem.column) == (1, "")
    assert "customer_reference, description, quantity" in problem.message


def test_a_file_that_is_not_utf_8_is_told_how_to_save_it() -> None:
    content = f"{PLANS}\nPOS,Cr\u00e8che,15,ZAR,1,0,no\n".encode("latin-1")
    (problem,) = read_upload({ImportFile.PLANS: content}, email=an_address, phone=a_phone).problems
    assert str(problem) == "plans.csv, row 2: this is not UTF-8 text; save the file as “CSV UTF-8” and try again."


def test_every_bad_cell_of_every_bad_row_is_listed() -> None:
    found = problems_of(
        ImportFile.PLANS,
        PLANS,
        'POS,Till,"12,50",USD,1,0,no',
        "PRO,Pro,15.00,USD,1,0,no",
        "",
        ",Support,10.00,XXX,2,101,perhaps",
    )
    assert found == [
        (2, "price"),
        *((5, column) for column in ("code", "currency", "interval_months", "tax_percent", "prorated")),
    ]


def test_a_row_number_is_the_line_on_which_the_row_starts() -> None:
    upload = read(ImportFile.PLANS, PLANS, 'POS,"Till\nwith printer",15,USD,1,0,no', "PRO,Pro,x,USD,1,0,no")
    assert [(problem.row, problem.column) for problem in upload.problems] == [(2, "name"), (4, "price")]
    assert "line break" in upload.problems[0].message


def test_a_quote_that_is_not_closed_ends_the_reading_but_not_the_list() -> None:
    upload = read(ImportFile.PLANS, PLANS, "POS,Till,x,USD,1,0,no", 'PRO,"Pro,15,USD,1,0,no', "SUP,Support,10,USD,1,0,no")
    assert [(problem.row, problem.column) for problem in upload.problems] == [(2, "price"), (3, "")]
    assert "double quote" in upload.problems[1].message


def test_more_cells_than_columns_are_refused() -> None:
    problem = only_problem(ImportFile.PLANS, PLANS, "POS,Till, with printer,15,USD,1,0,no")
    assert problem.message == "there are 8 cells under 7 columns; put a text that contains commas in quotes."


def test_more_than_a_hundred_thousand_rows_are_refused() -> None:
    rows = [f"C{number},Customer,,,,,," for number in range(LARGEST_FILE_ROWS + 1)]
    problem = only_problem(ImportFile.CUSTOMERS, CUSTOMERS, *rows)
    assert problem.row == LARGEST_FILE_ROWS + 2
    assert "split the file" in problem.message
    assert not read(ImportFile.CUSTOMERS, CUSTOMERS, *rows[:-1]).problems


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"price": "12,50"}, "price: '12,50' is not an amount such as 12.50."),
        ({"price": "-1"}, "price: '-1' is out of range; it must be zero or more."),
        ({"price": "1.005"}, "price: '1.005' is finer than the smallest unit of USD."),
        ({"price": "9999999999999999"}, "price: '9999999999999999' is out of range"),
        ({"currency": "R"}, "currency: 'R' is not a currency that Dunlin bills in; use one of"),
        ({"months": "2"}, "interval_months: '2' is not one of 1, 3, 6, 12."),
        ({"tax": "15,5"}, "tax_percent: '15,5' is not a percentage from 0 to 100 such as 15.5"),
        ({"tax": "100.01"}, "tax_percent: '100.01' is not a percentage from 0 to 100"),
        ({"prorated": "ja"}, "prorated: 'ja' is neither yes nor no"),
    ],
)
def test_a_bad_cell_of_a_plan_is_told_the_way_out(cells: dict[str, str], told: str) -> None:
    assert plan_problem(**cells).startswith(f"plans.csv, row 2: {told}")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"quantity": "0"}, "quantity: '0' is not a whole number from 1 to 1,000,000 such as 3."),
        ({"quantity": "1.5"}, "quantity: '1.5' is not a whole number"),
        ({"quantity": ""}, "quantity: '' is not a whole number"),
        ({"starts_on": "01/02/2026"}, "starts_on: '01/02/2026' is not a day such as 2026-11-21 (year-month-day)."),
        ({"starts_on": "2026-02-30"}, "starts_on: '2026-02-30' is not a day"),
        ({"ends_on": "2025-12-31"}, "ends_on: 2025-12-31 is before starts_on 2026-01-01"),
    ],
)
def test_a_bad_cell_of_a_subscription_is_told_the_way_out(cells: dict[str, str], told: str) -> None:
    assert customer_problem(**cells).startswith(f"customers.csv, row 2: {told}")


def test_a_subscription_may_end_on_its_first_day() -> None:
    assert not problems_of(ImportFile.CUSTOMERS, CUSTOMERS, "C1,Moyo,,,POS,1,2026-01-01,2026-01-01")


def test_a_charge_must_cost_something() -> None:
    problem = only_problem(ImportFile.CHARGES, CHARGES, "C1,Visit,1,0.00,USD,0,2026-11-02")
    assert str(problem) == "charges.csv, row 2: unit_price: '0.00' is out of range; it must be above zero."


def test_cells_of_a_subscription_without_a_plan_are_a_forgotten_plan() -> None:
    found = problems_of(ImportFile.CUSTOMERS, CUSTOMERS, "C1,Moyo,,,,1,2026-01-01,")
    assert found == [(2, "quantity"), (2, "starts_on")]


def test_addresses_and_phones_are_judged_by_the_rules_handed_in() -> None:
    problem = only_problem(ImportFile.CUSTOMERS, CUSTOMERS, "C1,Moyo,moyo,,,,,")
    assert (problem.column, problem.message) == ("email", "'moyo' is not an e-mail address.")


def test_texts_that_no_column_holds_are_refused() -> None:
    problem = only_problem(ImportFile.CUSTOMERS, CUSTOMERS, f"{'C' * 61},Moyo,,,,,,")
    assert problem.message == "this has 61 characters; shorten it to 60."


def test_rows_of_one_reference_must_agree_on_who_it_is() -> None:
    problem = only_problem(
        ImportFile.CUSTOMERS,
        CUSTOMERS,
        "C1,Moyo,a@moyo.example,,POS,1,2026-01-01,",
        "C1,Moyo,b@moyo.example,,SUPPORT,1,2026-01-01,",
    )
    assert (problem.row, problem.column) == (3, "email")
    assert "'a@moyo.example' in row 2" in problem.message


def test_one_subscription_twice_in_a_file_is_refused() -> None:
    row = "C1,Moyo,,,POS,1,2026-01-01,"
    problem = only_problem(ImportFile.CUSTOMERS, CUSTOMERS, row, row.replace("POS,1", "POS,2"))
    assert (problem.row, problem.column) == (3, "plan")
    assert "row 2 has the same plan from the same day on" in problem.message


def test_the_same_plan_from_another_day_on_is_another_subscription() -> None:
    row = "C1,Moyo,,,POS,1,2026-01-01,"
    assert not problems_of(ImportFile.CUSTOMERS, CUSTOMERS, row, row.replace("01-01", "02-01"))


def test_one_code_and_one_charge_stand_in_a_file_once() -> None:
    plan, charge = "POS,Till,15,USD,1,0,no", "C1,Visit,1,25.00,USD,0,2026-11-02"
    assert problems_of(ImportFile.PLANS, PLANS, plan, plan) == [(3, "code")]
    assert problems_of(ImportFile.CHARGES, CHARGES, charge, charge.replace("25.00", "25")) == [(3, "description")]


def test_problems_of_several_files_come_in_the_order_of_files_and_rows() -> None:
    files = {
        ImportFile.CHARGES: f"{CHARGES}\nC1,Visit,0,25.00,USD,0,2026-11-02".encode(),
        ImportFile.CUSTOMERS: f"{CUSTOMERS}\nC1,Moyo,,,,,,\nC1,Moyo,,,,,,\nC2,,,,,,,".encode(),
        ImportFile.PLANS: f"{PLANS}\nPOS,Till,x,USD,1,0,no".encode(),
    }
    found = read_upload(files, email=an_address, phone=a_phone).problems
    assert [(problem.file, problem.row) for problem in found] == [
        ("plans.csv", 2),
        ("customers.csv", 3),
        ("customers.csv", 4),
        ("charges.csv", 2),
    ]


@given(st.binary(max_size=300))
def test_no_file_whatever_it_holds_breaks_the_reader(content: bytes) -> None:
    for file in ImportFile:
        upload = read_upload({file: content}, email=an_address, phone=a_phone)
        assert upload.problems


@given(st.text(alphabet='CPOS1,";\n\r\x00 .-2026', max_size=120))
def test_a_body_gives_rows_or_problems_and_never_breaks_the_reader(body: str) -> None:
    upload = read(ImportFile.CUSTOMERS, CUSTOMERS, body)
    rows = {line.row for line in upload.customers} | {problem.row for problem in upload.problems}
    assert all(row >= 2 for row in rows)
    assert rows or not body.replace("\x00", "x").replace('"', "").strip(",; \r\n")
