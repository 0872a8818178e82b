"""Rows as CSV text that every spreadsheet opens right, and in which no text is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date

from domain.money import Money

# Excel takes a file without it for another encoding than UTF-8.
BYTE_ORDER_MARK = "\ufeff"

# What a spreadsheet takes for the beginning of a formula, whatever stands around it (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str | Money | date]]) -> str:
    """Columns' names, then the rows: amounts as plain decimals (`-12.50`), days as `2026-11-21`, texts as they are.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which shows it as text.
    """
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: str | Money | date) -> str:
    if isinstance(value, Money):
        return value.decimal()
    if isinstance(value, date):
        return value.isoformat()
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) else value
