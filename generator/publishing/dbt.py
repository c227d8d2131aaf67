"""Run dbt on the warehouse, in this process, and pass on what it says."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

import yaml

from generator.errors import ElearnError, first_line
from generator.publishing.built import Built
from generator.publishing.project import INSTALLED, project_folder
from generator.publishing.unit_tests import UnitTests
from generator.publishing.write_set import Statement
from generator.reporter import Reporter

DBT = (sys.executable, "-c", "from dbt.cli.main import cli; cli()")
"""The dbt of this environment as a process of its own, whether or not it is on the path."""

_OPTIONS = (
    *("--log-level", "none", "--no-quiet", "--no-debug", "--no-use-colors"),  # events say it all
    "--no-single-threaded",  # dbt-duckdb cannot be
    *("build", "--no-empty"),
)
"""They win over the environment and over dbt_project.yml."""

_LEFT_OUT = {
    f"{prefix}_{name}"
    for prefix in ("DBT", "DBT_ENGINE")  # dbt knows each of its variables by both
    for name in (
        *("EMPTY", "SAMPLE", "EVENT_TIME_START", "EVENT_TIME_END"),
        *("RESOURCE_TYPES", "EXCLUDE_RESOURCE_TYPES"),
        *("DEFER", "DEFER_STATE", "DEFER_TO_STATE", "FAVOR_STATE", "FAVOR_STATE_MODE"),
        *("STATE", "ARTIFACT_STATE_PATH", "PROFILE", "TARGET", "PARTIAL_PARSE_FILE_DIFF"),
    )
}
"""Variables of the environment that would build something else than all of the project."""

_DEFAULTS = {"DBT_LOG_LEVEL_FILE": "info", "DBT_WRITE_JSON": "false"}
"""What a person may set otherwise: each statement in the log, and the manifest, cost a second."""

_PROFILES = "profiles.yml"

_NAMED = "env_var('ELEARN_WAREHOUSE', 'warehouse.duckdb')"
"""How our profile names the file. One of a person's own may name another where nobody does."""

_GARBAGE = (100_000, 50, 50)
"""Objects between two searches for garbage: dbt makes millions, and nearly all of them stay."""


def dbt_build(
    warehouse: Path,
    reporter: Reporter,
    memory_limit: str | None = None,
    *,
    all_tests: bool = False,
) -> Built:
    """Run ``dbt build`` on a warehouse, which stays locked until the result is read or dropped.

    Parameters
    ----------
    warehouse
        The file to build in; nobody else may have it open.
    reporter
        Told what dbt prints, without the tests that pass, and how far it is, in shares of 1.
    memory_limit
        Most memory that DuckDB takes, such as "4GB".
    all_tests
        Whether tests look at everything, also at content that has passed them before.

    Raises
    ------
    ElearnError
        A model or a test failed; the lines that say why went to ``reporter.complain``.
    """
    folder = project_folder()
    places = ("--project-dir", str(folder), "--profiles-dir", str(folder))
    arguments = [*_OPTIONS, *places, *_target(folder)]
    variables = _variables(folder, warehouse, memory_limit, all_tests)
    unit_tests = UnitTests(folder, Path(variables.get("DBT_TARGET_PATH", "target")), variables)
    if unit_tests.have_passed and not all_tests:
        arguments += ["--exclude-resource-type", "unit_test"]
    events: SimpleQueue[Event | Outcome] = SimpleQueue()
    # In a thread, so that a signal interrupts this one here and never dbt's own code.
    thread = Thread(target=_invoke, args=(arguments, events), name="dbt", daemon=True)
    with _environment(variables), redirect_stdout(sys.stderr):
        thread.start()
        heard = Heard()
        while isinstance(event := events.get(), Event):
            heard.take(event, reporter)
        thread.join()
    if event.exception and not heard.errors:
        raise ElearnError(f"dbt build did not begin: {event.exception}")
    if not event.success:
        raise ElearnError("dbt build failed; its lines above say where")
    if "unit_tests" in heard.seconds:
        unit_tests.keep()
    seconds = {name: round(taken, 3) for name, taken in heard.seconds.items() if taken}
    return Built(seconds, event.statements, event.engine)


def _variables(
    folder: Path, warehouse: Path, memory_limit: str | None, all_tests: bool
) -> dict[str, str]:
    """Return the environment for dbt: ours, what is given, and what has to be."""
    ours = dict(_DEFAULTS)
    if folder == INSTALLED:  # dbt writes beside the project, which is no place for it there
        here = Path.cwd()
        ours |= {"DBT_TARGET_PATH": str(here / "target"), "DBT_LOG_PATH": str(here / "logs")}
    given = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    default = "warehouse.duckdb" if _NAMED in _text(folder / _PROFILES) else ""
    as_given = Path(given.get("ELEARN_WAREHOUSE", default))
    if folder != Path.cwd() or as_given.resolve() != warehouse.resolve():
        given["ELEARN_WAREHOUSE"] = str(warehouse.resolve())
    limit = {} if memory_limit is None else {"ELEARN_MEMORY_LIMIT": memory_limit}
    tests = {"ELEARN_ALL_TESTS": "1"} if all_tests else {}
    return ours | given | limit | tests


