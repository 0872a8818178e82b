"""`python -m manage import`: all rows or, while one is bad, none; the dry run tells the same and stores nothing."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from persistence.database import Database
from persistence.models import ChargeRow, CustomerRow, SubscriptionRow
from tests.commands.shell import Run, create

PLANS = "code,name,price,currency,interval_months,tax_percent,prorated\nPOS,Till,15.00,USD,1,15.5,no\n"
CUSTOMERS = """reference,name,email,phone,plan,quantity,starts_on,ends_on
C-1,Moyo Hardware,moyo@shop.example,0772345678,POS,2,2026-01-01,
C-2,Ncube Butchery,ncube@shop.example,,POS,1,2026-02-01,
"""
CHARGES = """customer_reference,description,quantity,unit_price,currency,tax_percent,charge_on
C-1,Scanner,1,65.00,USD,15.5,2026-11-03
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The three files as arguments."""
    contents = {"plans": PLANS, "customers": CUSTOMERS, "charges": CHARGES}
    for name, content in contents.items():
        (tmp_path / f"{name}.csv").write_text(content)
    return [f"--{name}={tmp_path / f'{name}.csv'}" for name in contents]


def counts(database: Database) -> list[int]:
    with database.system() as system:
        return [
            system.scalar(select(func.count()).select_from(table)) or 0 for table in (CustomerRow, SubscriptionRow, ChargeRow)
        ]


def test_a_dry_run_tells_what_would_be_imported_and_stores_nothing(run: Run, migrated: Database, files: list[str]) -> None:
    create(run)
    said = run("import", "--tenant=cvt", *files, "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert said.out == "Dry run, nothing stored: customers added 2, subscriptions added 2, plans added 1, charges added 1.\n"
    assert counts(migrated) == [0, 0, 0]


def test_an_import_stores_all_and_the_same_files_again_change_nothing(run: Run, migrated: Database, files: list[str]) -> None:
    create(run)
    assert run("import", "--tenant=cvt", *files).out.startswith("Imported: customers added 2,")
    assert counts(migrated) == [2, 2, 1]
    assert run("import", "--tenant=cvt", *files).code == 0
    assert counts(migrated) == [2, 2, 1]


def test_every_bad_row_is_listed_and_nothing_is_imported(
    run: Run, migrated: Database, files: list[str], tmp_path: Path
) -> None:
    create(run)
    (tmp_path / "customers.csv").write_text(CUSTOMERS + "C-3,Dube,no address,,NONE,0,2026-13-01,\n")
    said = run("import", "--tenant=cvt", *files)
    assert (said.code, said.out) == (1, "")
    lines = said.err.splitlines()
    assert [line.split(":")[1].strip() for line in lines[:-1]] == ["email", "quantity", "starts_on"]
    assert all(line.startswith("customers.csv, row 4: ") for line in lines[:-1])
    assert lines[-1] == "Mistakes: 3. Nothing was imported."
    assert counts(migrated) == [0, 0, 0]


def test_a_changed_name_is_told(run: Run, migrated: Database, files: list[str], tmp_path: Path) -> None:
    create(run)
    run("import", "--tenant=cvt", *files)
    (tmp_path / "customers.csv").write_text(CUSTOMERS.replace("Moyo Hardware", "Moyo Hardware & Paint"))
    said = run("import", "--tenant=cvt", *files)
    assert "name: Moyo Hardware becomes Moyo Hardware & Paint" in said.out
    assert "customers changed 1" in said.out


def test_an_import_without_a_file_or_for_nobody_is_refused_in_one_sentence(
    run: Run, migrated: Database, files: list[str]
) -> None:
    create(run)
    assert run("import", "--tenant=cvt").sentence == "import: name at least one file: --plans, --customers or --charges."
    assert "nobody" in run("import", "--tenant=nobody", *files).sentence
