"""A memory limit is for the data: what a build has on the disk does not stay in memory."""

from __future__ import annotations

import os
from pathlib import Path

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


def test_with_a_memory_limit_no_index_of_a_key_stays_in_memory(folder: Path) -> None:
    change(folder / "warehouse.duckdb", "drop table main.user_features_daily")
    done = run_python(["-c", BUILD, "1GB"], folder, os.environ | dbt_writing_to(folder))
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
