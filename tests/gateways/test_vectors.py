"""Every gateway computes what its documents and official clients print.

`GATEWAY_VECTORS` names another file of vectors in the same shape; one of a gateway that is not built is left out.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateways.paynow_wire import decode_pairs, hash_values, verify_pairs
from tests.gateways.ozow_vectors import check_ozow
from tests.gateways.payfast_vectors import check_payfast
from tests.gateways.yoco_vectors import check_yoco

Vector = Mapping[str, Any]


def load_vectors() -> list[Vector]:
    file = Path(os.environ.get("GATEWAY_VECTORS") or Path(__file__).parent / "data" / "vectors.json")
    vectors: list[Vector] = json.loads(file.read_text(encoding="utf-8"))["vectors"]
    return vectors


def check_paynow(vector: Vector) -> None:
    key, expected = vector["key"], vector["expected"]
    inputs = [(name, value) for name, value in vector["inputs"]]
    made = hash_values((value for _, value in inputs), key)
    assert made == expected.upper()
    assert verify_pairs([*inputs, ("Hash", expected.lower())], key)
    wrong = vector.get("wrong_answers", {})
    for answer in wrong.values() if isinstance(wrong, dict) else wrong:
        assert made != answer.upper()
        assert not verify_pairs([*inputs, ("hash", answer)], key)
    if "raw_message" in vector:
        pairs = decode_pairs(vector["raw_message"].encode())
        assert [pair for pair in pairs if pair[0].lower() != "hash"] == inputs
        assert verify_pairs(pairs, key)


VERIFIERS: dict[str, Callable[[Vector], None]] = {
    "ozow": check_ozow,
    "payfast": check_payfast,
    "paynow": check_paynow,
    "standard-webhooks": check_yoco,
    "yoco": check_yoco,
}
CHECKED = [vector for vector in load_vectors() if vector["gateway"] in VERIFIERS]


@pytest.mark.parametrize("vector", CHECKED, ids=lambda vector: vector["id"])
def test_a_published_vector_is_reproduced_and_its_wrong_answers_are_not(vector: Vector) -> None:
    VERIFIERS[vector["gateway"]](vector)


def test_every_gateway_that_is_built_has_a_vector() -> None:
    assert {vector["gateway"] for vector in CHECKED} == set(VERIFIERS)
