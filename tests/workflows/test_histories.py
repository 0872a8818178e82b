"""Today's code replays yesterday's workflows, and what search and history show is what was meant to be shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev import temporal
from tests.workflows import histories
from tests.workflows.bench import CUSTOMER_NAME, CUSTOMER_PHONE, PAYER_PHONES
from workflows import names

HOUSE = Path(__file__).parents[2]


def test_there_is_a_stored_history_for_every_path() -> None:
    found = {file.stem for file in histories.FOLDER.glob("*.json")}
    assert found == set(histories.PATHS), f"Store them with {histories.RENEW}=1 python -m pytest tests/workflows"


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_every_stored_history_replays_whatever_order_sets_have(hash_seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.workflows.replay"],
        cwd=HOUSE,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(histories.PATHS)} histories replayed, 0 failed" in done.stdout


def test_no_stored_history_holds_a_name_an_address_or_a_phone_number() -> None:
    personal = [CUSTOMER_NAME, CUSTOMER_PHONE, *PAYER_PHONES, ".example"]
    assert histories.holding(histories.stored(), personal) == []


def test_the_search_finds_what_a_history_holds() -> None:
    stored = histories.stored()
    assert histories.holding(stored, ["CVT-000001", "nowhere to be found"]) == ["CVT-000001"]


def test_the_dev_server_knows_the_search_attributes_that_the_workflows_set() -> None:
    ours = {attribute.name: attribute.indexed_value_type.name for attribute in names.SEARCH_ATTRIBUTES}
    theirs = {**dict.fromkeys(temporal.KEYWORDS, "KEYWORD"), **dict.fromkeys(temporal.DATETIMES, "DATETIME")}
    assert ours == theirs
