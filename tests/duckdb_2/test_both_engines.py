"""DuckDB 1.5, which is pinned, and 2.x, which a plain pip install takes, do each other's work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.duckdb_2

SIMULATION = ("--n-users", 60, "--days", 75)
VERSION = "import duckdb; print(duckdb.__version__)"


@pytest.fixture(scope="session")
def pythons(pytestconfig: pytest.Config) -> dict[str, str]:
    """The interpreter of each environment, by its DuckDB's first number."""
    return {"1": sys.executable, "2": str(Path(pytestconfig.getoption("duckdb_2")).absolute())}


def run(python: str, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line of an environment in a folder."""
    writing_to = {f"DBT_{part}_PATH": str(folder / part.lower()) for part in ("TARGET", "LOG")}
    return subprocess.run(
        [python, "-m", "generator", *map(str, arguments)],
        cwd=folder,
        env=os.environ | writing_to,
        check=False,
        capture_output=True,
        text=True,
    )


def elearn(python: str, folder: Path, *arguments: object) -> str:
    done = run(python, folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def marts(python: str, folder: Path) -> dict[str, str]:
    return json.loads(elearn(python, folder, "verify", "--marts", "--json"))["marts"]


def test_the_second_environment_has_the_duckdb_that_is_pinned_for_it(
    pythons: dict[str, str],
) -> None:
    done = subprocess.run([pythons["2"], "-c", VERSION], capture_output=True, text=True, check=True)
    constraints = (ROOT / "tests/duckdb_2/constraints.txt").read_text()
    assert re.findall("^duckdb==(2.*)$", constraints, re.MULTILINE) == [done.stdout.strip()]
    assert duckdb.__version__.startswith("1.5.")


READ_ALL = """
import duckdb, sys
con = duckdb.connect(sys.argv[1], read_only=True)
tables = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
print(len(tables), sum(len(con.execute(f"from {name}").fetchall()) > 0 for name, in tables))
"""


@pytest.mark.parametrize("engine", ["1", "2"])
def test_each_does_all_of_the_work_again_and_again(
    engine: str, pythons: dict[str, str], tmp_path: Path
) -> None:
    python = pythons[engine]
    for _ in range(2):
        elearn(python, tmp_path, "build", *SIMULATION)
        elearn(python, tmp_path, "build", "--no-generate")
    elearn(python, tmp_path, "publish")
    elearn(python, tmp_path, "export", "--output-dir", "exported")
    elearn(python, tmp_path, "report")
    elearn(python, tmp_path, "verify")
    published = tmp_path / "published/elearn.duckdb"
    oldest = os.environ | {"PYTHONPATH": str(ROOT / ".venv/duckdb-1.1.3")}
    for reader, environment in [
        (pythons["1"], None),
        (pythons["2"], None),
        (sys.executable, oldest),
    ]:
        done = subprocess.run(
            [reader, "-c", READ_ALL, published],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "13 12\n"  # nobody changed: raw.user_changes is empty


@pytest.mark.parametrize(("first", "second"), [("1", "2"), ("2", "1")])
def test_each_builds_on_what_the_other_built(
    first: str, second: str, pythons: dict[str, str], tmp_path: Path
) -> None:
    folder, whole = tmp_path / "in two steps", tmp_path / "in one"
    folder.mkdir()
    whole.mkdir()
    elearn(pythons[first], folder, "build", *SIMULATION, "--through", "2025-03-14")
    before = (folder / "published/elearn.duckdb").read_bytes()
    refused = run(pythons[second], folder, "export", "--output-dir", "exported")
    assert refused.returncode == 1
    assert "it was tested by DuckDB" in refused.stderr
    assert refused.stderr.endswith("run `elearn build --no-generate` first\n")
    elearn(pythons[second], folder, "build", "--no-generate")
    elearn(pythons[second], folder, "build", *SIMULATION, "--through", "2025-03-15")
    elearn(pythons[second], folder, "export", "--output-dir", "exported")
    elearn(pythons[second], folder, "report")
    assert (folder / "published/elearn.duckdb").read_bytes() != before
    elearn(pythons[first], whole, "build", *SIMULATION, "--through", "2025-03-15")
    assert marts(pythons[second], folder) == marts(pythons[first], whole)
    elearn(pythons[first], folder, "build", "--no-generate")  # and back again
    assert marts(pythons[first], folder) == marts(pythons[first], whole)
