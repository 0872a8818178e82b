"""The sentences of a timeline about what staff asked for and was not made: refused, or still on its way.

Refusals are written for who asks: they name the field that is wrong and ids to look up. A timeline's reader needs neither.
"""

import re

from domain.happenings import MoveAsked, Words
from domain.invoice import InvoiceState
from domain.standing import HoldReason
from domain.timeline_moves import days_in_words, hold_in_words, readable


def asked_sentence(what: MoveAsked, words: Words) -> str:
    """`Asked to pause chasing; refused: December 1, 2027 is further away than …`."""
    wish = _MOVES.get(what.kind, readable(what.kind).lower())
    if what.refusal is None:
        return f"Asked to {wish}; this is being carried out"
    return f"Asked to {wish}; refused: {_refusal(what.refusal, words)}"


_MOVES = {
    "VOID": "void the invoice",
    "WRITE_OFF": "write the invoice off",
    "EXTEND": "extend the due day",
    "PAUSE": "pause chasing",
    "RESUME": "resume chasing",
    "DISPUTE": "mark the invoice as disputed",
    "RESOLVE": "resolve the dispute",
    "REAPPLY_POLICY": "apply the dunning policy of today",
    "PLACE_HOLD": "place a hold",
    "LIFT_HOLD": "lift a hold",
    "BLOCK_CHASING": "block all chasing",
    "RESUME_CHASING": "resume all chasing",
}

_FIELD = re.compile(r"^[a-z][a-z_]*: ")
_ID = r"[a-z]{3}_[0-9a-zA-Z]+"
_BY_ID = re.compile(rf",? by {_ID}\b")
_NAMED_BY_ID = re.compile(rf"\b(?P<noun>[A-Za-z]+) {_ID}\b")
_HELD_FOR = re.compile(rf"\bheld for (?P<reason>{'|'.join(HoldReason)})\b")
_STATE = re.compile(rf"\bis (?P<state>{'|'.join(InvoiceState)})\b")


def _refusal(text: str, words: Words) -> str:
    """`until: 2027-12-01 is over` without its field; `Customer cus_… is held for MANUAL already` as `The customer is …`."""
    text = _BY_ID.sub("", _FIELD.sub("", text))
    text = _NAMED_BY_ID.sub(_noun, text)
    text = _HELD_FOR.sub(lambda found: f"held {hold_in_words(found['reason'])}", text)
    text = _STATE.sub(lambda found: f"is {readable(found['state']).lower()}", text)
    return days_in_words(text, words)


def _noun(found: re.Match[str]) -> str:
    noun = found["noun"]
    return f"The {noun.lower()}" if noun[0].isupper() else f"the {noun}"
