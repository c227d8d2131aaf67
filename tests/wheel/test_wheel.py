"""The wheel in an environment of its own: it builds anywhere, and gives its dbt project away."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from socket import gethostname

import duckdb
import pytest

pytestmark = pytest.mark.wheel

SIMULATION = ("--n-users", 40, "--days", 75)
ADDED = "models/marts/users_per_plan.sql"
OWN_MODEL = """
{{ config(materialized='table') }}
select plan, count(*) as users from {{ ref('stg_users') }} group by all
"""


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config) -> Path:
    """The folder of the scripts of the environment in which the wheel is installed."""
    return Path(pytestconfig.getoption("wheel")).absolute()


def run(
    programs: Path, folder: Path, *command: object, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a script of the environment in a folder, with no other one in reach."""
    name, *arguments = map(str, command)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(programs / name), *arguments],
        cwd=folder,
        env=kept | {"PATH": f"{programs}{os.pathsep}{os.defpath}"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def package_files(programs: Path) -> set[str]:
    """What stands in the installed package, but for compiled modules."""
    code = "import generator; print(generator.__path__[0])"
    python = [str(programs / "python"), "-I", "-c", code]
    [package] = subprocess.run(
        python, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert "site-packages" in package
    return {str(path) for path in Path(package).rglob("*") if "__pycache__" not in str(path)}


def tables(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as con:
        return {
            name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()
        }


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_build_in_an_empty_folder_works_and_writes_nothing_else(
    programs: Path, tmp_path: Path
) -> None:
    before = package_files(programs)
    done = run(programs, tmp_path, "elearn", "build", *SIMULATION, "--json")
    summary = json.loads(done.stdout)
    assert summary["rows"]["main.user_daily"] == 40 * 75
    assert summary["tests_passed"] > 90
    assert "training_dataset" in tables(tmp_path / "published" / "elearn.duckdb")
    assert {"target", "logs", "published", "warehouse.duckdb"} <= names(tmp_path)
    assert package_files(programs) == before
    run(programs, tmp_path, "elearn", "build", *SIMULATION)
    assert package_files(programs) == before


def test_init_lays_out_a_project_that_builds_with_what_is_changed_there(
    programs: Path, tmp_path: Path
) -> None:
    run(programs, tmp_path, "elearn", "init", "churn")
    project = tmp_path / "churn"
    assert names(project) == {"dbt_project.yml", "profiles.yml", "dbt_project"}
    (project / "dbt_project" / ADDED).write_text(OWN_MODEL)
    run(programs, project, "elearn", "build", *SIMULATION)
    assert "users_per_plan" in tables(project / "published" / "elearn.duckdb")
    assert {"target", "logs"} <= names(project)
    assert names(tmp_path) == {"churn"}
    done = run(programs, project, "dbt", "build")
    assert "Completed successfully" in done.stdout


def test_init_fills_the_folder_one_stands_in(programs: Path, tmp_path: Path) -> None:
    (tmp_path / f".writing-{gethostname()}-{2**31 - 1}-left").mkdir()  # by one that was killed
    run(programs, tmp_path, "elearn", "init", ".")
    assert names(tmp_path) == {"dbt_project.yml", "profiles.yml", "dbt_project"}


def test_what_is_no_python_is_in_the_wheel_too(programs: Path, tmp_path: Path) -> None:
    assert (
        "--mapping moodle"
        in run(programs, tmp_path, "elearn", "load", "--show-mapping", "moodle").stdout
    )


def test_extras_are_named_where_they_are_missing(programs: Path, tmp_path: Path) -> None:
    run(programs, tmp_path, "elearn", "generate", *SIMULATION)
    lake = ("generate", "--engine", "spark", "--output-dir", "lake", "--format", "parquet")
    for command, library in ((("report",), "'altair>="), (lake, "'pyspark[")):
        done = run(programs, tmp_path, "elearn", *command, check=False)
        assert done.returncode in (1, 2)
        assert library in done.stderr
        assert done.stderr.count("\n") == 1
