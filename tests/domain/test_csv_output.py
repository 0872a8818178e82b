"""Files for spreadsheets: they open right, and no text in them is taken for a formula."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.csv_output import BYTE_ORDER_MARK, csv_text
from domain.money import Money

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline="")))


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2)))
def test_every_text_comes_back_as_it_was_or_behind_an_apostrophe(rows: list[list[str]]) -> None:
    read = cells(csv_text(("one", "two"), rows))
    assert read[0] == ["one", "two"]
    for written, found in zip(rows, read[1:], strict=True):
        assert [cell.removeprefix("'") for cell in found] == [cell.removeprefix("'") for cell in written]
        assert not any(cell.lstrip(" ").startswith(STARTS_A_FORMULA) for cell in found)


@pytest.mark.parametrize("text", ["=1+1", "+27821234567", "-5", "@SUM(A1)", " =1", "\t=1", "|calc", "%0A=1"])
def test_a_text_that_looks_like_a_formula_is_shown_and_not_reckoned(text: str) -> None:
    assert cells(csv_text(("one",), [[text]]))[1] == [f"'{text}"]


def test_amounts_and_days_are_plain_also_below_zero() -> None:
    row: list[str | Money | date] = [Money(-123450, "USD"), Money(7, "JPY"), date(2026, 11, 21)]
    assert cells(csv_text(("a", "b", "c"), [row]))[1] == ["-1234.50", "7", "2026-11-21"]


def test_excel_is_told_that_it_is_utf_8_and_lines_end_as_it_expects() -> None:
    assert csv_text(("Crèche",), [["Thandeka, “Mai Tinashe”"]]) == '\ufeffCrèche\r\n"Thandeka, “Mai Tinashe”"\r\n'
