"""What elearn build says of dbt, whatever the environment tells dbt to do and to print."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from pathlib import Path

import duckdb
import pytest

from generator.publishing.project import OURS
from generator.warehouse.file import check_unlocked
from generator.warehouse.summary import MARTS
from tests.conftest import ROOT, dbt_writing_to, run_elearn
from tests.named_moments import Moment, end_at
from tests.preloaded import run_python
from tests.robustness.moments import MODEL

ALL_AT_ONCE = {
    "ARTIFACT_STATE_PATH": "nowhere",
    "CACHE_SELECTED_ONLY": "true",
    "DEBUG": "true",
    "DEFER": "true",
    "DEFER_STATE": "nowhere",
    "DEFER_TO_STATE": "true",
    "EMPTY": "true",
    "EVENT_TIME_END": "2025-01-20",
    "EVENT_TIME_START": "2025-01-10",
    "EXCLUDE_RESOURCE_TYPES": "test",
    "EXPORT_SAVED_QUERIES": "true",
    "FAIL_FAST": "true",
    "FAVOR_STATE": "true",
    "FAVOR_STATE_MODE": "true",
    "FULL_REFRESH": "true",
    "INCLUDE_SAVED_QUERY": "true",
    "INDIRECT_SELECTION": "empty",
    "LOG_CACHE_EVENTS": "true",
    "LOG_FILE_MAX_BYTES": "10",
    "LOG_FORMAT": "text",
    "LOG_FORMAT_FILE": "json",
    "LOG_LEVEL": "none",
    "LOG_LEVEL_FILE": "error",
    "LOG_PATH": "my logs",
    "MACRO_DEBUGGING": "true",
    "NO_PRINT": "true",
    "PARTIAL_PARSE": "true",
    "PARTIAL_PARSE_FILE_DIFF": "false",
    "PARTIAL_PARSE_FILE_PATH": "users.csv",  # it must be a file
    "POPULATE_CACHE": "false",
    "PRINT": "false",
    "PRINTER_WIDTH": "20",
    "PROFILE": "another",
    "PROFILES_DIR": ".",
    "PROJECT_DIR": ".",
    "QUIET": "true",
    "RESOURCE_TYPES": "model",
    "SAMPLE": "1 day",
    "SEND_ANONYMOUS_USAGE_STATS": "false",
    "SHOW_RESOURCE_REPORT": "true",
    "SINGLE_THREADED": "true",
    "SQLPARSE": "{MAX_GROUPING_DEPTH: 500}",
    "STATE": "nowhere",
    "STATIC_PARSER": "false",
    "STORE_FAILURES": "true",
    "TARGET": "spark",
    "TARGET_PATH": "my target",
    "UPLOAD_TO_ARTIFACTS_INGEST_API": "false",
    "USE_COLORS": "true",
    "USE_COLORS_FILE": "true",
    "USE_EXPERIMENTAL_PARSER": "true",
    "USE_FAST_TEST_EDGES": "true",
    "VERSION_CHECK": "false",
    "WRITE_JSON": "false",
}
"""A value for each flag of dbt that a variable sets, which changes the most that it can."""

ALONE = {"WARN_ERROR": "true", "WARN_ERROR_OPTIONS": '{"error": "all"}'}
"""Flags that exclude each other, and that make an error of a warning that others bring."""


VARIABLES = """
from dbt.cli.main import cli
for option in [*cli.params, *cli.commands["build"].params]:
    print(option.envvar)