def _target(folder: Path) -> list[str]:
    """Return the option for the target duckdb, unless the profile says it.

    dbt parses everything anew where a bare ``dbt build`` had another target or another path.
    """
    try:
        name = yaml.safe_load(_text(folder / "dbt_project.yml"))["profile"]
        is_default = yaml.safe_load(_text(folder / _PROFILES))[name]["target"] == "duckdb"
    except (yaml.YAMLError, KeyError, TypeError):
        is_default = False
    return [] if is_default else ["--target", "duckdb"]


def _text(path: Path) -> str:
    """Return what a file says; nothing where it cannot be read, which dbt says better."""
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set the environment, and the one of before afterwards."""
    before = dict(os.environ)
    try:
        _set_environment(variables)
        yield
    finally:
        _set_environment(before)


def _set_environment(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


class Event(NamedTuple):
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


class Outcome(NamedTuple):
    """How dbt ended."""

    success: bool
    exception: str
    statements: Sequence[Statement] = ()
    engine: Any = None
    """What has the warehouse open, and locks it until it is closed or dropped."""


class Heard:
    """What dbt said until now."""

    def __init__(self) -> None:
        self.seconds = Counter[str]()
        """What its parts took."""
        self.errors = 0

    def take(self, event: Event, reporter: Reporter) -> None:
        """Pass an event on."""
        if event.is_error:
            reporter.complain([event.text])
            self.errors += 1
        elif not event.is_routine:
            reporter.say(event.text)
        if {"execution_time", "node_info"} <= event.data.keys():
            kind, _, name = event.data["node_info"]["unique_id"].split(".")[:3]
            self.seconds[name if kind == "model" else f"{kind}s"] += event.data["execution_time"]
            total = event.data.get("total") or event.data.get("num_models")
            if kind != "operation" and total:
                reporter.advance(1 / total)


def _invoke(arguments: list[str], events: SimpleQueue[Event | Outcome]) -> None:
    """Run dbt in this thread, and put what it says and how it ends into a queue."""
    try:
        outcome = _run(arguments, events)
    except BaseException as error:
        outcome = Outcome(False, f"{type(error).__name__}: {first_line(error)}")
    events.put(outcome)


def _run(arguments: list[str], events: SimpleQueue[Event | Outcome]) -> Outcome:
    import dbt.mp_context

    # dbt starts no process, but makes locks that processes could share. Those for spawned ones
    # need another process that cleans up, and complains when a signal ended this one.
    dbt.mp_context._MP_CONTEXT = multiprocessing.get_context("fork")  # type: ignore[assignment]

    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner
    from dbt_common.events.event_manager_client import cleanup_event_logger
    from dbt_common.events.functions import env_scrubber, msg_to_dict

    statements: list[Statement] = []

    def hear(message: Any) -> None:
        if message.info.name == "SQLQuery":
            node = message.data.node_info
            is_python = node.node_path.endswith(".py")
            statements.append(Statement(node.unique_id, is_python, message.data.sql))
        elif message.info.level in ("info", "warn", "error"):
            events.put(_event(msg_to_dict(message), env_scrubber))

    searching = gc.get_threshold()
    gc.set_threshold(*_GARBAGE)
    try:
        ended = dbtRunner(callbacks=[hear]).invoke(arguments)
        engine = DuckDBConnectionManager._ENV if ended.success else None
        return Outcome(ended.success, _reason(ended.exception), statements, engine)
    finally:
        gc.set_threshold(*searching)
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        reset_adapters()  # type: ignore[no-untyped-call]
        cleanup_event_logger()


def _reason(error: BaseException | None) -> str:
    from dbt.cli.exceptions import DbtUsageException

    if isinstance(error, DbtUsageException):  # the options are ours
        return f"a DBT_ variable of the environment is wrong: {first_line(error)}"
    return "" if error is None else first_line(error)


def _event(message: Mapping[str, Any], scrub: Callable[[str], str]) -> Event:
    info = message["info"]
    is_error = info["level"] == "error" and info["name"] != "MainStackTrace"
    text = scrub(f"{info['ts'][11:19]}  {info['msg']}".rstrip())
    return Event(info["name"], is_error, text, message["data"])
