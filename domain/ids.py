"""What our ids look like: a typed prefix and a time-ordered suffix (`inv_01j…`), so that one look says what a thing is.

Ids are made in `persistence/columns.py` with the TypeID library and handed in; rules never make one.
"""

from enum import StrEnum


class Prefix(StrEnum):
    """One prefix a kind of thing."""

    TENANT = "ten"
    STAFF_TOKEN = "tok"  # noqa: S105 - a prefix, not a secret
    GATEWAY_ACCOUNT = "gwa"
    CUSTOMER = "cus"
    PLAN = "pln"
    SUBSCRIPTION = "sub"
    CHARGE = "chg"
    BILLING_RUN = "run"
    INVOICE = "inv"
    INVOICE_LINE = "lin"
    PAYMENT = "pay"
    GATEWAY_TRANSACTION = "gtx"
    ALLOCATION = "alc"
    LEDGER_ENTRY = "led"
    LEDGER_POSTING = "pst"
    HOLD = "hld"
    WEBHOOK = "whk"
    MESSAGE = "msg"
    AUDIT = "aud"
    REVIEW = "rev"
    PAYMENT_LINK = "lnk"
    GATEWAY_OUTAGE = "out"
    DUNNING_POLICY = "dpo"
    STAFF_MOVE = "mov"
    CHASING_BLOCK = "blk"
    CREDIT_NOTE = "crn"
    BILLING_SCHEDULE = "bsc"
