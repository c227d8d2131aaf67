from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator.documentation.writing import write_documentation
from tests.conftest import dbt_writing_to
from tests.dbt.marts import Marts, compile_marts
from tests.dbt.warehouses import Warehouse, arrive
from tests.dbt.worlds import VARS


@pytest.fixture(scope="session")
def marts(
    tmp_path_factory: pytest.TempPathFactory, dbt_variables: dict[str, str]
) -> dict[str, Marts]:
    """The compiled models for each set of vars."""
    return compile_marts(tmp_path_factory.mktemp("compiled"), dbt_variables, VARS)


@pytest.fixture(scope="session")
def built_warehouse(tmp_path_factory: pytest.TempPathFactory, marts: dict[str, Marts]) -> Warehouse:
    """The first 110 days of a simulation, built; not to be changed."""
    folder = tmp_path_factory.mktemp("built")
    variables = dbt_writing_to(folder)
    warehouse = Warehouse(folder / "warehouse.duckdb", variables, marts)
    arrive(warehouse.path, 110)
    warehouse.run()
    shutil.copy(warehouse.path, folder / "kept.duckdb")
    return warehouse


@pytest.fixture
def warehouse(built_warehouse: Warehouse) -> Warehouse:
    """A copy of the built warehouse for one test."""
    built_warehouse.start_from(built_warehouse.path.with_name("kept.duckdb"))
    return built_warehouse


@pytest.fixture(scope="session")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what ``make docs`` writes: docs and target."""
    folder = tmp_path_factory.mktemp("documentation")
    (folder / "docs").mkdir()
    write_documentation(folder / "docs", folder / "target")
    return folder
