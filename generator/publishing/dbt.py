"""Run dbt on the warehouse and read what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO

from generator.errors import ElearnError

DBT = (sys.executable, "-c", "from dbt.cli.main import cli; cli()")
"""The dbt of this environment, whether or not its script is on the path."""

_FOLLOW = """
import os, signal, threading
def follow():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=follow, daemon=True).start()
"""
"""Ends a process with the one that holds the other end of its stdin, even one that is killed."""


OURS = Path("dbt_project/macros/green_build.sql")
"""A file that no other dbt project has."""


def project_folder() -> Path:
    """Return the folder of the dbt project: the working directory, else this clone's root."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (folder / OURS).is_file():
            return folder
    raise ElearnError("this project's dbt_project/ is not here; run from the root of a clone")


def dbt_build(
    warehouse: Path,
    talk: Callable[[str], None],
    memory_limit: str | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, float]:
    """Run ``dbt build`` on a warehouse, and return what its parts took.

    Parameters
    ----------
    warehouse
        The file to build in; nobody else may have it open.
    talk
        Called with the lines that dbt prints, without those of tests that pass.
    memory_limit
        Most memory that DuckDB takes, such as "4GB".
    progress
        Called with the share of all models and tests that ended since the last call.

    Returns
    -------
    dict
        Seconds of each model, and of all tests of a kind together; two run at a time.

    Raises
    ------
    ElearnError
        A model or a test failed; the lines that say why went to ``talk``.
    """
    folder = project_folder()
    variables = {"ELEARN_WAREHOUSE": str(warehouse.resolve())}
    if memory_limit is not None:
        variables["ELEARN_MEMORY_LIMIT"] = memory_limit
    python, option, code = DBT
    command = [python, option, _FOLLOW + code, "--no-use-colors", "build"]
    command += ["--project-dir", str(folder), "--profiles-dir", str(folder), "--target", "duckdb"]
    with subprocess.Popen(
        command,
        env=os.environ | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            _forward(process.stdout, talk, progress)
        finally:
            process.terminate()  # of no effect unless an interrupt cut the reading short
    if process.returncode != 0:
        raise ElearnError("dbt build failed; its lines above say where")
    return _seconds(folder)


def _seconds(folder: Path) -> dict[str, float]:
    """Return what the parts of the last dbt run in a project folder took."""
    target = Path(os.environ.get("DBT_TARGET_PATH", "target"))
    results = json.loads((folder / target / "run_results.json").read_text())["results"]
    seconds = Counter[str]()
    for result in results:
        kind, _, name = result["unique_id"].split(".")[:3]
        seconds[name if kind == "model" else f"{kind}s"] += result["execution_time"]
    return {name: round(taken, 3) for name, taken in seconds.items() if taken}


def _forward(
    lines: IO[str], talk: Callable[[str], None], progress: Callable[[float], None]
) -> None:
    for line in lines:
        ended = re.search(r" \d+ of (\d+) (?!START)(?!.* hook: )", line)
        if ended:
            progress(1 / int(ended[1]))
        if not re.search(r" (START|PASS) ", line):  # a hundred of each say nothing new
            talk(line.rstrip())