"""


def test_every_variable_of_dbt_is_tried_here() -> None:
    texts = run_python(["-c", VARIABLES], ROOT, os.environ).stdout
    assert set(re.findall(r"DBT_ENGINE_(\w+)", texts)) == {*ALL_AT_ONCE, *ALONE}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("loaded")
    run_elearn(folder, dbt_variables, "generate", "--n-users", 20, "--days", 70)
    (folder / "users.csv").touch()
    return folder


@pytest.fixture
def folder(loaded: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(loaded, copy)
    return copy


BUILD = ("build", "--no-generate")


IN_THE_FOLDER = {"LOG_PATH", "PARTIAL_PARSE_FILE_PATH", "TARGET_PATH"}  # not in the project's


def test_no_variable_of_dbt_makes_another_build(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    given = {
        # each has an older and a newer name
        f"{('DBT_', 'DBT_ENGINE_')[number % 2]}{name}": (
            str(folder / value) if name in IN_THE_FOLDER else value
        )
        for number, (name, value) in enumerate(ALL_AT_ONCE.items())
    }
    options = ("--all-tests", "--json", "--profile")  # also what this code has passed
    done = run_elearn(folder, dbt_variables | given, *BUILD, *options)
    summary = json.loads(done.stdout)
    assert summary["rows"]["main.user_daily"] == 20 * 70
    assert summary["tests_passed"] > 90
    parts = {mart.removeprefix("main.") for mart in MARTS} | {"tests", "unit_tests", "operations"}
    assert parts <= set(summary["seconds"])


@pytest.mark.parametrize(
    "name", ["WARN_ERROR", pytest.param("WARN_ERROR_OPTIONS", marks=pytest.mark.slow)]
)
def test_a_quiet_build_that_goes_well_says_nothing_though_warnings_are_errors(
    name: str, folder: Path, dbt_variables: dict[str, str]
) -> None:
    strict = dbt_variables | {f"DBT_{name}": ALONE[name]}
    assert run_elearn(folder, strict, *BUILD, "--quiet").stderr == ""


FAILURES = {
    "test": (  # an event before its user's signup
        "insert into raw.events select -1, user_id, signup_date - 9, 'login', signup_date - 9,"
        " null, null, null, null from raw.users order by signup_date desc limit 1",
        "FAIL 1 no_event_is_before_its_users_signup",
    ),
    "hook": ("drop table raw.events", "There is no raw.events in"),
}


@pytest.mark.parametrize(
    ("failure", "options"), [("test", ["--quiet"]), ("hook", ["--quiet", "--json"]), ("hook", [])]
)
def test_what_failed_is_shown_even_when_quiet(
    failure: str, options: list[str], folder: Path, dbt_variables: dict[str, str]
) -> None:
    statement, reason = FAILURES[failure]
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        con.execute(statement)
    done = run_elearn(folder, dbt_variables, *BUILD, *options, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    *lines, last = done.stderr.splitlines()
    assert last == "Error: dbt build failed; its lines above say where"
    assert reason in "\n".join(lines)
    assert ("Running with dbt" in done.stderr) == (not options)


def test_a_dbt_that_cannot_write_its_log_gets_one_line(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    nowhere = {"DBT_LOG_PATH": str(folder / "users.csv" / "logs")}
    done = run_elearn(folder, dbt_variables | nowhere, *BUILD, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: dbt build did not begin: [Errno 20] Not a directory")
    assert done.stderr.count("\n") == 1


def test_a_variable_that_dbt_does_not_take_gets_one_line(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    wrong = dbt_variables | {"DBT_INDIRECT_SELECTION": "greedy"}
    done = run_elearn(folder, wrong, *BUILD, check=False)
    assert done.returncode == 1
    reason = "a DBT_ variable of the environment is wrong: 'greedy' is not one of"
    assert done.stderr.startswith(f"Error: dbt build did not begin: {reason}")
    assert done.stderr.count("\n") == 1


PRINTING = """
def model(dbt, session):
    print("printed by a model")
    return session.sql("select 1 as one")
"""


def test_what_a_model_prints_stays_out_of_the_result(
    folder: Path, dbt_variables: dict[str, str]
) -> None:
    project = {
        "dbt_project.yml": "{name: alone, profile: elearn, model-paths: [models]}",
        "profiles.yml": (ROOT / "profiles.yml").read_text(),
        "models/printing.py": PRINTING,
        str(OURS): "",
    }
    for name, text in project.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = run_elearn(folder, dbt_writing_to(folder), *BUILD, "--json", check=False)
    assert "OK created python table model main.printing" in done.stderr
    assert "printed by a model" in done.stderr
    assert done.stdout == ""  # as such a project tests nothing, there is nothing to publish
    assert done.returncode == 1


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_build_that_is_stopped_while_dbt_works_says_so_and_lets_go(
    number: signal.Signals, folder: Path, dbt_variables: dict[str, str]
) -> None:
    made = Moment("after", MODEL, "user_daily")
    done = end_at(made, folder, BUILD, os.environ | dbt_variables, number)
    last = done.stderr.splitlines()[-1]
    assert last == f"Error: stopped by {number.name}; what was not finished is undone"
    assert done.returncode == 128 + number
    check_unlocked(folder / "warehouse.duckdb")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        assert con.execute("from bookkeeping.green_build").fetchall() == []
