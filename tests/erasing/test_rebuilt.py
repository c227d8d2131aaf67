"""The build after an erasure: like a full refresh, and published without the erased."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import duckdb
import pytest

from generator import vocabulary
from generator.report.churn import prepare
from generator.report.facts import read_facts
from generator.warehouse.file import read_warehouse
from generator.warehouse.sql import one_row
from generator.warehouse.verify import mart_hashes
from tests.conftest import run_dbt, run_elearn
from tests.private import query_private

WITH_USERS = (
    *("raw.users", "raw.events", "raw.user_changes"),
    *(f"main.{mart}" for mart in vocabulary.MARTS if mart != "training_splits"),
)
BOOKKEEPING = ("bookkeeping.users", "bookkeeping.outdated")
BUILD_AGAIN = ("build", "--no-generate")


def users_in(path: Path, tables: tuple[str, ...], users: tuple[int, ...]) -> dict[str, int]:
    with duckdb.connect(str(path), read_only=True) as con:
        counts = {
            table: con.execute(
                f"select count(*) from {table} where user_id in {(*users, -1)}"
            ).fetchall()[0][0]
            for table in tables
        }
    return {table: count for table, count in counts.items() if count}


AMOUNTS = [random.Random(1).randrange(10**8, 10**12) / 10**4 for _ in range(60)]
FIRST_PAYMENT = 10**12
PAYMENTS = """
    insert into raw.events by name
    select
        unnest($1) as amount,
        $2 + generate_subscripts($1, 1) - 1 as event_id,
        $3 as user_id,
        date '2025-01-10' + cast(generate_subscripts($1, 1) as integer) as event_date,
        event_date + time '12:00' as event_time,
        'payment_success' as event_type
"""
A_PAYER = """
    select max(user_id) from raw.users where signup_date < date '2025-01-01'
        and user_id not in (select user_id from raw.user_changes)
"""


def amounts_in(path: Path) -> int:
    """How many of the amounts stand in a file; some that do are compressed and cannot be seen."""
    content = path.read_bytes()
    return sum(struct.pack("<d", amount) in content for amount in AMOUNTS)


def test_the_next_build_equals_a_full_refresh_and_publishes_without_them(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    warehouse, published = folder / "warehouse.duckdb", folder / "published/elearn.duckdb"
    changed = "select min(user_id), max(user_id) from raw.user_changes"
    [users] = query_private(warehouse, changed)
    before = users_in(warehouse, WITH_USERS + BOOKKEEPING, users)
    assert {"raw.user_changes", "main.training_dataset", "bookkeeping.users"} <= {*before}
    readers = published.read_bytes()
    (folder / "ids").write_text("\n".join(map(str, users)))

    run_elearn(folder, dbt_variables, "erase", "--file", "ids")
    assert users_in(warehouse, WITH_USERS + BOOKKEEPING, users) == {}
    assert published.read_bytes() == readers
    refused = run_elearn(folder, dbt_variables, "publish", check=False)
    assert refused.returncode == 1
    assert "changed since the last build" in refused.stderr

    run_elearn(folder, dbt_variables, *BUILD_AGAIN)
    assert users_in(published, WITH_USERS, users) == {}
    assert "match" in run_elearn(folder, dbt_variables, "verify").stdout
    with read_warehouse(published) as con:
        prepare(con)
        assert read_facts(con, published).is_simulated
    hashes = mart_hashes(warehouse)
    done = run_dbt(warehouse, dbt_variables, "run", "--full-refresh")
    assert done.returncode == 0, done.stdout
    assert mart_hashes(warehouse) == hashes


def erase_payments(folder: Path, variables: dict[str, str], *steps: tuple[object, ...]) -> None:
    """Add payments of a user that stays, run commands, and erase the payments by their ids."""
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        [payer] = one_row(con, A_PAYER)
        con.execute(PAYMENTS, [AMOUNTS, FIRST_PAYMENT, payer])
    for step in steps:
        run_elearn(folder, variables, *step)
    assert amounts_in(folder / "warehouse.duckdb") > 10
    ids = [str(FIRST_PAYMENT + number) for number in range(len(AMOUNTS))]
    (folder / "event_ids").write_text("\n".join(ids))
    run_elearn(folder, variables, "erase", "--event-file", "event_ids")
    assert amounts_in(folder / "warehouse.duckdb") == 0


def test_no_byte_of_the_erased_events_stays(folder: Path, dbt_variables: dict[str, str]) -> None:
    erase_payments(folder, dbt_variables)


@pytest.mark.slow
def test_the_next_build_publishes_without_the_erased_events(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    published = folder / "published/elearn.duckdb"
    erase_payments(folder, dbt_variables, BUILD_AGAIN)
    assert amounts_in(published) > 10
    run_elearn(folder, dbt_variables, *BUILD_AGAIN)
    assert [amounts_in(path) for path in (folder / "warehouse.duckdb", published)] == [0, 0]
