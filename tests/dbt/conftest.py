from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import ROOT, WRITING_RESULTS, dbt_writing_to, made_once
from tests.dbt.marts import Marts, compile_marts, read_marts
from tests.dbt.warehouses import Warehouse, arrive
from tests.dbt.worlds import VARS
from tests.preloaded import run_python


@pytest.fixture(scope="session")
def marts(shared_folder: Path) -> dict[str, Marts]:
    """The compiled models for each set of vars."""
    compiled = made_once(shared_folder / "compiled", lambda folder: compile_marts(folder, VARS))
    return read_marts(compiled, VARS)


@pytest.fixture(scope="session")
def built_warehouse(
    shared_folder: Path, tmp_path_factory: pytest.TempPathFactory, marts: dict[str, Marts]
) -> Warehouse:
    """The first 110 days of a simulation, built; not to be changed."""
    built = made_once(shared_folder / "arrived", partial(build, marts))
    folder = tmp_path_factory.mktemp("built")
    shutil.copy(built / "warehouse.duckdb", folder / "kept.duckdb")
    return Warehouse(folder / "warehouse.duckdb", dbt_writing_to(folder), marts)


def build(marts: dict[str, Marts], folder: Path) -> None:
    warehouse = Warehouse(folder / "warehouse.duckdb", dbt_writing_to(folder), marts)
    arrive(warehouse.path, 110)
    warehouse.run()


@pytest.fixture
def warehouse(built_warehouse: Warehouse) -> Warehouse:
    """A copy of the built warehouse for one test."""
    built_warehouse.start_from(built_warehouse.path.with_name("kept.duckdb"))
    return built_warehouse


@pytest.fixture(scope="session")
def documentation(shared_folder: Path) -> Path:
    """A folder with what ``make docs`` writes: docs and target."""
    return made_once(shared_folder / "documentation", write)


def write(folder: Path) -> None:
    (folder / "docs").mkdir()
    places = f"Path({str(folder / 'docs')!r}), Path({str(folder / 'target')!r})"
    code = f"from pathlib import Path; write_documentation({places})"
    code = f"from generator.documentation.writing import write_documentation; {code}"
    done = run_python(["-c", code], ROOT, os.environ | WRITING_RESULTS)
    assert done.returncode == 0, done.stderr
