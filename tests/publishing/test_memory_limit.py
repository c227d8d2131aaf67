"""A memory limit is for the data: what a build has on the disk does not stay in memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import dbt_writing_to
from tests.preloaded import run_python
from tests.publishing.folders import change

BUILD = """
import sys
from pathlib import Path
from generator.publishing.dbt import dbt_build
from generator.reporter import SILENT
built = dbt_build(Path("warehouse.duckdb"), SILENT, *sys.argv[1:])
query = "select memory_usage_bytes from duckdb_memory() where tag = 'ART_INDEX'"
print(*built.engine.conn.execute(query).fetchone())
built.engine.close()
"""
"""Prints the memory that the indexes of keys take when a build has passed its tests."""


@pytest.mark.slow
def test_with_a_memory_limit_no_index_of_a_key_stays_in_memory(folder: Path) -> None:
    change(folder / "warehouse.duckdb", "drop table main.user_features_daily")
    done = run_python(["-c", BUILD, "1GB"], folder, os.environ | dbt_writing_to(folder))
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


WITHOUT = """
from pathlib import Path
from dbt.adapters.duckdb import environments
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from generator.publishing.built import Built
profile = {"path": "warehouse.duckdb", "schema": "main", "settings": {"wal_autocheckpoint": "1GB"}}
engine = environments.create(DuckDBCredentials.from_dict(profile))
engine.handle().close()
engine.conn.execute("create table pairs as select range as a, range as b from range(500_000)")
engine.conn.execute("alter table pairs add primary key (a, b)")
with Built({}, [], engine).opened(Path("warehouse.duckdb"), "8MiB") as (con, _):
    print(*con.execute("select current_setting('memory_limit')").fetchone())
"""
"""Publishes what was built by a profile that knows of no limit."""


def test_a_limit_that_a_build_did_not_keep_does_not_stop_publishing(tmp_path: Path) -> None:
    done = run_python(["-c", WITHOUT], tmp_path, os.environ)
    assert (done.returncode, done.stdout) == (0, "8.0 MiB\n"), done.stderr
