"""Run dbt on the warehouse and read what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from generator.errors import ElearnError
from generator.reporter import Reporter

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

_OPTIONS = (
    (
        *("--log-format", "json", "--log-level", "info", "--no-quiet", "--no-debug"),
        "--no-single-threaded",  # dbt-duckdb cannot be
    ),
    ("--target", "duckdb", "--no-empty"),
)
"""Options of dbt and of ``dbt build``; they win over the environment and over dbt_project.yml."""

_LEFT_OUT = {
    f"{prefix}_{name}"
    for prefix in ("DBT", "DBT_ENGINE")  # dbt knows each of its variables by both
    for name in (
        *("EMPTY", "SAMPLE", "EVENT_TIME_START", "EVENT_TIME_END"),
        *("RESOURCE_TYPES", "EXCLUDE_RESOURCE_TYPES"),
        *("DEFER", "DEFER_STATE", "DEFER_TO_STATE", "FAVOR_STATE", "FAVOR_STATE_MODE"),
        *("STATE", "ARTIFACT_STATE_PATH", "PROFILE", "PARTIAL_PARSE_FILE_DIFF"),
    )
}
"""Variables of the environment that would build something else than all of the project."""

_LOG_FILE = {"DBT_LOG_FORMAT_FILE": "debug", "DBT_LOG_LEVEL_FILE": "debug"}
"""dbt's defaults, which our options for its other output would change too."""

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
    reporter: Reporter,
    memory_limit: str | None = None,
) -> dict[str, float]:
    """Run ``dbt build`` on a warehouse, and return what its parts took.

    Parameters
    ----------
    warehouse
        The file to build in; nobody else may have it open.
    reporter
        Told what dbt prints, without the tests that pass, and how far it is, in shares of 1.
    memory_limit
        Most memory that DuckDB takes, such as "4GB".

    Returns
    -------
    dict
        Seconds of each model, and of all tests of a kind together; two run at a time.

    Raises
    ------
    ElearnError
        A model or a test failed; the lines that say why went to ``reporter.complain``.
    """
    folder = str(project_folder())
    python, option, code = DBT
    before, after = _OPTIONS
    command = [python, option, _FOLLOW + code, "--no-use-colors", *before, "build", *after]
    with subprocess.Popen(
        [*command, "--project-dir", folder, "--profiles-dir", folder],
        env=_environment(warehouse, memory_limit),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            seconds, said_why = _follow(process.stdout, reporter)
        finally:
            process.terminate()  # of no effect unless an interrupt cut the reading short
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        raise ElearnError(f"dbt build was ended by {name} before it was done")
    if process.returncode != 0 and not said_why:
        raise ElearnError(
            "dbt build failed and did not say why; can the folders be written that DBT_LOG_PATH"
            " and DBT_TARGET_PATH name, or logs and target?"
        )
    if process.returncode != 0:
        raise ElearnError("dbt build failed; its lines above say where")
    return seconds


def _environment(warehouse: Path, memory_limit: str | None) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    limit = {} if memory_limit is None else {"ELEARN_MEMORY_LIMIT": memory_limit}
    return _LOG_FILE | given | {"ELEARN_WAREHOUSE": str(warehouse.resolve())} | limit


def _follow(lines: IO[str], reporter: Reporter) -> tuple[dict[str, float], bool]:
    """Pass on what dbt says; return what its parts took, and whether it said what failed."""
    seconds = Counter[str]()
    said_why = False
    for event in map(_event, lines):
        if event.is_error:
            reporter.complain([event.text])
            said_why = True
        elif not event.is_routine:
            reporter.say(event.text)
        if {"execution_time", "node_info"} <= event.data.keys():
            kind, _, name = event.data["node_info"]["unique_id"].split(".")[:3]
            seconds[name if kind == "model" else f"{kind}s"] += event.data["execution_time"]
            total = event.data.get("total") or event.data.get("num_models")
            if kind != "operation" and total:
                reporter.advance(1 / total)
    return {name: round(taken, 3) for name, taken in seconds.items() if taken}, said_why


class _Event(NamedTuple):
    """Something that dbt says."""

    name: str
    is_error: bool
    text: str
    data: Mapping[str, Any]

    @property
    def is_routine(self) -> bool:
        """A start or a test that passed, of which there are a hundred, or a stack of calls."""
        is_left_out = self.name in ("LogStartLine", "LogHookStartLine", "MainStackTrace")
        return is_left_out or (self.name == "LogTestResult" and self.data["status"] == "pass")


def _event(line: str) -> _Event:
    try:
        event = json.loads(line)
        info, data = event["info"], event["data"]
    except (ValueError, TypeError, KeyError):  # Python's line or a library's, not dbt's
        return _Event("", True, line.rstrip(), {})
    is_error = info["level"] == "error" and info["name"] != "MainStackTrace"
    return _Event(info["name"], is_error, f"{info['ts'][11:19]}  {info['msg']}".rstrip(), data)
