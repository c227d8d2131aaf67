"""What the tests run as a fork behaves like a Python that was started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from generator import Settings
from generator.publishing.dbt import DBT
from generator.sinks.warehouse import generate_warehouse
from tests.conftest import ROOT, WRITING_RESULTS, dbt_writing_to, run_dbt
from tests.preloaded import run_python

PROGRAMS = {
    "streams_and_code": "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)",
    "arguments_folder_and_variable": (
        "import os, sys; print(sys.argv, os.getcwd(), os.environ['ONE'], os.environ.get('TZ'))"
    ),
    "killed": "import os, signal; print('lost'); os.kill(os.getpid(), signal.SIGKILL)",
    "another_time_zone": "import time; print(time.localtime(0).tm_hour)",
    "a_sentence_at_the_end": "import sys; sys.exit('what is wrong')",
    "work_at_the_end": "import atexit; atexit.register(print, 'last')",
    "a_thread_that_ends_later": (
        "from threading import Timer; Timer(0.1, print, ['late']).start(); print('early')"
    ),
    "a_variable_that_is_read_at_the_start": "print(hash('text'))",
    "nothing_on_standard_input": "import sys; print(repr(sys.stdin.read()))",
}


@pytest.mark.parametrize("option", ["-c", "-m"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_fork_does_what_a_process_does(program: str, option: str, tmp_path: Path) -> None:
    variables = {"ONE": "1", "TZ": "Asia/Tokyo"}
    if program == "a_variable_that_is_read_at_the_start":
        variables["PYTHONHASHSEED"] = "7"
    (tmp_path / "program.py").write_text(PROGRAMS[program])
    run = {"-c": PROGRAMS[program], "-m": "program"}[option]
    arguments = [option, run, "an", "--argument"]
    found = run_python(arguments, tmp_path, os.environ | variables)
    expected = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    outcome = (expected.returncode, expected.stdout, expected.stderr)
    assert (found.returncode, found.stdout, found.stderr) == outcome
    assert (expected.returncode == -signal.SIGKILL) == (program == "killed")


@pytest.mark.slow
def test_dbt_in_a_fork_compiles_what_a_dbt_of_its_own_compiles(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    generate_warehouse(warehouse, Settings(n_users=5, days=50), workers=1)
    assert run_dbt(warehouse, dbt_writing_to(tmp_path), "run").returncode == 0
    variables = [
        dbt_writing_to(tmp_path / name) | WRITING_RESULTS | {"ELEARN_WAREHOUSE": str(warehouse)}
        for name in ("fork", "process")
    ]
    of_a_fork, of_a_process = variables
    assert run_dbt(warehouse, of_a_fork, "compile").returncode == 0
    subprocess.run(
        [*DBT, "--quiet", "compile"], cwd=ROOT, env=os.environ | of_a_process, check=True
    )
    texts = [compiled(Path(given["DBT_TARGET_PATH"])) for given in variables]
    assert len(texts[0]) > 100
    assert texts[0] == texts[1]


def compiled(target: Path) -> dict[str, str]:
    """Return the SQL of each node of a manifest."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    return {name: node["compiled_code"] for name, node in nodes.items() if node.get("compiled")}
