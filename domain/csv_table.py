"""A CSV file as rows under known columns, and the problems that keep it from being one.

Made for files as people's spreadsheets write them: a byte-order mark, CRLF, blank lines, columns in any order, headers in any
case, semicolons where the decimal comma rules. What the cells mean is said by the caller's rules.
"""

import csv
import difflib
import io
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import InvalidInputError

LARGEST_FILE_ROWS = 100_000

# Reads one cell; it sees the whole row too, because what an amount means depends on the currency beside it.
CellRule = Callable[[str, Mapping[str, str]], Any]

_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Something in a file that must be put right before anything of it is imported.

    Attributes:
        row: the line as an editor shows it; the header is 1.
        column: the column's name; empty when the problem is the whole row's or the file's.
        message: a sentence that says what is wrong and the way out.
        file: which file, such as `customers.csv`.
    """

    row: int
    column: str
    message: str
    file: str

    def __str__(self) -> str:
        column = f"{self.column}: " if self.column else ""
        return f"{self.file}, row {self.row}: {column}{self.message}"


@dataclass(frozen=True, slots=True)
class Record:
    """One row that obeys the rules: `values` by column, as the rules read them."""

    row: int
    values: Mapping[str, Any]


def read_records(file: str, content: bytes, rules: Mapping[str, CellRule]) -> tuple[list[Record], list[RowProblem]]:
    """The good rows of a file and every problem of the others.

    Args:
        file: its name, for the problems.
        content: as uploaded, UTF-8.
        rules: one a column; a rule returns the cell's value or raises `InvalidInputError`. Exactly these columns must be there.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        return [], [RowProblem(row, "", "this is not UTF-8 text; save the file as “CSV UTF-8” and try again.", file)]
    records: list[Record] = []
    problems: list[RowProblem] = []
    try:
        for row, outcome in _rows(_lines(text), rules):
            if isinstance(outcome, dict):
                records.append(Record(row, outcome))
            else:
                problems += [RowProblem(row, column, message, file) for column, message in outcome]
    except _UnreadableError as error:
        problems.append(RowProblem(error.row, "", str(error), file))
    return records, problems


# What is wrong with a row: the column (empty when it is the whole row) and the message.
_Faults = list[tuple[str, str]]


class _UnreadableError(Exception):
    """From this row on the file makes no sense; what came before it does."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not blank, cells trimmed, with the number of the line on which it starts."""
    first_line = text.lstrip().partition("\n")[0]
    delimiter = ";" if ";" in first_line and "," not in first_line else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        row = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            hint = "a quoted cell ends with a double quote, and one inside it is written twice."
            raise _UnreadableError(row, f"this row cannot be read ({error}); {hint}") from None
        if any(cells):
            yield row, cells


def _rows(
    lines: Iterator[tuple[int, list[str]]], rules: Mapping[str, CellRule]
) -> Iterator[tuple[int, dict[str, Any] | _Faults]]:
    """Each row below the header with its values, or with its faults; the header's own faults when it has any."""
    header_row, header = next(lines, (1, []))
    if not header:
        raise _UnreadableError(1, f"the file is empty; its first line must name the columns: {', '.join(rules)}.")
    faults = list(_header_faults(header, rules))
    if faults:
        yield header_row, faults
        return
    columns = [_plain(name) for name in header]
    for count, (row, cells) in enumerate(lines, start=1):
        if count > LARGEST_FILE_ROWS:
            raise _UnreadableError(row, f"there are more than {LARGEST_FILE_ROWS:,} rows; split the file and import its parts.")
        yield row, _values(columns, cells, rules)


def _header_faults(header: Sequence[str], rules: Mapping[str, CellRule]) -> Iterator[tuple[str, str]]:
    names = [_plain(name) for name in header]
    for written, name in zip(header, names, strict=True):
        if name not in rules:
            close = difflib.get_close_matches(name, rules, n=1)
            hint = f"did you mean {close[0]}?" if close else f"remove it; the columns are {', '.join(rules)}."
            yield written or "(no name)", f"there is no such column here; {hint}"
    for name in rules:
        if name not in names:
            yield name, "this column is missing; add it (its cells may be blank where they are optional)."
        elif names.count(name) > 1:
            yield name, "this column is there more than once; keep one."


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_")


def _values(columns: list[str], cells: list[str], rules: Mapping[str, CellRule]) -> dict[str, Any] | _Faults:
    if any(cells[len(columns) :]):
        return [("", f"there are {len(cells)} cells under {len(columns)} columns; put a text that contains commas in quotes.")]
    # Some spreadsheets leave out blank cells at the end of a row.
    texts = dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=False))
    values: dict[str, Any] = {}
    faults: _Faults = []
    for column, rule in rules.items():
        try:
            values[column] = rule(_printable(texts[column]), texts)
        except InvalidInputError as error:
            faults.append((column, error.message))
    return faults or values


def _printable(text: str) -> str:
    # Line breaks and other controls would reach mail headers and PDF lines; the database refuses NUL.
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        raise InvalidInputError("text", f"{text!r} contains a line break or another control character; remove it.")
    return text
