"""Calls that cannot be followed get one line, and leave everything as it was."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT, Elearn

BAD_CALLS = [
    (("--n-users", "0"), "--n-users: '0'"),
    (("--n-users", "-1"), "--n-users: '-1'"),
    (("--n-users", "2.5"), "--n-users: '2.5'"),
    (("--n-users", str(10**12)), "--n-users: '1000000000000'"),
    (("--days", "0"), "--days: '0'"),
    (("--days", "100000"), "--days: '100000'"),
    (("--start-date", "2025-13-01"), "--start-date: '2025-13-01'"),
    (("--paid-ratio", "-0.1"), "--paid-ratio: '-0.1'"),
    (("--churn-base-rate", "1.1"), "--churn-base-rate: '1.1'"),
    (("--paid-ratio", "nan"), "--paid-ratio: 'nan'"),
    (("--memory-limit", "lots"), "--memory-limit: 'lots'"),
    (("--workers", "none"), "--workers: 'none'"),
    (("--replace",), "--replace: it goes with --through"),
    (("--no-such-option",), "No such option: --no-such-option"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_CALLS, ids=[call[1] for call in BAD_CALLS])
@pytest.mark.parametrize("command", ["generate", "build"])
def test_a_bad_call_gets_one_line_and_leaves_the_warehouse_as_it_was(
    command: str, arguments: tuple[str, ...], message: str, elearn: Elearn, tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        con.execute("create table mine as select 1 as one")
    before = warehouse.read_bytes()
    done = elearn(command, *arguments, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {message}")
    assert done.stderr.count("\n") == 1
    assert warehouse.read_bytes() == before
    assert list(tmp_path.iterdir()) == [warehouse]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (".", "a file, not a folder"),
        ("notes.txt", "a DuckDB file or a new name"),
        ("nowhere/warehouse.duckdb", "a file in a folder that exists"),
    ],
)
@pytest.mark.parametrize("command", [("generate",), ("build",), ("build", "--no-generate")])
def test_a_path_that_cannot_be_a_warehouse_is_refused(
    command: tuple[str, ...], path: str, allowed: str, elearn: Elearn, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a database, but long enough to be looked at closely\n" * 200)
    before = notes.read_bytes()
    done = elearn(*command, "--warehouse", path, check=False)
    assert done.returncode == 2
    assert done.stderr == f"Error: --warehouse: {path!r} is not allowed; give {allowed}\n"
    assert notes.read_bytes() == before
    assert list(tmp_path.iterdir()) == [notes]


# Root may write everything, so it becomes nobody; the imports come first, as nobody may not read
# every interpreter.
GENERATE_AS_NOBODY = """
import os, sys
import generator.sinks.files, rich.console, rich.progress
from generator.cli.app import main
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.argv[1:1] = ["generate", "--warehouse"]
main()
"""


def test_a_warehouse_that_may_not_be_written_is_refused() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to nobody
        Path(name).chmod(0o755)
        warehouse = Path(name) / "warehouse.duckdb"
        duckdb.connect(str(warehouse)).close()
        warehouse.chmod(0o444)
        before = warehouse.read_bytes()
        done = subprocess.run(
            [sys.executable, "-c", GENERATE_AS_NOBODY, str(warehouse)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        allowed = "a file that can be written"
        expected = f"Error: --warehouse: {str(warehouse)!r} is not allowed; give {allowed}\n"
        assert (done.returncode, done.stderr) == (2, expected)
        assert warehouse.read_bytes() == before


@pytest.mark.parametrize("command", [("generate",), ("build",), ("build", "--no-generate")])
def test_a_warehouse_that_another_process_holds_open_exits_3_and_names_it(
    command: tuple[str, ...], elearn: Elearn, tmp_path: Path
) -> None:
    elearn("generate", "--n-users", 5, "--days", 5)
    code = (
        "import duckdb, sys; con = duckdb.connect('warehouse.duckdb');"
        " print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = elearn(*command, check=False)
        assert done.returncode == 3
        assert f"process {holder.pid} (" in done.stderr
        assert done.stderr.count("\n") == 1
    finally:
        holder.communicate()
