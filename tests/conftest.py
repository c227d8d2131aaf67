from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.publishing.dbt import DBT
from tests import preloaded
from tests.loader.desk import Desk
from tests.preloaded import run_python

ROOT = Path(__file__).parents[1]

WRITING_RESULTS = {"DBT_WRITE_JSON": "true"}
"""For a dbt whose manifest, results or files of SQL a test reads."""

NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
"""For a build or a test of rows: they are of code and read no table of the warehouse."""

Elearn = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow kinds, and nothing else")
    parser.addoption("--whole", action="store_true", help="run all, what takes an hour too")
    parser.addoption("--duckdb-2", metavar="PYTHON", help="run what needs this one with DuckDB 2.x")
    parser.addoption("--clients", metavar="DIR", help="run what needs this environment of clients")
    parser.addoption("--semantic", metavar="DIR", help="run what needs these scripts of MetricFlow")
    parser.addoption("--superset", metavar="PYTHON", help="run what needs this one with Superset")
    parser.addoption("--wheel", metavar="DIR", help="run what needs the scripts of the wheel")


def pytest_configure(config: pytest.Config) -> None:
    # Nobody reads the log or the results of a dbt that a test runs, unless the test says so, and
    # writing them takes a fifth of its time.
    os.environ["DBT_LOG_LEVEL_FILE"] = "none"
    os.environ["DBT_WRITE_JSON"] = "false"
    if preloaded.VARIABLE not in os.environ:  # in the process that starts the workers
        has_workers = bool(config.getoption("numprocesses", None))  # it imports while they collect
        config.add_cleanup(preloaded.Server(at_once=has_workers).end)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if is_left_out(config, item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def is_left_out(config: pytest.Config, item: pytest.Item) -> bool:
    """Tell whether a test carries a marker that this run does not ask for."""
    for marker in ("clients", "duckdb_2", "semantic", "superset", "wheel"):
        if item.get_closest_marker(marker):
            return not config.getoption(marker)
    if config.getoption("whole"):
        return False
    is_slow = item.get_closest_marker("slow") is not None
    return item.get_closest_marker("whole") is not None or is_slow != config.getoption("slow")


@pytest.fixture(scope="session")
def dbt_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return dbt_writing_to(tmp_path_factory.mktemp("dbt"))


def dbt_writing_to(folder: Path) -> dict[str, str]:
    """Environment that keeps what dbt writes in a folder, out of the project's."""
    return {"DBT_TARGET_PATH": str(folder / "target"), "DBT_LOG_PATH": str(folder / "logs")}


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder for what all workers read."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first worker to ask makes, while the others wait."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = folder.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            make(making)
            making.rename(folder)
    return folder


@pytest.fixture(scope="session")
def documentation(shared_folder: Path) -> Path:
    """A folder with what ``make docs`` writes: docs and target."""
    return made_once(shared_folder / "documentation", write_documentation)


def write_documentation(folder: Path) -> None:
    (folder / "docs").mkdir()
    places = f"Path({str(folder / 'docs')!r}), Path({str(folder / 'target')!r})"
    code = f"from pathlib import Path; write_documentation({places})"
    code = f"from generator.documentation.writing import write_documentation; {code}"
    done = run_python(["-c", code], ROOT, os.environ | WRITING_RESULTS)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with files to load, and a warehouse to load them into."""
    return Desk(tmp_path)


@pytest.fixture
def elearn(tmp_path: Path, dbt_variables: dict[str, str]) -> Elearn:
    """Run the real command line in a folder of its own."""

    def run(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run_elearn(tmp_path, dbt_variables, *arguments, check=check)

    return run


def run_elearn(
    folder: Path, variables: dict[str, str], *arguments: object, check: bool = True
) -> subprocess.CompletedProcess[str]:
    command = ["-m", "generator", *map(str, arguments)]
    done = run_python(command, folder, os.environ | variables)
    assert "Traceback" not in done.stderr, done.stderr
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def run_dbt(
    warehouse: Path, variables: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run bare dbt from the project's root on a warehouse."""
    environment = os.environ | variables | {"ELEARN_WAREHOUSE": str(warehouse)}
    _, *command = DBT
    return run_python([*command, "--no-use-colors", *arguments], ROOT, environment)


def copy_project(folder: Path) -> list[str]:
    """Copy the dbt project, so that a test may change it; return dbt's arguments for the copy."""
    shutil.rmtree(folder / "dbt_project", ignore_errors=True)
    shutil.copytree(ROOT / "dbt_project", folder / "dbt_project")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, folder)
    return ["--project-dir", str(folder), "--profiles-dir", str(folder)]
