"""``elearn build`` and a bare dbt take over what the other one parsed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb

from generator.publishing.dbt import DBT
from tests.conftest import copy_project


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as people do; the forks of the other tests parse for any folder."""
    left_out = ("ELEARN_WAREHOUSE", "DBT_TARGET_PATH")
    environment = {name: text for name, text in os.environ.items() if name not in left_out}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_build_parses_nothing_after_a_bare_dbt(tmp_path: Path) -> None:
    copy_project(tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("create schema raw; create table raw.loads (load_id integer)")
    parsed = run(tmp_path, *DBT, "parse")
    assert "Unable to do partial parsing" in parsed.stdout
    built = run(tmp_path, sys.executable, "-m", "generator", "build", "--no-generate")
    assert "There is no raw.users in" in built.stderr
    assert "partial parsing" not in built.stderr
