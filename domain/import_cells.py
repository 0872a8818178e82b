"""The rules for single cells of the import files: text, amounts, days, percentages, each refused with the way out."""

import re
from collections.abc import Mapping
from datetime import date

from domain.csv_table import CellRule
from domain.errors import InvalidInputError
from domain.money import BASIS_POINTS, LARGEST_AMOUNT_MINOR, MINOR_DIGITS, Money, minor_digits

_DAY_TEXT = re.compile(r"20\d{2}-\d{2}-\d{2}", re.ASCII)
_WHOLE_TEXT = re.compile(r"\d{1,12}", re.ASCII)
_PERCENT_TEXT = re.compile(r"(?P<whole>\d{1,3})(?:\.(?P<hundredths>\d{1,2}))?", re.ASCII)
_AMOUNT_TEXT = re.compile(r"-?\d{1,16}(?:\.\d+)?", re.ASCII)
_YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def text(longest: int) -> CellRule:
    """Some text of at most `longest` characters."""

    def rule(cell: str, _row: Mapping[str, str]) -> str:
        if not cell:
            raise InvalidInputError("text", "this is blank; fill it in.")
        if len(cell) > longest:
            raise InvalidInputError("text", f"this has {len(cell)} characters; shorten it to {longest}.")
        return cell

    return rule


def optional(inner: CellRule) -> CellRule:
    """None for a blank cell, else what `inner` reads."""
    return lambda cell, row: inner(cell, row) if cell else None


def unless_no_plan(inner: CellRule) -> CellRule:
    """For the cells of a subscription: they must be blank in a row without a plan."""

    def rule(cell: str, row: Mapping[str, str]) -> object:
        if row["plan"]:
            return inner(cell, row)
        if cell:
            raise InvalidInputError("plan", f"{cell!r} belongs to a plan, and this row names none; add the plan or clear this.")
        return None

    return rule


def whole(largest: int) -> CellRule:
    """A whole number from 1 to `largest`."""

    def rule(cell: str, _row: Mapping[str, str]) -> int:
        if not _WHOLE_TEXT.fullmatch(cell) or not 1 <= int(cell) <= largest:
            raise InvalidInputError("number", f"{cell!r} is not a whole number from 1 to {largest:,} such as 3.")
        return int(cell)

    return rule


def choice(allowed: tuple[int, ...]) -> CellRule:
    """One of a few whole numbers."""
    known = {str(number): number for number in allowed}

    def rule(cell: str, _row: Mapping[str, str]) -> int:
        if cell not in known:
            raise InvalidInputError("number", f"{cell!r} is not one of {', '.join(known)}.")
        return known[cell]

    return rule


def currency(cell: str, _row: Mapping[str, str]) -> str:
    """The code of a currency, in any case."""
    minor_digits(cell.upper())
    return cell.upper()


def money(*, zero: bool) -> CellRule:
    """An amount in the currency that the same row names: above zero, or also zero. None while that currency is not known."""

    def rule(cell: str, row: Mapping[str, str]) -> Money | None:
        if not _AMOUNT_TEXT.fullmatch(cell):
            raise InvalidInputError("amount", f"{cell!r} is not an amount such as 12.50.")
        code = row["currency"].upper()
        if code not in MINOR_DIGITS:
            return None  # the currency's own rule says so, and the row is refused
        amount = Money.parse(cell, code)
        if not (0 if zero else 1) <= amount.minor <= LARGEST_AMOUNT_MINOR:
            raise InvalidInputError(
                "amount", f"{cell!r} is out of range; it must be {'zero or more' if zero else 'above zero'}."
            )
        return amount

    return rule


def tax(cell: str, _row: Mapping[str, str]) -> int:
    """A percentage, in basis points: `15.5` is 1,550."""
    match = _PERCENT_TEXT.fullmatch(cell)
    points = int(match["whole"]) * 100 + int((match["hundredths"] or "0").ljust(2, "0")) if match else BASIS_POINTS + 1
    if points > BASIS_POINTS:
        raise InvalidInputError(
            "tax", f"{cell!r} is not a percentage from 0 to 100 such as 15.5; write it with a point and without the % sign."
        )
    return points


def day(cell: str, _row: Mapping[str, str]) -> date:
    """A day of this century, written year-month-day."""
    try:
        if _DAY_TEXT.fullmatch(cell):
            return date.fromisoformat(cell)
    except ValueError:
        pass  # such as the 30th of February: told like any other
    raise InvalidInputError("day", f"{cell!r} is not a day such as 2026-11-21 (year-month-day).")


def ends_on(cell: str, row: Mapping[str, str]) -> date:
    """The last day of a subscription, not before its first."""
    last = day(cell, row)
    try:
        first = day(row["starts_on"], row)
    except InvalidInputError:
        return last  # the other cell's own rule says so
    if last < first:
        raise InvalidInputError("day", f"{cell} is before starts_on {first}; a subscription ends on its first day or later.")
    return last


def yes_or_no(cell: str, _row: Mapping[str, str]) -> bool:
    """Whether."""
    try:
        return _YES_OR_NO[cell.lower()]
    except KeyError:
        raise InvalidInputError("flag", f"{cell!r} is neither yes nor no; write one of them.") from None
