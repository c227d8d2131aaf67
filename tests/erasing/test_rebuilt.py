"""The build after an erasure: like a full refresh, and published without the erased."""

from __future__ import annotations

from pathlib import Path

import duckdb

from generator import vocabulary
from generator.report.churn import prepare
from generator.report.facts import read_facts
from generator.warehouse.file import read_warehouse
from generator.warehouse.verify import mart_hashes
from tests.conftest import Elearn, run_dbt
from tests.private import query_private

WITH_USERS = (
    *("raw.users", "raw.events", "raw.user_changes"),
    *(f"main.{mart}" for mart in vocabulary.MARTS if mart != "training_splits"),
)
BOOKKEEPING = ("bookkeeping.users", "bookkeeping.outdated")


def users_in(path: Path, tables: tuple[str, ...], users: tuple[int, ...]) -> dict[str, int]:
    with duckdb.connect(str(path), read_only=True) as con:
        counts = {
            table: con.execute(
                f"select count(*) from {table} where user_id in {(*users, -1)}"
            ).fetchall()[0][0]
            for table in tables
        }
    return {table: count for table, count in counts.items() if count}


def test_the_next_build_equals_a_full_refresh_and_publishes_without_them(
    elearn: Elearn, tmp_path: Path, dbt_variables: dict[str, str]
) -> None:
    warehouse, published = tmp_path / "warehouse.duckdb", tmp_path / "published/elearn.duckdb"
    elearn("build", "--n-users", 40, "--days", 80, "--upgrade-rate", 0.5)
    changed = "select min(user_id), max(user_id) from raw.user_changes"
    [users] = query_private(warehouse, changed)
    before = users_in(warehouse, WITH_USERS + BOOKKEEPING, users)
    assert {"raw.user_changes", "main.training_dataset", "bookkeeping.users"} <= {*before}
    readers = published.read_bytes()
    (tmp_path / "ids").write_text("\n".join(map(str, users)))

    elearn("erase", "--file", "ids")
    assert users_in(warehouse, WITH_USERS + BOOKKEEPING, users) == {}
    assert published.read_bytes() == readers
    refused = elearn("publish", check=False)
    assert refused.returncode == 1
    assert "changed since the last build" in refused.stderr

    event = "select min(event_id) from raw.events where event_date = date '2025-02-20'"
    [(event_id,)] = query_private(warehouse, event)
    elearn("erase", "--event-id", event_id)
    elearn("build", "--no-generate")
    assert users_in(published, WITH_USERS, users) == {}
    assert "match" in elearn("verify").stdout
    with read_warehouse(published) as con:
        prepare(con)
        assert read_facts(con, published).is_simulated
    hashes = mart_hashes(warehouse)
    done = run_dbt(warehouse, dbt_variables, "run", "--full-refresh")
    assert done.returncode == 0, done.stdout
    assert mart_hashes(warehouse) == hashes
