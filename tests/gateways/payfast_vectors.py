"""How PayFast's published and recomputed vectors are checked against our wire code."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from gateways.payfast_wire import Itn, api_signature, checkout_signature, itn_signature


def check_payfast(vector: Mapping[str, Any]) -> None:
    """The expected signature is made, and none of the wrong ones is made or believed."""
    pairs = [(name, value) for name, value in vector["inputs"]]
    passphrase = vector["passphrase"] or ""
    expected, wrong = vector["expected"], list(vector.get("wrong_answers", {}).values())
    direction = vector["direction"]
    if "ITN" in direction:
        made = itn_signature(pairs, passphrase)
        assert Itn(urlencode([*pairs, ("signature", expected)]).encode()).is_signed(passphrase)
        for answer in [*wrong, ""]:
            assert not Itn(urlencode([*pairs, ("signature", answer)]).encode()).is_signed(passphrase)
    elif "API" in direction:
        made = api_signature(dict(pairs), passphrase)
    else:
        made = checkout_signature(pairs, passphrase)
    assert made == expected
    assert made not in wrong
