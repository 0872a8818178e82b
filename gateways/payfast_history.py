"""PayFast's transaction history: a CSV of what moved money on the account, and how one payment stands in it.

PayFast documents neither the columns nor how soon a payment is listed. Public code quotes answers of the live API, with types
such as `FUNDS_RECEIVED` and `Funds Received (Reversal)` and amounts such as `"2,800.00"`. So names are read in any letter case,
and what cannot be read is an unknown outcome. Only money that moved is listed: a checkout that nobody paid is not.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from urllib.parse import urlencode

from typeid import TypeID
from typeid.errors import TypeIDException

from domain.errors import InvalidInputError
from domain.money import Money
from domain.payment import Outcome
from gateways.base import GatewayOutcomeUnknownError, PaymentState

Row = Mapping[str, str]

JOHANNESBURG = timezone(timedelta(hours=2))

RECEIVED = "FUNDS_RECEIVED"
NEEDED = ("type", "gross", "fee", "m payment id", "pf payment id")


def day_of(trace: str) -> date | None:
    """The day in South Africa on which an attempt was made, which its id tells; None when it is no id of ours."""
    try:
        made = TypeID.from_string(trace).created_at
    except TypeIDException:
        return None
    return made.astimezone(JOHANNESBURG).date() if made else None


def timestamp(now: datetime) -> str:
    """`now` as the API wants it: `2026-01-15T12:00:00+02:00`."""
    return now.astimezone(JOHANNESBURG).isoformat(timespec="seconds")


def read_rows(body: bytes) -> list[Row]:
    """The rows by column name, in lower case and with spaces; the CSV comes bare, or as `response` of a JSON object.

    Raises:
        GatewayOutcomeUnknownError: it is not the history, or a column that we need is not in it.
    """
    text = _csv_text(body)
    if not _is_storable(text):
        raise _unreadable("is unreadable: it has signs that no text has")
    if not text.strip():
        return []
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as unreadable:
        raise _unreadable("is no CSV") from unreadable
    header = [name.strip().lower().replace("_", " ") for name in lines[0]]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise _unreadable(f"has no column {missing[0]!r}")
    # A row may have fewer cells than the header: blank ones at its end are left out.
    return [dict.fromkeys(header, "") | dict(zip(header, cells, strict=False)) for cells in lines[1:] if cells]


def standing(rows: Sequence[Row], trace: str, currency: str) -> PaymentState:
    """How the attempt stands whose trace the merchant's reference or our mark in `custom_str1` is.

    Not listed is PENDING: nobody paid so far, and the payer may be on the page still. Money that was given back whole is
    REFUNDED, and payments beyond the first are `others`.
    """
    ours = [row for row in rows if trace in {row["m payment id"].strip(), row.get("custom str1", "").strip()}]
    if not ours:
        return PaymentState(Outcome.PENDING)
    received = {row["pf payment id"].strip(): row for row in ours if _is_received(row)}
    states = [_payment(row, _returned(ours, row, is_only=len(received) == 1), currency) for row in received.values()]
    if not states:
        return PaymentState(Outcome.UNKNOWN, gateway_status=ours[0]["type"].strip(), raw=urlencode(ours[0]))
    paid = [state for state in states if state.outcome is Outcome.PAID]
    if not paid:
        return states[0]
    return replace(paid[0], others=tuple(paid[1:]))


def _payment(row: Row, returned: int, currency: str) -> PaymentState:
    currency = row.get("currency", "").strip().upper() or currency
    gross = _money(row["gross"], currency)
    if gross is None:
        raise _unreadable(f"tells of payment {row['pf payment id']!r} with an amount that makes no sense")
    fee = _money(row["fee"], currency)
    return PaymentState(
        Outcome.REFUNDED if returned >= gross.minor else Outcome.PAID,
        reference=row["m payment id"].strip(),
        gateway_reference=row["pf payment id"].strip(),
        gateway_status=row["type"].strip(),
        amount=gross,
        fee=-fee if fee is not None else None,
        raw=urlencode(row),
    )


def _is_received(row: Row) -> bool:
    kind = row["type"].strip().upper().replace(" ", "_")
    return kind == RECEIVED and row.get("sign", "").strip().upper() != "DEBIT" and not row["gross"].strip().startswith("-")


def _returned(ours: Sequence[Row], payment: Row, *, is_only: bool) -> int:
    """Minor units that went back: under the payment's own id, or under any while the reference has one payment only."""
    back = 0
    for row in ours:
        if not row["gross"].strip().startswith("-"):
            continue
        if is_only or row["pf payment id"].strip() == payment["pf payment id"].strip():
            amount = _money(row["gross"], "ZAR")
            back -= amount.minor if amount is not None else 0
    return back


def _money(text: str, currency: str) -> Money | None:
    try:
        return Money.parse(text.replace(",", ""), currency)
    except InvalidInputError:
        return None


def _csv_text(body: bytes) -> str:
    """The CSV. A bare body that is empty is no answer; an object that says so with an empty text is one."""
    try:
        text = body.decode("utf-8-sig")
        if not text.lstrip().startswith("{"):
            if not text.strip():
                raise _unreadable("is empty")
            return text
        told = json.loads(text)
    except (ValueError, RecursionError) as unreadable:
        raise _unreadable("is neither CSV nor JSON") from unreadable
    inner = told.get("response", told.get("data"))
    inner = inner.get("response") if isinstance(inner, dict) else inner
    if not isinstance(inner, str):
        raise _unreadable("holds no CSV")
    return inner


def _is_storable(text: str) -> bool:
    """Whether a database takes `text`: no NUL, and no half of a character, which JSON can tell."""
    return not re.search(r"[\x00\ud800-\udfff]", text)


def _unreadable(why: str) -> GatewayOutcomeUnknownError:
    return GatewayOutcomeUnknownError("payfast", f"The transaction history {why}; look at PayFast's dashboard.")
