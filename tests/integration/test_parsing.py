"""``elearn build`` and a bare dbt take over what the other one parsed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from generator.publishing.dbt import DBT
from tests.conftest import copy_project
from tests.preloaded import run_python


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as people do; the forks of the other tests parse for any folder."""
    left_out = ("ELEARN_WAREHOUSE", "DBT_TARGET_PATH")
    environment = {name: text for name, text in os.environ.items() if name not in left_out}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose warehouse holds next to nothing, so that dbt stops when it has parsed."""
    copy_project(tmp_path)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("create schema raw; create table raw.loads (load_id integer)")
    return tmp_path


@pytest.mark.slow
def test_a_build_parses_nothing_after_a_bare_dbt(project: Path) -> None:
    for name, ours in {"dbt_project.yml": "profile: elearn", "profiles.yml": "elearn:"}.items():
        text = (project / name).read_text()
        assert ours in text
        (project / name).write_text(text.replace(ours, ours.replace("elearn", "shop"), 1))
    parsed = run(project, *DBT, "parse")
    assert "Unable to do partial parsing" in parsed.stdout
    built = run(project, sys.executable, "-m", "generator", "build", "--no-generate")
    assert "There is no raw.users in" in built.stderr
    assert "partial parsing" not in built.stderr


@pytest.mark.slow
def test_a_profile_that_names_another_file_by_default_builds_what_the_command_names(
    project: Path,
) -> None:
    profile = project / "profiles.yml"
    profile.write_text(profile.read_text().replace("'warehouse.duckdb'", "'shop.duckdb'"))
    environment = {name: text for name, text in os.environ.items() if name != "ELEARN_WAREHOUSE"}
    built = run_python(["-m", "generator", "build", "--no-generate"], project, environment)
    assert "There is no raw.users in" in built.stderr
    assert not (project / "shop.duckdb").exists()
